"""Awards over HTTP: proposing, confirming, taking back, and choosing who sees one."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import State

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Forbidden, NotFound
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import allow, signed_in
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_credential.access import CONFIRMERS, COORDINATORS, MemberAccess, person_of
from gatehouse_credential.achievement.queries import ACHIEVEMENT
from gatehouse_credential.award import queries
from gatehouse_credential.award.evidence import EvidenceSources
from gatehouse_credential.award.queries import AWARD, AWARDS
from gatehouse_credential.award.rules import refuse_confirming
from gatehouse_credential.award.structs import (
    AwardRow,
    Confirmation,
    EndReason,
    NewAward,
    OfferedEvidenceList,
    VisibilityChoice,
)


class AwardController(Controller):
    path = "/awards"
    tags = ("awards",)

    @get(
        operation_id="ListAwards",
        operation_class=AWARDS.operation,
        guards=[signed_in],
        summary="Awards that the caller sees: their own, those they proposed; with `person` all of a member's",
        description="Mentors, coordinators and staff also see all that wait for a confirmation: `state=proposed`.",
    )
    async def list_awards(self, request: Request[Any, Any, Any], actor: Actor, state: State) -> Page[AwardRow]:
        params = request.query_params
        access: MemberAccess = state.member_access
        if actor.has(*COORDINATORS) or (actor.has(*CONFIRMERS) and params.getall("state", []) == ["proposed"]):
            return await AWARDS.page(params, where=[queries.OF_PEOPLE])
        people = params.getall("person", [])
        if len(people) == 1 and _is_id(people[0]) and await access.mentors(actor, UUID(people[0])):
            return await AWARDS.page(params, where=[queries.OF_PEOPLE])
        return await AWARDS.page(params, where=[queries.OF_PEOPLE, queries.visible_to(actor)])

    @get(
        "/evidence/{person_id:uuid}/{achievement_id:uuid}",
        operation_id="OfferEvidence",
        guards=[signed_in],
        summary="What a proposal could rest on: what the person completed, and their meetings",
    )
    async def offer_evidence(
        self, person_id: UUID, achievement_id: UUID, actor: Actor, state: State
    ) -> OfferedEvidenceList:
        await state.member_access.require_reader(actor, person_id)
        return await state.evidence.offered(person_id, await ACHIEVEMENT.get(achievement_id))

    @post(
        operation_id="ProposeAward",
        guards=[signed_in],
        summary="Propose a certificate; another person confirms it",
        description="For the person's mentor, and for coordinators and staff.",
    )
    async def propose(self, data: NewAward, actor: Actor, once: Once, state: State) -> Response[AwardRow]:
        await state.member_access.require_proposer(actor, data.person_id)
        sources: EvidenceSources = state.evidence
        proposer = person_of(actor)
        achievement = await ACHIEVEMENT.get(data.achievement_id)
        person = await sources.person(data.person_id)
        evidence = await sources.chosen(data.person_id, achievement, data.evidence)
        return await once(queries.propose, data, person.name, evidence, proposer, by=actor)

    @get("/{id:uuid}", operation_id="GetAward", guards=[signed_in], summary="One award")
    async def get_award(
        self, request: Request[Any, Any, Any], id: UUID, actor: Actor, state: State
    ) -> Response[AwardRow]:
        row = await AWARD.get(id, where=queries.OF_PEOPLE)
        await _refuse_reading(row, actor, state.member_access)
        return versioned(row, request)

    @post(
        "/{id:uuid}/confirm",
        operation_id="ConfirmAward",
        guards=[allow(*CONFIRMERS)],
        status_code=200,
        summary="Confirm a proposal of somebody else: the certificate is signed and issued",
    )
    async def confirm(
        self, id: UUID, data: Confirmation, actor: Actor, state: State, if_match: IfMatch = None
    ) -> Response[AwardRow]:
        version, confirmer = required_version(if_match), person_of(actor)
        row = await AWARD.get(id, version=version, where=queries.OF_PEOPLE)
        refuse_confirming(row, confirmer)
        signer = await state.issuer_keys.signer()
        if data.mastery is not None and row.person_id is not None:
            if not actor.has(*COORDINATORS):
                raise Forbidden("Only coordinators and staff raise somebody's level; confirm without it.")
            await state.evidence.raise_mastery(row.person_id, data.mastery)
        return versioned(await queries.issue(id, version, confirmer, signer, state.issuer, by=actor))

    @post(
        "/{id:uuid}/decline",
        operation_id="DeclineAward",
        guards=[allow(*CONFIRMERS)],
        status_code=200,
        summary="Say that it isn't earned yet, or take one's own proposal back",
    )
    async def decline(self, id: UUID, data: EndReason, actor: Actor, if_match: IfMatch = None) -> Response[AwardRow]:
        version, decider = required_version(if_match), person_of(actor)
        return versioned(await queries.decline(id, version, data.reason, decider, by=actor))

    @post(
        "/{id:uuid}/revoke",
        operation_id="RevokeAward",
        guards=[allow(*COORDINATORS)],
        status_code=200,
        summary="Take a certificate back, for a reason that its page says",
    )
    async def revoke(self, id: UUID, data: EndReason, actor: Actor, if_match: IfMatch = None) -> Response[AwardRow]:
        version, decider = required_version(if_match), person_of(actor)
        return versioned(await queries.revoke(id, version, data.reason, decider, by=actor))

    @post(
        "/{id:uuid}/visibility",
        operation_id="ShowAward",
        guards=[signed_in],
        status_code=200,
        summary="Choose who may open the page of one's own certificate",
    )
    async def show(
        self, id: UUID, data: VisibilityChoice, actor: Actor, if_match: IfMatch = None
    ) -> Response[AwardRow]:
        if actor.person is None:
            raise NotFound(f"There is no award {id}.")
        return versioned(await queries.show(id, required_version(if_match), data.visibility, by=actor))


async def _refuse_reading(row: AwardRow, actor: Actor, access: MemberAccess) -> None:
    """Raises NotFound for whoever is nothing to it."""
    if actor.is_person(row.proposed_by) or (row.state == "proposed" and actor.has(*CONFIRMERS)):
        return
    if row.person_id is None:
        raise NotFound(f"There is no award {row.id}.")
    await access.require_reader(actor, row.person_id)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
