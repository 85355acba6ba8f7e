"""`gate bench learning`: a member's home with 1,000 assignments, and 1,000 clicks on one link at once.

The portal and the services that the home asks run as they do in a task, on one machine with the load. 50 readers who
look at a page before they open the next are one figure; 50 connections that never pause are another, which says how
many pages a machine makes.
"""

import argparse
import asyncio
import contextlib
import gzip
import math
import random
import re
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import uuid4

import asyncpg
import httpx
from harness import Figure, free_port, server, show
from world import CATALOG, World, world

ASSIGNMENTS = 1_000
SERVICES = ("person", "topics", "curriculum", "encounter", "communication", "portal")
CLICK = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1", "Sec-Fetch-Dest": "document"}
# Each with a sign-in of their own: one caller's requests take turns (gatehouse_chassis.http.admission).
READERS = 50
# Seconds that somebody looks at a page, on average.
PAUSE = 5.0
CLICKS = 1_000
UNLIMITED = httpx.Limits(max_connections=None)
ADD = """
with learner as (
    select id, (select count(*) from assignment a where a.curriculum_id = c.id and a.withdrawn_at is null) as there
    from curriculum c where person_id = $1
)
insert into assignment (curriculum_id, resource_id, topic_id, resource_name, topic_name, skills, state, position,
    assigned_at, started_at, completed_at, changed_at)
select learner.id, gen_random_uuid(), md5((n / 10)::text)::uuid, 'Resource ' || n, 'Topic ' || n / 10,
    array['Skill ' || n % 12], case when n % 3 = 0 then 'later' else 'completed' end, 10000 + n,
    now() - interval '400 days', now() - interval '399 days',
    case when n % 3 = 0 then null else now() - make_interval(hours => 9000 - n * 8) end, now()
from learner, generate_series(1, $2 - learner.there) as n
"""


class Visits(NamedTuple):
    """Times to the whole page in ms, and how many were refused with 503 at first."""

    p50: float
    p95: float
    count: int
    refused: int


@contextlib.contextmanager
def platform(made: World) -> Generator[dict[str, str]]:
    """The addresses of SERVICES, all running."""
    addresses = {name: f"http://127.0.0.1:{free_port()}" for name in SERVICES}
    with contextlib.ExitStack() as stack:
        for name in SERVICES:
            contestant = made.service(name)
            known = {CATALOG[other].address_variable: address for other, address in addresses.items()}
            contestant.environment = {**contestant.environment, **known, "GATEHOUSE_PUBLIC_URL": addresses["portal"]}
            port = int(addresses[name].rpartition(":")[2])
            stack.enter_context(server(contestant, core=None, port=port))
        yield addresses


def signed_in(portal: str) -> tuple[dict[str, str], str]:
    """What a browser of the member sends, and their person's id."""
    with httpx.Client(base_url=portal, headers={"Origin": portal}) as client:
        token = re.search(r'name="form_token" value="(\w+)"', client.get("/sign-in").text)
        fields = {"form_token": token[1] if token else "", "then": "/"}
        answer = client.post("/sign-in/personas/member", data=fields)
        if answer.status_code != 303:
            sys.exit(f"signing in answered {answer.status_code}: {answer.text[:300]}")
        person = re.search(r"/members/([0-9a-f-]{36})", client.get("/").text)
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        return {"Cookie": cookies, "Accept": "text/html"}, person[1] if person else ""


