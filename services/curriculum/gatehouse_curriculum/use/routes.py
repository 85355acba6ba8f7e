"""Uses over HTTP: the portal says that a member opened a resource from their plan."""

from uuid import UUID

from litestar import Controller, get, post

from gatehouse_chassis import Actor
from gatehouse_chassis.base.fields import refuse_odd_times
from gatehouse_chassis.base.problems import Forbidden
from gatehouse_chassis.http.guards import signed_in
from gatehouse_curriculum.access import Access
from gatehouse_curriculum.use import queries
from gatehouse_curriculum.use.structs import AssignmentTarget, NewUse, RecordedUse, UseEnd


class UseController(Controller):
    path = "/curricula/{person_id:uuid}/assignments/{assignment_id:uuid}"
    tags = ("uses",)

    @get("/target", operation_id="GetAssignmentTarget", summary="What its link leads to", guards=[signed_in])
    async def get_target(self, person_id: UUID, assignment_id: UUID, actor: Actor, access: Access) -> AssignmentTarget:
        await access.require(actor, person_id, "read")
        return await queries.target(person_id, assignment_id)

    @post(
        "/uses",
        operation_id="RecordUse",
        summary="Record that the member opened it; the first time starts it",
        description="No If-Match: clicks don't collide. Only the member's own count.",
        guards=[signed_in],
    )
    async def record_use(
        self, person_id: UUID, assignment_id: UUID, data: NewUse, actor: Actor, access: Access
    ) -> RecordedUse:
        standing = await access.require(actor, person_id, "use")
        if not actor.is_person(person_id):
            raise Forbidden("Only the member's own clicks count.")
        refuse_odd_times(data)
        return await queries.record(person_id, assignment_id, actor, standing, data)

    @post(
        "/uses/{use_id:uuid}/end",
        operation_id="EndUse",
        summary="Record that the member came back from it",
        description="Once: a use that has ended stays as it was. Only the member's own count.",
        guards=[signed_in],
        status_code=204,
    )
    async def end_use(
        self, person_id: UUID, assignment_id: UUID, use_id: UUID, data: UseEnd, actor: Actor, access: Access
    ) -> None:
        await access.require(actor, person_id, "use")
        if not actor.is_person(person_id):
            raise Forbidden("Only the member's own clicks count.")
        refuse_odd_times(data)
        await queries.end(person_id, assignment_id, use_id, data)
