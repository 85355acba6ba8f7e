"""When somebody's introduction is, for intake, where people take a time themselves."""

from uuid import UUID

from litestar import put
from litestar.handlers import HTTPRouteHandler

from gatehouse_chassis.http.guards import Guard
from gatehouse_person.person import queries
from gatehouse_person.person.structs import PersonRecord, PlannedIntroduction


def introduction_route(guard: Guard) -> HTTPRouteHandler:
    """PUT /people/ID/introduction, for who passes `guard`: other services, never people."""

    @put(
        "/people/{person_id:uuid}/introduction",
        operation_id="PlanIntroduction",
        guards=[guard],
        status_code=200,
        summary="Say when the introduction of somebody is who awaits one, or that it has no time any more",
        tags=["people"],
    )
    async def plan_introduction(person_id: UUID, data: PlannedIntroduction) -> PersonRecord:
        return await queries.plan_introduction(person_id, data.at)

    return plan_introduction
