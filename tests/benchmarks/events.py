"""`gate bench events`: from a commit to its effect, under writers and when it is quiet, and what publishing costs.

Real processes: the person service as the producer, one consumer, on one throwaway PostgreSQL. The time of an event is
that from its own `at` (written in the change's transaction) to `handled_at` of its effect, both by PostgreSQL's clock.
It includes the up to 50 ms that a writer holds its transaction open.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import asyncpg
from harness import Figure, console, show
from world import ROOT

sys.path.insert(0, str(Path(__file__).parents[1] / "events"))

from consumer import EFFECTS  # ty: ignore[import-not-found]
from processes import (  # ty: ignore[import-not-found]
    Consumers,
    Joined,
    StatusIds,
    producing,
    settled,
    write,
)

from gatehouse_chassis.data.database import Database
from gatehouse_chassis.events.outbox import Outbox
from gatehouse_local.testing.pytest_plugin import Postgres
from gatehouse_local.testing.shared_process import shared

WRITERS, EACH, HELD = 16, 5, 0.05  # at once, events a transaction, seconds at most that one is open
LATENCY = "select extract(epoch from handled_at - published_at)::float8 from identity.effect"
CHANGE = "update person.person set changed_at = now() where id = (select min(id::text)::uuid from person.person)"


def p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


async def measured(administrator: asyncpg.Connection, person: Database, events: int) -> list[Figure]:
    await write(person, 1, writers=1, each=1, delay=0, seed=0)  # until the consumer runs
    await settled(administrator, 1, seconds=120)
    await administrator.execute("truncate identity.effect")
    began = time.perf_counter()
    await write(person, events, writers=WRITERS, each=EACH, delay=HELD, seed=1)
    await settled(administrator, events, seconds=120)
    busy = [row[0] for row in await administrator.fetch(LATENCY)]
    console.print(f"{events} events in {time.perf_counter() - began:.1f} s; median {statistics.median(busy):.3f} s")
    await administrator.execute("truncate identity.effect, identity.event_parked")
    for number in range(40):
        await write(person, 1, writers=1, each=1, delay=0, seed=number)
        await asyncio.sleep(0.05)
    await settled(administrator, 40, seconds=60)
    quiet = [row[0] for row in await administrator.fetch(LATENCY)]
    plain, publishing = await costs(person)
    return [
        Figure("commit to effect, 16 writers: p95", f"{p95(busy):.3f} s", "<= 1 s", p95(busy) <= 1),
        Figure("commit to effect, quiet: p95", f"{p95(quiet):.3f} s", "<= 0.1 s", p95(quiet) <= 0.1),
        Figure("a change with its event / without", f"{publishing / plain:.2f}", "<= 2", publishing / plain <= 2),
    ]


async def costs(person: Database) -> tuple[float, float]:
    """Median seconds of a lone change, without and with an event; turn by turn."""
    outbox = Outbox(person, {"person.joined": StatusIds})
    plain, publishing = [], []
    for _ in range(300):
        for taken, with_event in ((plain, False), (publishing, True)):
            began = time.perf_counter()
            async with person.transaction():
                await person.execute(CHANGE)
                if with_event:
                    await outbox.publish("person.joined", Joined(uuid4()), by=None, ids=StatusIds("pending"))
            taken.append(time.perf_counter() - began)
    return statistics.median(plain), statistics.median(publishing)


async def main(events: int) -> None:
    with tempfile.TemporaryDirectory(prefix="gate-bench-") as scratch, shared(Path(scratch), "postgres") as facts:
        postgres = Postgres(facts["url"], Path(scratch))
        url = postgres.create_database(postgres.seeded_template(ROOT))
        administrator = await asyncpg.connect(url)
        await administrator.execute(EFFECTS)
        person = Database("person")
        await person.open(postgres.role_url(url, "person_service"), application_name="writers", max_size=WRITERS + 1)
        with producing(postgres.role_url(url, "person_service"), Path(scratch) / "producer.log") as port:
            consumers = Consumers(postgres.role_url(url, "identity_service"), port, Path(scratch) / "consumers.log")
            try:
                consumers.start()
                figures = await measured(administrator, person, events)
                consumers.stop()
            finally:
                consumers.close()
        await person.close()
        await administrator.close()
    show("events", figures)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=4000, help="How many are published under load.")
    asyncio.run(main(parser.parse_args().events))
