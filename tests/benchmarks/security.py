"""`gate bench security`: what one caller, lock, hung peer or 300 strangers do to all others; what revocation costs.

One service on one core, the load and PostgreSQL on the other. A reader asks at a steady pace; its p99 under each attack
is compared with its p99 in the quiet moment before. `--quick` takes short rounds.

A round counts only if the service had its core: where the kernel gave it to others for more than half a per cent of the
time, a p99 says how busy the machine is. Two ways to be given it on a busy one (Linux, as root): `--first` has the
scheduler prefer all of it (nice(1) alone does nothing: each session has its own share, sched(7), "autogroup"), and
`--real-time` runs it before whatever else does. The kernel keeps a twentieth for others then, in pieces of 50 ms, so
where they want that, `--first` loses less.
"""

import argparse
import asyncio
import contextlib
import os
import socket
import statistics
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psutil
import psycopg
from harness import LOAD_CORE, Figure, compare, console, server, show
from world import World, world

from gatehouse_chassis import Actor
from gatehouse_chassis.base.actor import EVERY_SERVICE
from gatehouse_chassis.http.auth import CLOCK_SKEW, KEYS_FRESH_FOR, Authenticator, PublicKeys

PACE = 0.02  # seconds between two requests of the reader
LARGEST_RATIO = 3.0
# Of the time, waiting for the core; and how many rounds are tried for each that is wanted.
LARGEST_WAIT, TRIES = 0.005, 3
REVOKED, CALLS = 1_000, 20_000
PERSON = "019a0000-0001-7000-8000-000000000002"
Attack = Callable[[], contextlib.AbstractAsyncContextManager[Counter[int]]]


class Connection:
    """One kept-alive HTTP/1.1 connection, as cheap as can be: the load's core must not be the bottleneck."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname, parts.port)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> int:
        """The answer's status; 0 when there was none."""
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(*self._address)
            reader, writer = self._streams
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            fields = head.lower()
            if b"content-length: " in fields:
                await reader.readexactly(int(fields.split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0]))
            if b"connection: close" in fields:
                self.close()
            return int(head[9:12])
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return 0

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    sent = {"Host": "localhost", **headers}
    if body:
        sent |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def p99(url: str, reading: bytes, seconds: float) -> tuple[float, Counter[int]]:
    """The reader's 99th percentile in seconds, and the statuses that it got. It asks at its pace, answered or not."""
    took: list[float] = []
    statuses: Counter[int] = Counter()
    spare = [Connection(url)]

    async def once() -> None:
        connection = spare.pop() if spare else Connection(url)
        began = time.perf_counter()
        statuses[await connection.ask(reading)] += 1
        took.append(time.perf_counter() - began)
        spare.append(connection)

    async with asyncio.TaskGroup() as asking:
        for _ in range(int(seconds / PACE)):
            asking.create_task(once())
            await asyncio.sleep(PACE)
    for connection in spare:
        connection.close()
    return statistics.quantiles(took, n=100)[98], statuses


@contextlib.asynccontextmanager
async def hammering(url: str, asked: list[bytes], clients: int) -> AsyncGenerator[Counter[int]]:
    """`clients` connections that each ask again as soon as they are answered."""
    statuses: Counter[int] = Counter()

    async def one(number: int) -> None:
        connection = Connection(url)
        try:
            while True:
                status = await connection.ask(asked[number % len(asked)])
                statuses[status] += 1
                await asyncio.sleep(0.001)  # a client on a network
        finally:
            connection.close()

    tasks = [asyncio.create_task(one(number)) for number in range(clients)]
    try:
        yield statuses
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.contextmanager
def locked(database: str) -> Any:
    """The first partner's row is locked by somebody else; yields its id."""
    with psycopg.connect(database) as connection:
        row = connection.execute("select id from partner.partner order by id limit 1 for update").fetchone()
        assert row is not None
        yield row[0]
        connection.rollback()


