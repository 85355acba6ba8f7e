"""Ratings over HTTP: what people think of a resource."""

from uuid import UUID

from litestar import Controller, Response, get, put

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Forbidden
from gatehouse_chassis.http.etags import OptionalIfMatch, required_version, versioned
from gatehouse_chassis.http.guards import signed_in
from gatehouse_topics.rating import queries
from gatehouse_topics.rating.structs import Opinion, RatingRow, Ratings


class RatingController(Controller):
    path = "/resources/{id:uuid}/ratings"
    tags = ("ratings",)

    @get(operation_id="GetRatings", summary="What people think of a resource", guards=[signed_in])
    async def get_ratings(self, id: UUID, actor: Actor) -> Ratings:
        return await queries.ratings(id, actor.person)

    @put(
        "/mine",
        operation_id="RateResource",
        summary="Rate a resource, or change one's rating",
        description="If-Match isn't needed: nobody else changes it. With it, another version is a 412.",
        guards=[signed_in],
    )
    async def rate_resource(
        self, id: UUID, data: Opinion, actor: Actor, if_match: OptionalIfMatch = None
    ) -> Response[RatingRow]:
        if actor.person is None:
            raise Forbidden("Only people rate resources.")
        version = required_version(if_match) if if_match and if_match.strip() else None
        return versioned(await queries.rate(id, data, actor, version))
