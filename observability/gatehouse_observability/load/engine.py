"""Starts operations at a fixed rate, whether or not earlier ones have ended, and records the result of each.

An open model: when the platform becomes slow, requests keep arriving, and each is timed from when it should have begun,
so that a stall isn't hidden ("coordinated omission"). The run ends by itself.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import aiohttp

from gatehouse_observability.load.personas import LoadPersona, Operation, PersonaRefused

MOST_RATE, MOST_SECONDS = 500.0, 600.0
MOST_IN_FLIGHT = 500
LAST_WAIT = 10.0  # seconds for what is still in flight at the end


@dataclass
class Tally:
    """The results of one operation: seconds of the successful ones, and failures by kind."""

    seconds: list[float] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        return sum(self.failures.values())

    @property
    def count(self) -> int:
        return len(self.seconds) + self.failed

    def failure(self, kind: str) -> None:
        self.failures[kind] = self.failures.get(kind, 0) + 1


@dataclass
class LoadRun:
    """`begun` of `wanted` arrivals; `dropped` found too many in flight; `took` seconds from the first to the last;
    `latest` how many seconds after its time the latest of them began, because this machine was busy.
    """

    rate: float
    wanted: int
    tallies: dict[str, Tally]
    begun: int = 0
    dropped: int = 0
    in_flight: int = 0
    took: float = 0.0
    latest: float = 0.0

    @property
    def rate_held(self) -> float:
        """Started arrivals per second; the first counts for an interval too."""
        return (self.begun - 1) / self.took if self.took and self.begun > 1 else 0.0

    @property
    def failed(self) -> int:
        return sum(tally.failed for tally in self.tallies.values())


async def drive(
    url: str,
    operations: Sequence[Operation],
    *,
    rate: float,
    seconds: float,
    seed: int = 1,
    watch: Callable[[LoadRun], None] = lambda _run: None,
) -> LoadRun:
    """Operations by weight against `url`, `rate` a second. `watch` is called with the run twice a second."""
    choose = random.Random(seed)  # noqa: S311 - the same work each time, not a secret
    run = LoadRun(rate, max(1, round(rate * seconds)), {operation.name: Tally() for operation in operations})
    weights = [operation.weight for operation in operations]
    connector = aiohttp.TCPConnector(limit=MOST_IN_FLIGHT)
    timeout = aiohttp.ClientTimeout(total=LAST_WAIT)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as http:
        personas = {name: LoadPersona(name, http, url) for name in {operation.persona for operation in operations}}
        for persona in personas.values():
            await persona.arrive()
        watching = asyncio.create_task(_report_progress(run, watch))
        try:
            async with asyncio.TaskGroup() as group:
                await _arrivals(run, group, lambda: choose.choices(operations, weights)[0], personas)
        finally:
            watching.cancel()
    watch(run)
    return run


async def arrivals(
    rate: float,
    count: int,
    begin: Callable[[float, float], None],
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[object]],
) -> None:
    """Calls `begin(due, late)` `count` times, `rate` a second: when it was due on `clock`, and seconds after that.

    Times are computed from the first arrival, so that delays don't add up. Arrivals missed in a stall start at once
    after it.
    """
    first = clock()
    for number in range(count):
        due = first + number / rate
        pause = due - clock()
        if pause > 0:
            await sleep(pause)
        begin(due, max(0.0, clock() - due))


async def _arrivals(
    run: LoadRun, group: asyncio.TaskGroup, next_one: Callable[[], Operation], personas: dict[str, LoadPersona]
) -> None:
    clock = asyncio.get_running_loop().time
    first = clock()

    def begin(due: float, late: float) -> None:
        operation = next_one()
        run.latest = max(run.latest, late)
        run.took = clock() - first
        if run.in_flight >= MOST_IN_FLIGHT:
            run.dropped += 1
            return
        run.begun += 1
        run.in_flight += 1
        group.create_task(_one(run, operation, personas[operation.persona], due))

    await arrivals(run.rate, run.wanted, begin, clock=clock, sleep=asyncio.sleep)


async def _one(run: LoadRun, operation: Operation, persona: LoadPersona, due: float) -> None:
    tally = run.tallies[operation.name]
    try:
        await operation.work(persona)
        tally.seconds.append(asyncio.get_running_loop().time() - due)
    except PersonaRefused as refused:
        tally.failure(str(refused.status))
    except TimeoutError:
        tally.failure("timeout")
    except aiohttp.ClientError:
        tally.failure("unreachable")
    finally:
        run.in_flight -= 1


async def _report_progress(run: LoadRun, watch: Callable[[LoadRun], None]) -> None:
    while True:
        watch(run)
        await asyncio.sleep(0.5)