def put_first() -> None:
    """The scheduler prefers the sessions of this process and of all that it started."""
    us = psutil.Process()
    for process in (us, *us.children(recursive=True)):
        with contextlib.suppress(OSError):  # it has ended, or this isn't Linux's scheduler, or not root
            Path(f"/proc/{process.pid}/autogroup").write_text("-20")
            os.setpriority(os.PRIO_PROCESS, process.pid, -20)


def waited(process: psutil.Process) -> float:
    """Seconds that a process was ready to run while others had its core; 0 where the system doesn't say."""
    # https://docs.kernel.org/scheduler/sched-stats.html: time running, time waiting (nanoseconds), time slices
    statistics_of = Path(f"/proc/{process.pid}/schedstat")
    return int(statistics_of.read_text().split()[1]) / 1e9 if statistics_of.exists() else 0.0


async def measured(
    name: str, process: psutil.Process, url: str, reading: bytes, attack: Attack, *, rounds: int, seconds: float
) -> Figure:
    ratios: list[float] = []
    shared: list[float] = []  # of rounds that don't count
    mine: Counter[int] = Counter()
    theirs: Counter[int] = Counter()
    await p99(url, reading, 1)  # warm up
    for _ in range(rounds * TRIES):
        began, before = time.perf_counter(), waited(process)
        quiet, _ = await p99(url, reading, seconds)
        async with attack() as statuses:
            await asyncio.sleep(0.5)
            under, answered = await p99(url, reading, seconds)
        mine += answered
        theirs += statuses
        lost = (waited(process) - before) / (time.perf_counter() - began)
        (ratios if lost <= LARGEST_WAIT else shared).append(under / quiet)
        console.print(
            f"{name}: p99 {quiet * 1000:.1f} ms -> {under * 1000:.1f} ms; reader {dict(answered)}; waited for its core "
            f"{lost * 100:.1f} % of the time{'' if lost <= LARGEST_WAIT else ', not counted'}"
        )
        if len(ratios) == rounds:
            break
    console.print(f"{name}: attackers got {dict(theirs)}")
    if not ratios:
        here = f"not measured: others had its core ({statistics.median(shared):.1f} x then)"
        return Figure(f"p99 of others, {name}", here, f"< {LARGEST_RATIO:g} x", None)
    middle = statistics.median(ratios)
    well = middle < LARGEST_RATIO and set(mine) == {200} and not [code for code in theirs if code > 503 or code == 500]
    return Figure(f"p99 of others, {name}", f"{middle:.1f} x", f"< {LARGEST_RATIO:g} x quiet, no 5xx", well)


def figures_of(made: World, rounds: int, seconds: float, *, first: bool, only: str) -> list[Figure]:
    reader, admin, member = made.token("coordinator"), made.token("admin"), made.token("member")
    found: list[Figure] = []

    def play(service: str, name: str, path: str, attack: Callable[[str], Attack], **more: str) -> None:
        if only not in name:
            return
        contestant = made.service(service, path, reader)
        contestant.environment = {**contestant.environment, **more}
        with server(contestant) as (process, url, _):
            if first:
                put_first()
            reading = request("GET", path, reader)
            work: Coroutine[Any, Any, Figure] = measured(
                name, process, url, reading, attack(url), rounds=rounds, seconds=seconds
            )
            found.append(asyncio.run(work))

    links = ",".join(f'{{"label":"x","url":"http://{"a" * 2000} "}}' for _ in range(10))
    worst = [
        request(
            "PATCH",
            f"/api/person/people/{PERSON}/profile",
            {**admin, "If-Match": '"1"'},
            f'{{"links":[{links}]}}'.encode(),
        ),
        request("GET", "/api/person/people?limit=100&search=a", admin),
    ]
    play(
        "person",
        "one member at 64 connections",
        f"/api/person/people/{PERSON}",
        lambda url: lambda: hammering(url, worst, 64),
    )
    with locked(made.database) as partner:
        change = request("PATCH", f"/api/partner/partners/{partner}", {**admin, "If-Match": '"1"'}, b'{"summary":"x"}')
        play(
            "partner",
            "one lock, 8 writers",
            "/api/partner/agreements?limit=1",
            lambda url: lambda: hammering(url, [change], 8),
        )
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as hung:  # takes connections, and says nothing
        another = [request("GET", "/api/curriculum/curricula/019a0000-0001-7000-8000-000000000003", member)]
        play(
            "curriculum",
            "one hung peer, 32 who need it",
            "/api/curriculum/curricula?limit=1",
            lambda url: lambda: hammering(url, another, 32),
            GATEHOUSE_URL_PERSON=f"http://127.0.0.1:{hung.getsockname()[1]}",
        )
    pages = [request("GET", "/sign-in", {"X-Forwarded-For": "192.0.2.7"})]
    play("portal", "300 strangers", "/health/live", lambda url: lambda: hammering(url, pages, 300))
    return found


