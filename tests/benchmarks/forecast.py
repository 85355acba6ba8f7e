"""`gate bench forecast`: how good "too much?" is for people and lists unseen, and what a forecast costs.

How good: institutes with a truth that is known (services/curriculum/tests/forecast/worlds.py), one as the model assumes
and two that it doesn't; each warning is compared with the list's average, and with that times the member's own ratio.
What it costs: 200 people, 725 resources and 20,000 times in a real database, lists of 30 over HTTP, one at a time.
"""

import argparse
import asyncio
import math
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from harness import Figure, show
from world import ROOT

sys.path.insert(0, str(ROOT / "services" / "curriculum" / "tests" / "forecast"))

from worlds import TRUTHS, Figures, World, figures  # ty: ignore[import-not-found]

from gatehouse_chassis.testing import peer, serving
from gatehouse_curriculum.app import create
from gatehouse_curriculum.tables import DB
from gatehouse_local.testing.pytest_plugin import Postgres
from gatehouse_local.testing.shared_process import shared

# People, times of each, resources in a list, and how many such institutes.
INSTITUTES = ((40, 5, 5, 12), (40, 15, 5, 12), (40, 30, 10, 12), (150, 5, 5, 4), (150, 15, 5, 4), (150, 30, 10, 4))
PEOPLE, RESOURCES, EACH, LIST = 200, 725, 100, 30
KEY = "k" * 32
IMPORT = """
    with made as (insert into curriculum (id, person_id) values ($1, $2) returning id)
    insert into assignment (id, curriculum_id, resource_id, state, position, completed_at, minutes)
    select gen_random_uuid(), made.id, given.resource_id, 'completed', given.number, now(), given.minutes
    from made, unnest($3::uuid[], $4::integer[]) with ordinality as given(resource_id, minutes, number)
"""


def how_good(name: str, first: int, rounds: int) -> list[Figure]:
    """`first`: the seed of the first institute; each further one has the next."""
    lines = []
    for people, past, size, worlds in INSTITUTES:
        made = []
        for seed in range(max(worlds * rounds // 4, 1)):
            made += World(TRUTHS[name], first + seed, people, past).bundles(size, 4)
        lines.append(_line(f"{name}: {people} people, {past} times each, lists of {size}", figures(made)))
    return lines


def _line(what: str, one: Figures) -> Figure:
    average, own = one.brier / one.average, one.brier / one.own_ratio
    value = (
        f"Brier {one.brier:.3f}, {average:.2f} of the average's, {own:.2f} with own ratio; "
        f"{one.covered:.0%} covered; fifths off by {one.worst_fifth:.2f}"
    )
    good = average <= 0.70 and own <= 0.75 and 0.75 <= one.covered <= 0.87 and one.worst_fifth <= 0.10
    return Figure(what, value, "<= 0.70; <= 0.75; 75 to 87 %; <= 0.10", good)


async def what_it_costs(asked: int) -> list[Figure]:
    chance = random.Random(1)
    with tempfile.TemporaryDirectory(prefix="gate-bench-") as scratch, shared(Path(scratch), "postgres") as facts:
        postgres = Postgres(facts["url"], Path(scratch))
        url = postgres.role_url(postgres.create_database(postgres.seeded_template(ROOT)), "curriculum_service")
        async with peer() as topics:
            ids = [uuid4() for _ in range(RESOURCES)]
            topics.answers["GET", "/api/topics/lengths"] = (200, [{"id": id, "kind": "article"} for id in ids])
            environ = {
                "GATEHOUSE_URL_TOPICS": topics.url,
                "GATEHOUSE_URL_PERSON": topics.url,
                "GATEHOUSE_URL_ENCOUNTER": topics.url,
                "GATEHOUSE_PEER_KEY": KEY,
            }
            async with serving("curriculum", create, database_url=url, environ=environ) as service:
                people = [uuid4() for _ in range(PEOPLE)]
                for person in people:
                    await _learned(chance, person, ids)
                jobs = service.app.state.jobs
                await jobs.run_now("fit_forecasts")
                began = time.perf_counter()
                await jobs.run_due()
                fitted = time.perf_counter() - began
                taken = [await _ask(service, chance, people, ids) for _ in range(asked)]
    taken.sort()
    middle, last = statistics.median(taken), taken[math.ceil(len(taken) * 0.99) - 1]
    return [
        Figure(f"a list of {LIST}: p50 / p99", f"{middle:.0f} / {last:.0f} ms", "p99 <= 100 ms", last <= 100),
        Figure(f"the nightly fit to {PEOPLE * EACH:,} times", f"{fitted:.1f} s", "<= 30 s", fitted <= 30),
    ]


async def _learned(chance: random.Random, person: UUID, ids: list[UUID]) -> None:
    chosen = chance.sample(ids, EACH)
    minutes = [max(round(40 * math.exp(chance.gauss(0, 0.6))), 1) for _ in chosen]
    await DB.execute(IMPORT, uuid4(), person, chosen, minutes)


async def _ask(service: Any, chance: random.Random, people: list[UUID], ids: list[UUID]) -> float:
    """How long one takes, in ms."""
    person = chance.choice(people)
    headers = service.tokens.headers("member", person=str(person), account=str(uuid4()))
    body = {"resource_ids": [str(id) for id in chance.sample(ids, LIST)]}
    began = time.perf_counter()
    answer = await service.post(f"/api/curriculum/curricula/{person}/forecast", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return (time.perf_counter() - began) * 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="A quarter of the institutes, fewer questions.")
    parser.add_argument("--seed", type=int, default=1_000, help="Of the first institute; another one, others.")
    asked = parser.parse_args()
    lines = [line for name in TRUTHS for line in how_good(name, asked.seed, 1 if asked.quick else 4)]
    lines += asyncio.run(what_it_costs(100 if asked.quick else 400))
    show("forecast", lines)


if __name__ == "__main__":
    main()
