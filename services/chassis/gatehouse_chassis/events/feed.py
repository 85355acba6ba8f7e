"""The feed of what a service publishes: `GET /events?after=<next of the last answer>&types=person.joined,...`

A reader that remembers "the last id" loses what commits late: transactions commit in another order than they begin. So
the feed gives only events of transactions below the snapshot's xmin: every transaction before those has ended, and
nothing can appear among them any more. Order is (epoch, tx, id), compared as columns. The price: an event waits for the
longest open *writing* transaction of the whole cluster (`held_seconds`).
https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from gatehouse_chassis.base.problems import Invalid
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.events.event import EventPage, FeedPosition, PublishedEvent, position_of
from gatehouse_chassis.http.guards import Guard

MOST = 500
MOST_COUNTED = 10_000
MOST_TYPES = 100


class EventRow(msgspec.Struct, frozen=True):
    """An event as the table has it; asyncpg has no codec for xid8."""

    epoch: int
    tx: str
    id: UUID
    type: str
    subject_id: UUID
    subject_version: int
    at: datetime
    actor_id: UUID | None
    request_id: UUID | None
    trace_id: str | None
    ids: dict[str, Any]

    def published(self) -> PublishedEvent:
        return PublishedEvent(
            epoch=self.epoch,
            tx=int(self.tx),
            id=self.id,
            type=self.type,
            subject_id=self.subject_id,
            subject_version=self.subject_version,
            at=self.at,
            actor_id=self.actor_id,
            request_id=self.request_id,
            trace_id=self.trace_id,
            ids=self.ids,
        )


class EventFeed:
    """Reads what a service published, in an order in which nothing appears later among what was read."""

    def __init__(self, database: Database) -> None:
        table = f"{database.schema}.event"
        row = ", ".join("e.tx::text as tx" if name == "tx" else f"e.{name}" for name in EventRow.__struct_fields__)
        visible = "(e.epoch < now.epoch or e.tx < pg_snapshot_xmin(pg_current_snapshot()))"
        later = "(e.epoch, e.tx, e.id) > ($2, $3::text::xid8, $4)"
        # By hand, all three: snapshots, and one look into the index for each type.
        self._page = database.prepare_sql(
            f"select {row} from dbm.epoch now cross join unnest($1::text[]) wanted(type) cross join lateral ("  # noqa: S608 - ours
            f"select * from {table} e where e.type = wanted.type and {later} and {visible} "
            "order by e.epoch, e.tx, e.id limit $5) e order by e.epoch, e.tx, e.id limit $5",
            EventRow,
        )
        # By hand: see above.
        self._left = database.prepare_sql(
            f"select count(*) from (select from {table} e where e.type = any($1) and {later} limit {MOST_COUNTED}) e"  # noqa: S608 - ours
        )
        # By hand: see above.
        self._held = database.prepare_sql(
            "select coalesce(extract(epoch from clock_timestamp() - min(e.at)), 0)::float8 "  # noqa: S608 - ours
            f"from dbm.epoch now join {table} e on e.epoch = now.epoch "
            "and e.tx >= pg_snapshot_xmin(pg_current_snapshot())"
        )

    async def page(self, types: list[str], after: FeedPosition, *, most: int = MOST, count: bool = False) -> EventPage:
        """Up to `most` events of these types after a position."""
        start = (after.epoch, str(after.tx), after.id)
        rows = await self._page.all(types, *start, most)
        events = [row.published() for row in rows]
        last = events[-1].position if events else after
        left = None
        if count:
            left = await self._left.value(types, last.epoch, str(last.tx), last.id)
        held = 0.0 if len(events) == most else max(0.0, await self._held.value())
        return EventPage(events=events, next=str(last), held_seconds=held, left=left)


def feed_route(feed: EventFeed, published: list[str], guard: Guard) -> HTTPRouteHandler:
    """GET /events of a service that publishes these types."""

    @get(
        "/events",
        guards=[guard],
        operation_id="ReadEvents",
        summary="What happened here, for services that follow it",
        tags=["platform"],
        include_in_schema=False,
    )
    async def read_events(
        types: Annotated[str, QueryParameter(description="Types, with commas between them")],
        after: Annotated[str, QueryParameter(description="`next` of the last answer")] = "",
        limit: Annotated[int, QueryParameter(ge=1, le=MOST)] = 100,
        count: bool = False,
    ) -> EventPage:
        wanted = sorted(set(types.split(",")))
        unknown = [name for name in wanted if name not in published]
        if unknown or len(wanted) > MOST_TYPES:
            raise Invalid({"types": f"this service publishes {', '.join(published)}"})
        start = position_of(after or "0.0." + "0" * 32)
        return await feed.page(wanted, start, most=limit, count=count)

    return read_events
