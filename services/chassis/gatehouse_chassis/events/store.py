"""What a consumer keeps in its own schema: its cursor for each producer, its inbox, and the events that are parked.

All SQL of the consuming side. A cursor knows which types it was read with: a type that is added later starts anew from
the first event, and the inbox leaves out what was handled.
"""

# ruff: noqa: S608 - the names of schema and table come from the code

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.events.event import CHANNEL, START, FeedPosition, PublishedEvent

PAUSES = (1.0, 5.0, 30.0, 120.0, 600.0, 1800.0, 7200.0)
"""Seconds before the second, third, ... try; after one more failure an event waits for a person."""
MOST_TRIES = len(PAUSES) + 1
MOST_PARKED = 1000
MOST_SHOWN = 200
NEEDS = {"event_cursor": "1.0.0", "event_inbox": "1.0.0", "event_parked": "1.0.0"}
"""The collections that this code needs, as `[database.needs]` says it."""


class CursorRow(msgspec.Struct, frozen=True):
    epoch: int
    tx: str
    id: UUID
    types: list[str]

    @property
    def position(self) -> FeedPosition:
        return FeedPosition(self.epoch, int(self.tx), self.id)


class ParkedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that isn't handled: it is tried again at `due_at`, or waits for a person or behind another."""

    producer: str
    id: UUID
    type: str
    subject_id: UUID
    tries: int
    due_at: datetime | None
    failure: str | None
    parked_at: datetime
    discarded_at: datetime | None
    discarded_reason: str | None


class ParkedCounts(msgspec.Struct, frozen=True):
    """Events that aren't handled: to be tried again, waiting behind those, and left to people."""

    retrying: int = 0
    behind: int = 0
    parked: int = 0


class DueEvent(msgspec.Struct, frozen=True):
    tries: int
    event: dict[str, Any]


