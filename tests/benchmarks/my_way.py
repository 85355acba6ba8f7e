"""`gate bench my-way`: a member's home with 1,000 resources in the plan, for 50 who have it open at once.

Concurrent means here what it means of people: 50 readers, each of whom looks at the page, thinks for a few seconds
(THINK on average) and opens it again, so about ten pages a second are asked for. Without a pause between pages the
figure would be 50 times what one page costs the processor, whatever the program does; that is printed beside it.
"""

import argparse
import asyncio
import contextlib
import os
import random
import re
import statistics
import time
from uuid import uuid4

import httpx
import psycopg
from harness import Contestant, Figure, free_port, server, show
from world import CATALOG, World, world

READERS, THINK, MOST_MS, MOST_KB = 50, 5.0, 200.0, 80.0
SESSIONS = 10
PLAIN = False  # nothing is encrypted here, and each client would read the authorities
STATES = (("completed", 600), ("now", 20), ("next", 80), ("later", 300))
SERVICES = ("person", "topics", "curriculum", "encounter", "communication", "portal")
MEMBER = "019a0000-0001-7000-8000-000000000002"
TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
FILL = """
    insert into curriculum.assignment (id, curriculum_id, resource_id, topic_name, path_name, resource_name, skills,
        state, position, planned_at, started_at, completed_at)
    select gen_random_uuid(), curriculum.id, given.id, 'Topic ' || given.number / 12, 'Path ' || given.number / 150,
        'Resource ' || given.number, array['skill ' || mod(given.number, 40)], %(state)s::text, given.number,
        case when %(state)s::text = 'now' then now() end,
        case when %(state)s::text in ('now', 'completed') then now() end,
        case when %(state)s::text = 'completed' then now() - make_interval(days => given.number::integer) end
    from curriculum.curriculum, unnest(%(ids)s::uuid[]) with ordinality as given (id, number)
    where curriculum.person_id = %(person)s
"""


def filled(made: World) -> None:
    """The member's plan has 1,000 resources, 725 of them the real ones."""
    ids = [f"019a0000-0004-7000-8000-{number:012d}" for number in range(1, 726)]
    ids += [str(uuid4()) for _ in range(sum(count for _, count in STATES) - len(ids))]
    random.Random(1).shuffle(ids)
    with psycopg.connect(made.database) as connection:
        where = "curriculum_id in (select id from curriculum.curriculum where person_id = %s)"
        connection.execute(f"delete from curriculum.use where {where}", (MEMBER,))
        connection.execute(f"delete from curriculum.assignment where {where}", (MEMBER,))
        for state, count in STATES:
            chosen, ids = ids[:count], ids[count:]
            connection.execute(FILL, {"state": state, "ids": chosen, "person": MEMBER})


@contextlib.contextmanager
def running(made: World):
    ports = {name: free_port() for name in SERVICES}
    addresses = {CATALOG[name].address_variable: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    with contextlib.ExitStack() as stack:
        processes = []
        for name in SERVICES:
            given = {**made.environment(name), **addresses, "GATEHOUSE_URL_IDENTITY": made.identity}
            own = made.service(name)
            contestant = Contestant(name, own.command, "/health/ready", given)
            process, url, _ = stack.enter_context(server(contestant, core=None, port=ports[name]))
            processes.append(process)
        yield url, processes


async def signed_in(url: str) -> dict[str, str]:
    async with httpx.AsyncClient(base_url=url) as client:
        token = TOKEN.search((await client.get("/sign-in")).text)
        assert token is not None
        answer = await client.post("/sign-in/personas/member", data={"form_token": token[1]})
        assert answer.status_code == 303, answer.text
        return dict(client.cookies)


async def read(
    url: str, sessions: list[dict[str, str]], seconds: float, think: float
) -> tuple[list[float], float, int]:
    """How long each page took in ms, the largest as it is sent in kB, and how many were refused (503)."""
    took: list[float] = []
    sizes: list[int] = []
    refused: list[int] = []

    async def reader(number: int) -> None:
        async with httpx.AsyncClient(
            base_url=url, cookies=sessions[number % len(sessions)], timeout=60, verify=PLAIN
        ) as client:
            await asyncio.sleep(random.random() * think)
            while time.perf_counter() < stop:
                began = time.perf_counter()
                async with client.stream("GET", "/") as answer:
                    sent = [part async for part in answer.aiter_raw()]
                if answer.status_code == 200:
                    took.append((time.perf_counter() - began) * 1_000)
                    sizes.append(sum(map(len, sent)))
                else:
                    refused.append(answer.status_code)
                await asyncio.sleep(random.expovariate(1 / think) if think else 0)

    stop = time.perf_counter() + seconds
    await asyncio.gather(*(reader(number) for number in range(READERS)))
    return took, max(sizes, default=0) / 1_000, len(refused)


async def measured(url: str, processes: list, seconds: float) -> list[Figure]:
    sessions = [await signed_in(url) for _ in range(SESSIONS)]
    async with httpx.AsyncClient(base_url=url, cookies=sessions[0]) as client:
        page = (await client.get("/")).text
    assert "600 completed, 20 now, 80 next, 300 later" in page
    await read(url, sessions, 5, THINK)  # warm up
    before = sum(sum(process.cpu_times()[:2]) for process in processes)
    took, size, refused = await read(url, sessions, seconds, THINK)
    cost = (sum(sum(process.cpu_times()[:2]) for process in processes) - before) / len(took) * 1_000
    cuts = statistics.quantiles(took, n=100)
    closed, _, late = await read(url, sessions, seconds / 3, 0)
    slow, rate = statistics.quantiles(closed, n=100)[94], len(closed) / seconds * 3
    unpaced = f"p95 {slow:.0f} ms, {rate:.0f} pages a second, {late} refused"
    value = f"p50 {cuts[49]:.0f}, p95 {cuts[94]:.0f}, p99 {cuts[98]:.0f} ms of {len(took)} pages, {refused} refused"
    return [
        Figure(
            f"My way, 1,000 resources, {READERS} readers",
            value,
            f"p95 <= {MOST_MS:g} ms",
            cuts[94] <= MOST_MS and not refused,
        ),
        Figure(
            "its size, compressed where the portal compresses", f"{size:.0f} kB", f"<= {MOST_KB:g} kB", size <= MOST_KB
        ),
        Figure("processor of a page, all services but the database", f"{cost:.0f} ms", "", None),
        Figure(f"without a pause between pages, {os.cpu_count()} cores", unpaced, "", None),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    asked = parser.parse_args()
    with world() as made:
        filled(made)
        with running(made) as (url, processes):
            show("my-way", asyncio.run(measured(url, processes, asked.seconds)))


if __name__ == "__main__":
    main()
