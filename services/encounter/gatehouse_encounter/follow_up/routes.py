"""Follow-ups over HTTP: what the two promised each other."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Forbidden
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import signed_in
from gatehouse_chassis.lists.listing import Page
from gatehouse_encounter.access import EncounterAccess
from gatehouse_encounter.follow_up import queries
from gatehouse_encounter.follow_up.structs import FollowUp, FollowUpChange
from gatehouse_encounter.members import member_in
from gatehouse_encounter.reads import note_reads


class FollowUpController(Controller):
    path = "/follow-ups"
    tags = ("follow-ups",)

    @get(
        operation_id="ListFollowUps",
        operation_class=queries.FOLLOW_UPS.operation,
        guards=[signed_in],
        summary="What was promised, as far as the caller sees it; what is due first comes first",
    )
    async def list_follow_ups(
        self, request: Request[Any, Any, Any], actor: Actor, access: EncounterAccess
    ) -> Page[FollowUp]:
        member = await member_in(request, actor, access)
        page = await queries.FOLLOW_UPS.page(request.query_params, where=[queries.visible_follow_ups(actor, member)])
        await note_reads(actor, page.items, "ListFollowUps")
        return page

    @patch("/{follow_up_id:uuid}", operation_id="ChangeFollowUp", guards=[signed_in], summary="Change a follow-up")
    async def change_follow_up(
        self, follow_up_id: UUID, data: FollowUpChange, actor: Actor, access: EncounterAccess, if_match: IfMatch = None
    ) -> Response[FollowUp]:
        await self._require(follow_up_id, actor, access)
        return versioned(await queries.change_follow_up(follow_up_id, required_version(if_match), data, actor))

    @post(
        "/{follow_up_id:uuid}/done",
        operation_id="FinishFollowUp",
        guards=[signed_in],
        status_code=200,
        summary="Say that it is done",
    )
    async def finish_follow_up(
        self, follow_up_id: UUID, actor: Actor, access: EncounterAccess, if_match: IfMatch = None
    ) -> Response[FollowUp]:
        await self._require(follow_up_id, actor, access)
        return versioned(await queries.finish_follow_up(follow_up_id, required_version(if_match), actor))

    @post(
        "/{follow_up_id:uuid}/reopen",
        operation_id="ReopenFollowUp",
        guards=[signed_in],
        status_code=200,
        summary="Say that it isn't done after all",
    )
    async def reopen_follow_up(
        self, follow_up_id: UUID, actor: Actor, access: EncounterAccess, if_match: IfMatch = None
    ) -> Response[FollowUp]:
        await self._require(follow_up_id, actor, access)
        return versioned(await queries.reopen_follow_up(follow_up_id, required_version(if_match), actor))

    async def _require(self, id: UUID, actor: Actor, access: EncounterAccess) -> None:
        """The member and whoever mentors them now change it. Raises NotFound, or Forbidden for who only sees it."""
        row = await queries.FOLLOW_UP.get(id)
        standing = await access.standing(actor, row)
        if standing == "author" and not await access.mentors(actor, row.member_id):
            raise Forbidden("You don't mentor this member any more.")
        if standing == "coordination":
            raise Forbidden("This is for the member and their mentor.")
