"""`gate bench live-plan`: how soon one sees what the others type, with 20 plans open by three people each.

Stock Yjs clients in Node write through one process of curriculum on a database of its own; a time is from a change in
one client to the same change in another one. `--trace FILE`: also replays a public trace of two people
(https://github.com/josephg/editing-traces, concurrent_traces/*.json.gz) through two clients, the server killed twice.
"""

import argparse
import asyncio
import gzip
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from harness import Figure, show
from world import ROOT

sys.path.insert(0, str(ROOT / "services" / "curriculum" / "tests" / "document"))

from stock import Running, clients, running  # ty: ignore[import-not-found]

from gatehouse_chassis.testing import person_id
from gatehouse_local.testing.pytest_plugin import Postgres
from gatehouse_local.testing.shared_process import shared

PLANS, PEOPLE, MOST_MS = 20, 3, 100.0
REPLAYED = person_id(9)
PAUSE_MS = 500  # two changes a second of each: somebody who types and thinks
BEGIN = "insert into curriculum (id, person_id) values (gen_random_uuid(), $1) on conflict do nothing"


def _self_or_mentor(path: str, headers: dict[str, str]) -> tuple[int, Any]:
    """Here everybody mentors everybody."""
    return 200, {"person_id": path.split("/")[4], "relationship": "mentor"}


async def _measured(seconds: int, trace: Path | None) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="gate-bench-") as scratch, shared(Path(scratch), "postgres") as facts:
        postgres = Postgres(facts["url"], Path(scratch))
        url = postgres.role_url(postgres.create_database(postgres.seeded_template(ROOT)), "curriculum_service")
        people = [person_id(number) for number in range(10, 10 + PLANS)]
        await _curricula(url, [*people, REPLAYED])
        async with running(url, _self_or_mentor, Path(scratch) / "curriculum.log") as service:
            lines = await _echo(service, people, seconds)
            return lines + (await _replayed(service, trace) if trace else [])


async def _curricula(url: str, people: list[str]) -> None:
    import asyncpg

    connection = await asyncpg.connect(url)
    for person in people:
        await connection.execute(BEGIN.replace("into curriculum", "into curriculum.curriculum"), person)
    await connection.close()


async def _echo(service: Running, people: list[str], seconds: int) -> list[Figure]:
    plans = [
        {
            "person": person,
            "tokens": [service.token(40 + 3 * (place % 6) + number, "mentor") for number in range(PEOPLE)],
        }
        for place, person in enumerate(people)
    ]
    before = service.memory
    said = (await clients(service, {"do": "echo", "plans": plans, "seconds": seconds, "pause_ms": PAUSE_MS}))[-1]
    value = f"p50 {said['p50']:.0f}, p95 {said['p95']:.0f}, p99 {said['p99']:.0f} ms of {said['echoes']:,} echoes"
    return [
        Figure(
            f"{PLANS} plans x {PEOPLE} people: a change seen by the others",
            value,
            f"p95 <= {MOST_MS:g} ms",
            said["p95"] <= MOST_MS,
        ),
        Figure("sockets that were closed meanwhile", f"{len(said['codes'])}", "0", not said["codes"]),
        Figure("memory of the process, before and after", f"{before:,} / {service.memory:,} kB", "", None),
    ]


async def _replayed(service: Running, trace: Path) -> list[Figure]:
    found = json.loads(gzip.decompress(trace.read_bytes()))
    session = [{name: one[name] for name in ("agent", "parents", "patches")} for one in found["txns"]]
    tokens = [service.token(1, "mentor"), service.token(2, "mentor")]
    kill = [len(session) // 3, 2 * len(session) // 3]
    said = (
        await clients(service, {"do": "replay", "person": REPLAYED, "tokens": tokens, "session": session, "kill": kill})
    )[-1]
    kept = (await service.texts(REPLAYED, tokens[0]))["notes"]
    equal = said["end"] == found["endContent"] == kept
    what = f"{trace.name}: {len(session):,} transactions by two clients, two kills"
    return [
        Figure(
            what,
            f"{'equal' if equal else 'NOT equal'} in {said['ms'] / 1000:.1f} s",
            "equal with the trace and the server",
            equal,
        )
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--trace", type=Path)
    asked = parser.parse_args()
    show("live-plan", asyncio.run(_measured(asked.seconds, asked.trace)))


if __name__ == "__main__":
    main()
