"""A producer and a consumer on real schemas, each in its service's role; effects are in a table of the test's own."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any, Literal
from uuid import UUID

import asyncpg
import msgspec
import pytest_asyncio
from uuid_utils.compat import uuid7

from gatehouse_chassis.data.database import Database
from gatehouse_chassis.events.event import EventPage, FeedPosition, PublishedEvent
from gatehouse_chassis.events.feed import EventFeed
from gatehouse_chassis.events.outbox import Outbox
from gatehouse_chassis.events.reader import EventHandler, EventReader
from gatehouse_chassis.events.store import EventStore
from gatehouse_chassis.events.wakeup import WakeUp

KINDS = ["person.joined", "person.archived"]


class Row(msgspec.Struct, frozen=True):
    """What an event is about."""

    id: UUID
    version: int = 1


class TryIds(msgspec.Struct, frozen=True):
    other: UUID
    word: Literal["yes", "no"] = "yes"
    more: list[UUID] = []
    maybe: UUID | None = None


class Pair:
    """`publish` as the producer; `reader` makes a consumer, whose effects `effects` reads."""

    def __init__(self, producer: Database, consumer: Database, administrator: asyncpg.Connection) -> None:
        self.producer, self.consumer, self.administrator = producer, consumer, administrator
        self.outbox = Outbox(producer, {"person.joined": None, "person.archived": TryIds})
        self.feed = EventFeed(producer)
        self.broken: set[UUID] = set()  # subjects whose events the handler can't take

    async def publish(self, *subjects: UUID, type: str = "person.joined") -> None:
        async with self.producer.transaction():
            for subject in subjects:
                ids = TryIds(other=uuid7()) if type == "person.archived" else None
                await self.outbox.publish(type, Row(subject), by=None, ids=ids)

    async def handle(self, event: PublishedEvent, prepared: Any) -> None:
        if event.subject_id in self.broken:
            raise ValueError("jane@example.org can't be taken")
        await self.consumer.execute(
            "insert into identity.effect (event, subject) values ($1, $2)", event.id, event.subject_id
        )

    def store(self, *pauses: float) -> EventStore:
        return EventStore(self.consumer, "person", retried_in=pauses or (0.0,) * 7)

    @contextlib.asynccontextmanager
    async def reading(
        self, *types: str, store: EventStore | None = None, handler: EventHandler | None = None
    ) -> AsyncGenerator[EventReader]:
        """A consumer of these types (default: person.joined) while it runs."""
        names = list(types) or ["person.joined"]

        async def read(after: FeedPosition, count: bool) -> EventPage:
            return await self.feed.page(names, after, most=100, count=count)

        wakeup = WakeUp(self.consumer, ["person"])
        handlers = dict.fromkeys(names, handler or EventHandler(self.handle))
        reader = EventReader(store or self.store(), handlers, wakeup, read)
        running = asyncio.create_task(reader.run())
        try:
            yield reader
        finally:
            reader.stop()
            await asyncio.wait_for(running, 60)
            await wakeup.close()

    async def effects(self) -> list[UUID]:
        """Subjects in the order of their effects."""
        return [row[0] for row in await self.administrator.fetch("select subject from identity.effect order by number")]

    async def until_effects(self, count: int) -> list[UUID]:
        async with asyncio.timeout(60):
            while len(found := await self.effects()) < count:
                await asyncio.sleep(0.01)
        return found

    async def settled(self) -> None:
        """Until no transaction, such as that of a test beside this one, keeps what is published from readers."""
        await self.until("select max(tx) < pg_snapshot_xmin(pg_current_snapshot()) from person.event")

    async def until(self, sql: str) -> None:
        """Until the administrator's query says true."""
        async with asyncio.timeout(60):
            while not await self.administrator.fetchval(sql):
                await asyncio.sleep(0.01)


@pytest_asyncio.fixture
async def pair(postgres: Any, database_url: str) -> AsyncGenerator[Pair]:
    administrator = await asyncpg.connect(database_url)
    await administrator.execute(
        "create table if not exists identity.effect (number bigint generated always as identity, event uuid unique, "
        "subject uuid); grant all on identity.effect to identity_service; truncate identity.effect, "
        "identity.event_cursor, identity.event_inbox, identity.event_parked, person.event"
    )
    producer, consumer = Database("person"), Database("identity")
    await producer.open(postgres.role_url(database_url, "person_service"), application_name="producer")
    await consumer.open(postgres.role_url(database_url, "identity_service"), application_name="consumer")
    try:
        yield Pair(producer, consumer, administrator)
    finally:
        await producer.close()
        await consumer.close()
        await administrator.close()
