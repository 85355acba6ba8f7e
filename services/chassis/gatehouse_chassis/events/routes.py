"""What people do with parked events: see them, have them tried again, discard them with a reason; and replay.

At the root of a consumer's port, for operators; the portal's Admin and `gate events` are their clients.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Router, get, post
from msgspec import Meta

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.events.reader import ReaderFigures
from gatehouse_chassis.events.store import EventStore, ParkedCounts, ParkedEvent
from gatehouse_chassis.http.guards import operators
from gatehouse_chassis.jobs.structs import DiscardReason


class FollowedService(msgspec.Struct, frozen=True, kw_only=True):
    """A producer that this service follows. The figures are those of the task that reads its feed."""

    producer: str
    types: list[str]
    reads: bool
    backlog: int
    lag_seconds: float
    counts: ParkedCounts
    unhandled: list[ParkedEvent]


class ReplayRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    since: Annotated[datetime, Meta(tz=True, description="What was published since then is handled again")]


class ReplayStarted(msgspec.Struct, frozen=True):
    """How many events had been handled, and will be again."""

    events: int


def follower_routes(
    stores: Mapping[str, EventStore], types: Mapping[str, list[str]], figures: Mapping[str, ReaderFigures]
) -> Router:
    def of(producer: str) -> EventStore:
        if producer not in stores:
            raise NotFound(f"This service follows {', '.join(sorted(stores))}.")
        return stores[producer]

    @get("/", operation_id="ListFollowed", summary="Whose events it follows, how far behind it is, what is parked")
    async def list_followed() -> list[FollowedService]:
        return [
            FollowedService(
                producer=producer,
                types=types[producer],
                reads=figures[producer].leads if producer in figures else False,
                backlog=figures[producer].backlog if producer in figures else 0,
                lag_seconds=round(figures[producer].lag_seconds, 3) if producer in figures else 0.0,
                counts=await store.counts(),
                unhandled=await store.listed(),
            )
            for producer, store in stores.items()
        ]

    @post("/{producer:str}/{id:uuid}/retry", operation_id="RetryEvent", summary="Try now", status_code=204)
    async def retry_event(producer: str, id: UUID) -> None:
        await of(producer).retry(id)

    @post("/{producer:str}/{id:uuid}/discard", operation_id="DiscardEvent", summary="Never handle it", status_code=204)
    async def discard_event(producer: str, id: UUID, data: DiscardReason, actor: Actor) -> None:
        await of(producer).discard(id, by=actor.account, reason=data.reason)

    @post(
        "/{producer:str}/replay",
        operation_id="ReplayEvents",
        summary="Handle again what was published since a moment",
        description="Handlers must leave what they did before as it is. Events that are parked stay so.",
        status_code=200,
    )
    async def replay_events(producer: str, data: ReplayRequest) -> ReplayStarted:
        return ReplayStarted(await of(producer).replay(data.since))

    handlers = [list_followed, retry_event, discard_event, replay_events]
    return Router(path="/followed", route_handlers=handlers, guards=[operators], tags=["platform"])
