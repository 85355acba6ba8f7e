"""Planning a period over HTTP: the now-list until the next meeting, and the time that there is for it."""

from uuid import UUID

from litestar import Controller, Request, Response, get, post, put

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import signed_in
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_curriculum.access import Access
from gatehouse_curriculum.curriculum.queries import find
from gatehouse_curriculum.curriculum.structs import Curriculum
from gatehouse_curriculum.period.queries import COMMITMENTS, PERIODS, period_of
from gatehouse_curriculum.period.structs import CommitmentRow, Period
from gatehouse_curriculum.planning import queries
from gatehouse_curriculum.planning.structs import CurriculumAfterCommitting, NewCommitment, NewPeriod


class PlanningController(Controller):
    path = "/curricula/{person_id:uuid}"
    tags = ("planning",)

    @post(
        "/periods",
        operation_id="CommitPeriod",
        summary="Commit the now-list of the coming period: until the next meeting, else for the usual days",
        description="What is in now and isn't in the list goes back to the head of next.",
        guards=[signed_in],
    )
    async def commit_period(
        self,
        person_id: UUID,
        data: NewPeriod,
        actor: Actor,
        access: Access,
        once: Once,
        if_match: IfMatch = None,
    ) -> Response[CurriculumAfterCommitting]:
        standing = await access.require(actor, person_id, "commit")
        version = required_version(if_match)
        zone = await access.time_zone(actor, person_id)
        return await once(queries.commit, person_id, version, actor, standing, data, zone, named="period_id")

    @get(
        "/periods",
        operation_id="ListPeriods",
        operation_class=PERIODS.operation,
        summary="The periods that were committed, the last first",
        guards=[signed_in],
    )
    async def list_periods(self, request: Request, person_id: UUID, actor: Actor, access: Access) -> Page[Period]:
        await access.require(actor, person_id, "read")
        row = await find(person_id)
        return await PERIODS.page(request.query_params, where=[("curriculum_id = {}", row.id)])

    @get("/periods/{period_id:uuid}", operation_id="GetPeriod", summary="One period", guards=[signed_in])
    async def get_period(self, person_id: UUID, period_id: UUID, actor: Actor, access: Access) -> Period:
        await access.require(actor, person_id, "read")
        row = await find(person_id)
        return await period_of(row.id, period_id)

    @post(
        "/periods/{period_id:uuid}/undo",
        operation_id="UndoPeriod",
        summary="Undo committing it, as long as nothing has changed since",
        guards=[signed_in],
        status_code=200,
    )
    async def undo_period(
        self, person_id: UUID, period_id: UUID, actor: Actor, access: Access, if_match: IfMatch = None
    ) -> Response[Curriculum]:
        standing = await access.require(actor, person_id, "commit")
        version = required_version(if_match)
        return versioned(await queries.undo(person_id, version, actor, standing, period_id))

    @put(
        "/commitment",
        operation_id="StateCommitment",
        summary="Say how much time the member has for learning, and how often they meet their mentor",
        guards=[signed_in],
    )
    async def state_commitment(
        self, person_id: UUID, data: NewCommitment, actor: Actor, access: Access, if_match: IfMatch = None
    ) -> Response[Curriculum]:
        standing = await access.require(actor, person_id, "state_commitment")
        version = required_version(if_match)
        return versioned(await queries.state_commitment(person_id, version, actor, standing, data))

    @get(
        "/commitments",
        operation_id="ListCommitments",
        operation_class=COMMITMENTS.operation,
        summary="What was said about the member's time, the last first",
        guards=[signed_in],
    )
    async def list_commitments(
        self, request: Request, person_id: UUID, actor: Actor, access: Access
    ) -> Page[CommitmentRow]:
        await access.require(actor, person_id, "read")
        row = await find(person_id)
        return await COMMITMENTS.page(request.query_params, where=[("curriculum_id = {}", row.id)])
