"""Who mentors whom, over HTTP."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import allow, signed_in
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_person.mentor_assignment import queries
from gatehouse_person.mentor_assignment.structs import EndMentorAssignment, MentorAssignment, NewMentorAssignment
from gatehouse_person.roles import STAFF


class MentorAssignmentController(Controller):
    path = "/mentor-assignments"
    tags = ("mentoring",)

    @get(
        operation_id="ListMentorAssignments",
        operation_class=queries.ASSIGNMENTS.operation,
        guards=[signed_in],
        summary="Who mentors whom, as far as the caller sees it",
    )
    async def list_mentor_assignments(self, request: Request[Any, Any, Any], actor: Actor) -> Page[MentorAssignment]:
        where = [queries.visible_to(actor)]
        return await queries.ASSIGNMENTS.page(request.query_params, where=where)

    @post(operation_id="AssignMentor", guards=[allow(*STAFF)], summary="Give a member a mentor")
    async def assign_mentor(
        self,
        data: NewMentorAssignment,
        actor: Actor,
        once: Once,
    ) -> Response[MentorAssignment]:
        return await once(queries.assign, data, actor)

    @get(
        "/{assignment_id:uuid}",
        operation_id="GetMentorAssignment",
        guards=[signed_in],
        summary="One mentor assignment",
    )
    async def get_mentor_assignment(
        self, request: Request[Any, Any, Any], assignment_id: UUID, actor: Actor
    ) -> Response[MentorAssignment]:
        where = queries.visible_to(actor)
        return versioned(await queries.ASSIGNMENT.get(assignment_id, where=where), request)

    @post(
        "/{assignment_id:uuid}/end",
        operation_id="EndMentorAssignment",
        guards=[allow(*STAFF)],
        status_code=200,
        summary="End a mentor assignment",
    )
    async def end_mentor_assignment(
        self, assignment_id: UUID, data: EndMentorAssignment, actor: Actor, if_match: IfMatch = None
    ) -> Response[MentorAssignment]:
        version = required_version(if_match)
        return versioned(await queries.end(assignment_id, version, data.reason, actor))
