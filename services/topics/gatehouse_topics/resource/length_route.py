"""How long resources are, for other services of the platform that act for no caller: curriculum's forecasts."""

from collections.abc import Sequence
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler

from gatehouse_chassis.http.guards import Guard
from gatehouse_topics.resource import queries
from gatehouse_topics.resource.structs import ResourceLength


def length_route(guard: Guard) -> HTTPRouteHandler:
    """GET /lengths, for who passes `guard`: other services, never people."""

    @get(
        "/lengths",
        operation_id="ListLengths",
        guards=[guard],
        summary="Kind and length of all resources, or of one; for other services, with a token of their own",
        tags=["resources"],
    )
    async def list_lengths(id: UUID | None = None) -> Sequence[ResourceLength]:
        return await queries.lengths(id)

    return list_lengths