class EventStore:
    """For one producer. `retried_in`: seconds before each further try."""

    def __init__(self, database: Database, producer: str, *, retried_in: Sequence[float] = PAUSES) -> None:
        self.producer = producer
        self._retried_in = tuple(retried_in)
        schema = database.schema
        cursor, inbox, parked = f"{schema}.event_cursor", f"{schema}.event_inbox", f"{schema}.event_parked"
        # By hand, all of this: transaction ids, `skip locked`, arrays, and "the first of those that wait".
        self._begin = database.prepare_sql(
            f"insert into {cursor} (producer, types) values ($1, $2) on conflict (producer) do update set "
            f"epoch = excluded.epoch, tx = excluded.tx, id = excluded.id, types = excluded.types "
            f"where not event_cursor.types @> excluded.types"
        )
        # By hand: see above.
        self._narrow = database.prepare_sql(
            f"update {cursor} set types = $2 where producer = $1 and types @> $2 and not types <@ $2"
        )
        # By hand: see above.
        self._read = database.prepare_sql(
            f"select epoch, tx::text, id, types from {cursor} where producer = $1", CursorRow
        )
        # By hand: see above.
        self._lock = database.prepare_sql(
            f"select epoch, tx::text, id, types from {cursor} where producer = $1 for update skip locked", CursorRow
        )
        # By hand: see above.
        self._move = database.prepare_sql(
            f"update {cursor} set epoch = $2, tx = $3::text::xid8, id = $4, moved_at = clock_timestamp() "
            "where producer = $1"
        )
        # By hand: see above.
        self._receive = database.prepare_sql(
            f"insert into {inbox} (producer, id) select $1, unnest($2::uuid[]) on conflict do nothing returning id"
        )
        # By hand: see above.
        self._behind = database.prepare_sql(
            f"select distinct subject_id from {parked} where producer = $1 and subject_id = any($2) "
            "and discarded_at is null"
        )
        # By hand: see above.
        self._park = database.prepare_sql(
            f"insert into {parked} (producer, id, type, subject_id, epoch, tx, event, tries, due_at, failure) "
            "select $1, $2, $3, $4, $5, $6::text::xid8, $7, $8, clock_timestamp() + $9 * interval '1 second', $10 "
            f"where not exists (select from {inbox} where producer = $1 and id = $2) on conflict do nothing"
        )
        # By hand: see above.
        self._open = database.prepare_sql(f"select count(*) from {parked} where producer = $1 and discarded_at is null")
        # By hand: see above.
        self._counts = database.prepare_sql(
            "select count(*) filter (where due_at is not null) as retrying, "
            "count(*) filter (where due_at is null and tries = 0) as behind, "
            "count(*) filter (where due_at is null and tries > 0) as parked "
            f"from {parked} where producer = $1 and discarded_at is null",
            ParkedCounts,
        )
        # By hand: see above.
        self._due = database.prepare_sql(
            f"select id from {parked} where producer = $1 and due_at <= clock_timestamp() order by due_at limit 20"
        )
        # By hand: see above.
        self._due_event = database.prepare_sql(
            f"select tries, event from {parked} where producer = $1 and id = $2 and due_at is not null "
            "for update skip locked",
            DueEvent,
        )
        # By hand: see above.
        self._peek = database.prepare_sql(f"select event from {parked} where producer = $1 and id = $2")
        # By hand: see above.
        self._failed = database.prepare_sql(
            f"update {parked} set tries = tries + 1, failure = $4, due_at = clock_timestamp() + $3 * "
            "interval '1 second' where producer = $1 and id = $2 and due_at is not null"
        )
        # By hand: see above.
        self._done = database.prepare_sql(f"delete from {parked} where producer = $1 and id = $2")
        # By hand: see above.
        self._next = database.prepare_sql(
            f"update {parked} set due_at = clock_timestamp() where producer = $1 and id = (select id from {parked} "
            "where producer = $1 and subject_id = $2 and discarded_at is null order by epoch, tx, id limit 1) "
            "and due_at is null and tries = 0"
        )
        # By hand: see above.
        self._retry = database.prepare_sql(
            f"update {parked} set due_at = clock_timestamp(), tries = 0 where producer = $1 and id = $2 "
            "and discarded_at is null and tries > 0 returning id"
        )
        # By hand: see above.
        self._discard = database.prepare_sql(
            f"update {parked} set due_at = null, discarded_at = clock_timestamp(), discarded_by = $3, "
            "discarded_reason = $4 where producer = $1 and id = $2 and discarded_at is null and tries > 0 "
            "returning subject_id"
        )
        # By hand: see above.
        self._list = database.prepare_sql(
            "select producer, id, type, subject_id, tries, due_at, failure, parked_at, discarded_at, discarded_reason "
            f"from {parked} where producer = $1 order by discarded_at is not null, parked_at desc limit {MOST_SHOWN}",
            ParkedEvent,
        )
        # By hand: see above. A UUIDv7 begins with the milliseconds of when it was made.
        self._forget = database.prepare_sql(
            f"delete from {inbox} where producer = $1 and id >= (lpad(to_hex((extract(epoch from $2::timestamptz) "
            "* 1000)::bigint), 12, '0') || repeat('0', 20))::uuid"
        )
        self.database = database

    # The cursor

    async def position(self, types: list[str]) -> FeedPosition:
        """Where to go on reading. With a type that wasn't read before it is the start; the inbox knows the rest."""
        await self._begin.execute(self.producer, types)
        await self._narrow.execute(self.producer, types)
        return await self.current()

    async def current(self) -> FeedPosition:
        """Where the cursor is now."""
        row = await self._read.one(self.producer)
        return START if row is None else row.position

    async def locks(self, types: list[str], at: FeedPosition) -> bool:
        """In a transaction: whether the cursor is free, and where this reader thinks that it is."""
        row = await self._lock.one(self.producer)
        return row is not None and row.position == at and row.types == types

    async def move(self, to: FeedPosition) -> None:
        await self._move.execute(self.producer, to.epoch, str(to.tx), to.id)

    # The inbox

    async def receive(self, ids: Iterable[UUID]) -> set[UUID]:
        """Notes events as handled; returns those that weren't before."""
        return set(await self._receive.values(self.producer, list(ids)))

    async def replay(self, since: datetime) -> int:
        """Everything published since then is handled again. Returns how many of them had been."""
        async with self.database.transaction():
            await self.move(START)
            forgotten = await self._forget.execute(self.producer, since)
        await self._wake()
        return forgotten

    async def _wake(self) -> None:
        """The task that reads looks at once."""
        # By hand: no table.
        await self.database.fetchval("select pg_notify($1, $2)", CHANNEL, self.producer)

    # What is parked

    async def subjects_behind(self, subjects: Iterable[UUID]) -> set[UUID]:
        """Those of `subjects` of which an earlier event isn't handled."""
        return set(await self._behind.values(self.producer, list(subjects)))

    async def has_room(self) -> bool:
        return await self._open.value(self.producer) < MOST_PARKED

    async def park_behind(self, event: PublishedEvent) -> None:
        await self._write(event, 0, None, None)

    async def park_failed(self, event: PublishedEvent, failure: str) -> None:
        """After the first failure: it is tried again."""
        await self._write(event, 1, self._pause(1), failure)

    async def _write(self, event: PublishedEvent, tries: int, pause: float | None, failure: str | None) -> None:
        place = (event.epoch, str(event.tx), msgspec.to_builtins(event))
        await self._park.execute(self.producer, event.id, event.type, event.subject_id, *place, tries, pause, failure)

    def _pause(self, tries: int) -> float | None:
        return self._retried_in[tries - 1] if tries <= len(self._retried_in) else None

    async def due(self) -> list[UUID]:
        return await self._due.values(self.producer)

    async def parked_event(self, id: UUID) -> PublishedEvent | None:
        found = await self._peek.value(self.producer, id)
        return None if found is None else msgspec.convert(found, PublishedEvent)

    async def take_due(self, id: UUID) -> bool:
        """In a transaction: whether it is still due, and nobody else's."""
        return await self._due_event.one(self.producer, id) is not None

    async def finish(self, event: PublishedEvent) -> None:
        """It is handled; the next of its subject is due now."""
        await self._done.execute(self.producer, event.id)
        await self._next.execute(self.producer, event.subject_id)

    async def failed_again(self, id: UUID, failure: str) -> bool:
        """Whether it is tried once more; otherwise it waits for a person."""
        async with self.database.transaction():
            due = await self._due_event.one(self.producer, id)
            if due is None:
                return True
            pause = self._pause(due.tries + 1)
            await self._failed.execute(self.producer, id, pause, failure)
        return pause is not None

    async def counts(self) -> ParkedCounts:
        return await self._counts.one(self.producer) or ParkedCounts()

    async def listed(self) -> list[ParkedEvent]:
        """What isn't handled, newest first; then what was discarded. At most 200."""
        return await self._list.all(self.producer)

    async def retry(self, id: UUID) -> None:
        """It is tried again now. Raises NotFound where it isn't parked, or waits behind another."""
        if await self._retry.value(self.producer, id) is None:
            raise NotFound("No such event has failed here; it may be handled by now, or wait behind another.")
        await self._wake()

    async def discard(self, id: UUID, *, by: UUID, reason: str) -> None:
        """It is never handled; the next of its subject is due now. Raises NotFound, as `retry` does."""
        async with self.database.transaction():
            subject = await self._discard.value(self.producer, id, by, reason)
            if subject is None:
                raise NotFound("No such event has failed here; it may be handled by now, or wait behind another.")
            await self._next.execute(self.producer, subject)
        await self._wake()