class Unrevoked(Authenticator):
    """Remembers checked tokens until they expire, as if nothing were ever revoked or withdrawn."""

    async def actor(self, authorization: str | None) -> Actor:
        _, _, token = (authorization or "").partition(" ")
        known = self._checked.get(token)
        if known is not None and known.actor.expires_at + CLOCK_SKEW > self._clock():
            return known.actor
        return await super().actor(authorization)


async def revocation_costs(made: World, rounds: int) -> tuple[float, float]:
    """Microseconds that a request pays to see that its token isn't revoked, and that one fetch of the list takes."""
    document = httpx.get(f"{made.identity}/api/identity/jwks.json").json()
    document["revoked"] = [str(uuid4()) for _ in range(REVOKED)]
    document["not_before"] = {str(uuid4()): time.time() for _ in range(REVOKED)}

    async def fetch() -> dict[str, Any]:
        return document

    async def once(authenticator: Authenticator) -> float:
        began = time.perf_counter()
        for _ in range(CALLS):
            await authenticator.actor(header)
        return (time.perf_counter() - began) / CALLS * 1e6

    header = made.token()["Authorization"]
    keys = PublicKeys(fetch)
    audiences = [EVERY_SERVICE]
    checking, plain = Authenticator(keys, audiences=audiences), Unrevoked(keys, audiences=audiences)
    added, fetched = [], []
    for _ in range(rounds):
        added.append(await once(checking) - await once(plain))
        began = time.perf_counter()
        await keys._refresh()
        fetched.append((time.perf_counter() - began) * 1e6)
    return statistics.median(added), statistics.median(fetched)


def revocation(made: World, rounds: int, seconds: int) -> Figure:
    hello = made.peer("chassis_hello", "/api/hello/hello", made.token(), "chassis, signed in")
    compare([hello], rounds, seconds)
    added, fetched = asyncio.run(revocation_costs(made, 9))
    # A fetch is shared by the requests of its 20 s, at the rate that a core serves.
    each = added + fetched / (hello.rate * KEYS_FRESH_FOR)
    console.print(
        f"request {hello.cost:.0f} us; check {added:.2f} us; list of {REVOKED:,} and {REVOKED:,}: {fetched:.0f} us"
    )
    share = each / hello.cost * 100
    return Figure("revocation's part of the smallest request", f"{share:.2f} %", "<= 2 %", share <= 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short rounds")
    parser.add_argument("--real-time", action="store_true", help="before all else on this machine; as root, on Linux")
    parser.add_argument("--first", action="store_true", help="preferred to all else on this machine; as root, on Linux")
    parser.add_argument("--only", default="", help="the attacks whose name has this in it, such as lock; no revocation")
    options = parser.parse_args()
    if options.real_time:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))  # what it starts runs so too
    if (os.cpu_count() or 1) > 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {LOAD_CORE})
    rounds, seconds = (1, 4.0) if options.quick else (3, 8.0)
    with world() as made:
        if options.first:
            put_first()
        figures = [] if options.only else [revocation(made, 3 if rounds > 1 else 1, 3)]
        figures += figures_of(made, rounds, seconds, first=options.first, only=options.only)
    show("Security: where we stand", figures)


if __name__ == "__main__":
    main()
