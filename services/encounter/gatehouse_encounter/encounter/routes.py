"""Encounters over HTTP: planning, holding and finishing them."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Forbidden, NotFound
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import allow, signed_in
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_encounter.access import EncounterAccess
from gatehouse_encounter.encounter import disclosures, queries
from gatehouse_encounter.encounter.structs import (
    Disclosed,
    Disclosure,
    Encounter,
    EncounterChange,
    EncounterInList,
    EncounterRow,
    FinishedEncounter,
    NewEncounter,
    WithReason,
)
from gatehouse_encounter.members import member_in
from gatehouse_encounter.reads import READS, note_reads
from gatehouse_encounter.text.structs import NewAmendment


class EncounterController(Controller):
    path = "/encounters"
    tags = ("encounters",)

    @get(
        operation_id="ListEncounters",
        operation_class=queries.ENCOUNTERS.operation,
        guards=[signed_in],
        summary="The encounters that the caller sees; a mentor asks for all of a member's with `member`",
    )
    async def list_encounters(
        self, request: Request[Any, Any, Any], actor: Actor, access: EncounterAccess
    ) -> Page[EncounterInList]:
        member = await member_in(request, actor, access)
        page = await queries.ENCOUNTERS.page(request.query_params, where=[queries.encounters_of(actor, member)])
        await note_reads(actor, (one for one in page.items if one.summary), "ListEncounters")
        return page

    @post(operation_id="PlanEncounter", guards=[signed_in], summary="Plan an encounter of a member and their mentor")
    async def plan_encounter(
        self, data: NewEncounter, actor: Actor, access: EncounterAccess, once: Once
    ) -> Response[EncounterRow]:
        await access.planner(actor, data)
        zone = data.time_zone or await access.time_zone(actor, data.mentor_id) or "UTC"
        return await once(queries.plan, data, zone, actor)

    @get(
        "/{encounter_id:uuid}",
        operation_id="GetEncounter",
        guards=[signed_in],
        summary="One encounter, with what the caller may see of it",
    )
    async def get_encounter(self, encounter_id: UUID, actor: Actor, access: EncounterAccess) -> Response[Encounter]:
        row = await queries.ENCOUNTER.get(encounter_id)
        standing = await access.standing(actor, row)
        if standing == "coordination":
            await READS.note(actor, [row.member_id], what="GetEncounter", why="coordinator")
        return versioned(await queries.read(encounter_id, standing, actor.person))

    @patch(
        "/{encounter_id:uuid}",
        operation_id="ChangeEncounter",
        guards=[signed_in],
        summary="Change the time or the script of an encounter that hasn't begun",
    )
    async def change_encounter(
        self, encounter_id: UUID, data: EncounterChange, actor: Actor, access: EncounterAccess, if_match: IfMatch = None
    ) -> Response[EncounterRow]:
        await access.planner(actor, await self._seen(encounter_id, actor, access))
        return versioned(await queries.change(encounter_id, required_version(if_match), data, actor))

    @post(
        "/{encounter_id:uuid}/open",
        operation_id="OpenEncounter",
        guards=[signed_in],
        status_code=200,
        summary="Begin an encounter, as its mentor: from now on its prompts stay as they are",
    )
    async def open_encounter(
        self, encounter_id: UUID, actor: Actor, access: EncounterAccess, if_match: IfMatch = None
    ) -> Response[EncounterRow]:
        row = await self._seen(encounter_id, actor, access)
        await access.author(actor, row)
        if not await access.mentors(actor, row.member_id):
            raise Forbidden("You don't mentor this member any more.")
        return versioned(await queries.open_encounter(encounter_id, required_version(if_match), actor))

    @post(
        "/{encounter_id:uuid}/finish",
        operation_id="FinishEncounter",
        guards=[signed_in],
        status_code=200,
        summary="Finish an encounter: what comes next is agreed on, and the member sees what is shared",
        description="Sent again with the same now-list, it answers as before and does nothing.",
    )
    async def finish_encounter(
        self,
        encounter_id: UUID,
        data: FinishedEncounter,
        actor: Actor,
        access: EncounterAccess,
        if_match: IfMatch = None,
    ) -> Response[EncounterRow]:
        row = await self._seen(encounter_id, actor, access)
        await access.author(actor, row)
        if data.next is not None and not await access.mentors(actor, row.member_id):
            raise Forbidden("You don't mentor this member any more: finish without a next meeting.")
        return versioned(await queries.finish(encounter_id, required_version(if_match), data, actor))

    @post(
        "/{encounter_id:uuid}/no-show",
        operation_id="RecordNoShow",
        guards=[signed_in],
        status_code=200,
        summary="Say that one of the two didn't come",
    )
    async def record_no_show(
        self, encounter_id: UUID, actor: Actor, access: EncounterAccess, if_match: IfMatch = None
    ) -> Response[EncounterRow]:
        await self._may_end(encounter_id, actor, access)
        return versioned(await queries.no_show(encounter_id, required_version(if_match), actor))

    @post(
        "/{encounter_id:uuid}/cancel",
        operation_id="CancelEncounter",
        guards=[signed_in],
        status_code=200,
        summary="Call an encounter off, and say why",
    )
    async def cancel_encounter(
        self, encounter_id: UUID, data: WithReason, actor: Actor, access: EncounterAccess, if_match: IfMatch = None
    ) -> Response[EncounterRow]:
        await self._may_end(encounter_id, actor, access)
        return versioned(await queries.cancel(encounter_id, required_version(if_match), data.reason, actor))

    @post(
        "/{encounter_id:uuid}/amendments",
        operation_id="AmendEncounter",
        guards=[signed_in],
        status_code=200,
        summary="Put right a text of a finished encounter; what it was, and why it changed, is shown beside it",
    )
    async def amend_encounter(
        self, encounter_id: UUID, data: NewAmendment, actor: Actor, access: EncounterAccess, if_match: IfMatch = None
    ) -> Response[EncounterRow]:
        row = await self._seen(encounter_id, actor, access)
        await access.author(actor, row)
        if not await access.mentors(actor, row.member_id):
            raise Forbidden("You don't mentor this member any more.")
        return versioned(await queries.amend(encounter_id, required_version(if_match), data, actor))

    @post(
        "/{encounter_id:uuid}/disclosures",
        operation_id="DisclosePrivateTexts",
        guards=[allow("coordinator")],
        summary="In an emergency, open what the mentor wrote for themself; the reason is recorded and the mentor told",
    )
    async def disclose(
        self, request: Request[Any, Any, Any], encounter_id: UUID, data: WithReason, actor: Actor
    ) -> Response[Disclosed]:
        row = await queries.ENCOUNTER.get(encounter_id)
        await READS.note(actor, [row.member_id], what="DisclosePrivateTexts", why="coordinator")
        return Response(await disclosures.disclose(row, data.reason, actor), status_code=201)

    async def _seen(self, id: UUID, actor: Actor, access: EncounterAccess) -> EncounterRow:
        """Raises NotFound for what the caller may not see."""
        row = await queries.ENCOUNTER.get(id)
        await access.standing(actor, row)
        return row

    async def _may_end(self, id: UUID, actor: Actor, access: EncounterAccess) -> None:
        row = await self._seen(id, actor, access)
        if not actor.is_person(row.mentor_id):
            await access.planner(actor, row)


class DisclosureController(Controller):
    path = "/disclosures"
    tags = ("encounters",)

    @get(
        operation_id="ListDisclosures",
        operation_class=disclosures.DISCLOSURES.operation,
        guards=[signed_in],
        summary="When private texts of the caller's were opened, by whom and why; and what the caller opened",
    )
    async def list_disclosures(self, request: Request[Any, Any, Any], actor: Actor) -> Page[Disclosure]:
        if actor.person is None:
            raise NotFound
        return await disclosures.DISCLOSURES.page(request.query_params, where=[disclosures.disclosures_to(actor)])