async def reading(url: str, readers: Sequence[Mapping[str, str]], seconds: float, pause: float) -> Visits:
    """50 people who each open a page, look at it for about `pause` seconds, and open it again."""
    chance, taken, refused = random.Random(1), [], 0
    over = time.perf_counter() + seconds

    async def read(headers: Mapping[str, str]) -> None:
        nonlocal refused
        async with httpx.AsyncClient(headers=headers, timeout=60) as client:
            await asyncio.sleep(chance.uniform(0, pause))
            while (began := time.perf_counter()) < over:
                answer = await client.get(url)
                if answer.status_code == 503:
                    refused += 1
                    await asyncio.sleep(float(answer.headers.get("retry-after", 1)))
                    continue
                answer.raise_for_status()
                taken.append((time.perf_counter() - began) * 1_000)
                await asyncio.sleep(pause * chance.uniform(0.5, 1.5))

    await asyncio.gather(*(read(headers) for headers in readers))
    taken.sort()
    return Visits(taken[len(taken) // 2], taken[math.ceil(len(taken) * 0.95) - 1], len(taken), refused)


async def click(portal: str, assignment: str, readers: Sequence[Mapping[str, str]], clicks: int) -> int:
    """As many clicks at once, each sent once more by its page when the reader is back. How many were refused at first.

    A request that is refused is repeated after as long as the answer says, as a browser's reload would.
    """
    refused = 0
    clients = [
        httpx.AsyncClient(base_url=portal, headers=headers, timeout=120, limits=UNLIMITED) for headers in readers
    ]

    async def sent(client: httpx.AsyncClient, method: str, path: str, **more: Any) -> httpx.Response:
        nonlocal refused
        while True:
            answer = await client.request(method, path, **more)
            if answer.status_code != 503:
                return answer
            refused += 1
            await asyncio.sleep(float(answer.headers.get("retry-after", 1)) * (1 + random.random()))

    async def one(number: int) -> None:
        client, use = clients[number % len(clients)], str(uuid4())
        answer = await sent(client, "GET", f"/go/{assignment}", params={"use": use}, headers=CLICK)
        assert answer.status_code == 303, answer.text
        again = {"form_token": tokens[number % len(clients)], "use": use}
        answer = await sent(client, "POST", f"/go/{assignment}", data=again, headers={"Origin": portal})
        assert answer.status_code == 204, answer.text

    pages = [await client.get("/") for client in clients]
    found = [re.search(r'name="form_token" value="([^"]+)"', page.text) for page in pages]
    tokens = [one[1] if one else "" for one in found]
    await asyncio.gather(*(one(number) for number in range(clicks)))
    for client in clients:
        await client.aclose()
    return refused


async def counted(database: str, assignment: str) -> tuple[int, int, int]:
    """Starts, uses and the assignment's own count of them."""
    connection = await asyncpg.connect(database)
    try:
        await connection.execute("set search_path to curriculum")
        events = "select count(*) from event where type = 'curriculum.assignment.started' and subject_id = $1"
        starts = await connection.fetchval(events, assignment)
        uses = await connection.fetchval("select count(*) from use where assignment_id = $1", assignment)
        own = await connection.fetchval("select use_count from assignment where id = $1", assignment)
        return starts, uses, own
    finally:
        await connection.close()


async def fill(database: str, person: str) -> tuple[str, str]:
    """Gives the person 1,000 assignments; the ids of one that leads somewhere, and of one that nobody has opened."""
    connection = await asyncpg.connect(database)
    try:
        await connection.execute("set search_path to curriculum")
        await connection.execute(ADD, person, ASSIGNMENTS)
        of = "select a.id::text from assignment a join curriculum c on c.id = a.curriculum_id where c.person_id = $1 "
        now = await connection.fetchval(of + "and a.state = 'now' order by a.position limit 1", person)
        fresh = await connection.fetchval(
            of + "and a.state = 'next' and a.started_at is null order by a.position limit 1", person
        )
        return now, fresh
    finally:
        await connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short look, fewer clicks")
    quick = parser.parse_args().quick
    seconds, clicks = (15, 100) if quick else (40, CLICKS)
    with world() as made, platform(made) as addresses:
        home, database = f"{addresses['portal']}/", made.environment("curriculum")["GATEHOUSE_DATABASE_URL"]
        sessions = [signed_in(addresses["portal"]) for _ in range(READERS)]
        browsers, person = [one[0] for one in sessions], sessions[0][1]
        few = asyncio.run(reading(home, browsers, seconds, PAUSE))
        one, fresh = asyncio.run(fill(database, person))
        text = httpx.get(home, headers=browsers[0], timeout=30).text
        many = asyncio.run(reading(home, browsers, seconds, PAUSE))
        never = asyncio.run(reading(home, browsers, seconds / 3, 0))
        refused = asyncio.run(click(addresses["portal"], fresh, browsers, clicks))
        starts, uses, own = asyncio.run(counted(database, fresh))
        bare = asyncio.run(reading(f"{home}sign-in", [{"Accept": "text/html"}], 5, 0.05))
        through = asyncio.run(reading(f"{home}go/{one}", [browsers[0] | CLICK], 5, 0.05))
    kilobytes = len(gzip.compress(text.encode())) / 1000
    show(
        "learning",
        [
            Figure("home of 1,000 assignments, compressed", f"{kilobytes:.0f} kB", "<= 80 kB", kilobytes <= 80),
            _visits(f"home, {READERS} readers, a page every {PAUSE:g} s each", many, many.p95 <= 200),
            _visits("the same with the seed's assignments", few, None),
            _visits(f"home, {READERS} connections that never pause", never, None),
            Figure(
                f"{clicks:,} clicks at once: starts / uses / counted",
                f"{starts} / {uses:,} / {own:,}; {refused:,} told to come again",
                f"1 / {clicks:,} / {clicks:,}",
                (starts, uses, own) == (1, clicks, clicks),
            ),
            Figure("a click / the sign-in page, p95", f"{through.p95:.0f} / {bare.p95:.0f} ms", "", None),
        ],
    )


def _visits(what: str, visits: Visits, good: bool | None) -> Figure:
    said = f"p50 {visits.p50:.0f}, p95 {visits.p95:.0f} ms of {visits.count:,}; {visits.refused:,} refused"
    return Figure(what, said, "" if good is None else "p95 <= 200 ms", good)


if __name__ == "__main__":
    main()
