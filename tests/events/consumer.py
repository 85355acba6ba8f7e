"""A consumer in a process of its own, to be killed: reads the real feed over HTTP and writes its effects.

`python consumer.py PORT_OF_THE_PRODUCER`, with GATEHOUSE_DATABASE_URL and GATEHOUSE_PEER_KEY. The handler fails for
subjects of which `poisoned` says so.
"""

import asyncio
import os
import signal
import sys
from typing import Any
from uuid import UUID

from gatehouse_chassis.data.database import Database
from gatehouse_chassis.events import service_token
from gatehouse_chassis.events.event import EventPage, FeedPosition, PublishedEvent
from gatehouse_chassis.events.following import PAGE
from gatehouse_chassis.events.reader import EventHandler, EventReader
from gatehouse_chassis.events.store import EventStore
from gatehouse_chassis.events.wakeup import WakeUp
from gatehouse_chassis.service.client import PeerClient

PRODUCER, CONSUMER, TYPE = "person", "identity", "person.joined"
INSERT = "insert into identity.effect (event, subject, published_at) values ($1, $2, $3)"
EFFECTS = """
create table if not exists identity.effect (number bigint generated always as identity, event uuid not null,
    subject uuid not null, published_at timestamptz, handled_at timestamptz not null default clock_timestamp());
grant all on identity.effect to identity_service;
"""


def poisoned(subject: UUID) -> bool:
    return subject.int % 499 == 0


async def main(port: str) -> None:
    database = Database(CONSUMER)
    await database.open(os.environ["GATEHOUSE_DATABASE_URL"], application_name="consumer")
    peer = PeerClient(PRODUCER, f"http://127.0.0.1:{port}")
    key = os.environ["GATEHOUSE_PEER_KEY"]

    async def read(after: FeedPosition, count: bool) -> EventPage:
        params = {"types": TYPE, "after": str(after), "limit": PAGE, "count": str(count).lower()}
        token = service_token.sign(key, by=CONSUMER, to=PRODUCER)
        return await peer.get("/events", EventPage, params=params, token=token)

    async def apply(event: PublishedEvent, prepared: Any) -> None:
        if poisoned(event.subject_id):
            raise ValueError
        await database.execute(INSERT, event.id, event.subject_id, event.at)

    wakeup = WakeUp(database, [PRODUCER])
    store = EventStore(database, PRODUCER, retried_in=(0.0,) * 7)
    reader = EventReader(store, {TYPE: EventHandler(apply)}, wakeup, read)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, reader.stop)
    await reader.run()
    await wakeup.close()
    await database.close()
    await peer.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
