"""Statistics of resources over HTTP, for everybody who is signed in."""

from uuid import UUID

from litestar import Controller, get

from gatehouse_chassis.http.guards import signed_in
from gatehouse_curriculum.statistics import queries
from gatehouse_curriculum.statistics.structs import ResourceStatistics


class StatisticsController(Controller):
    path = "/resources"
    tags = ("statistics",)

    @get(
        "/{resource_id:uuid}/statistics",
        operation_id="GetResourceStatistics",
        summary="How many finished a resource, and about how long it took them",
        guards=[signed_in],
    )
    async def get_statistics(self, resource_id: UUID) -> ResourceStatistics:
        return await queries.statistics_of(resource_id)
