"""`gate bench observability`: what metrics cost a service, beside the same service without them in the same run.

`--quick` takes few pairs of processes, for a first look. Needs wrk. Contestants take turns; the measured one is scraped
as Prometheus does it locally, every five seconds, while it works.
"""

import argparse
import contextlib
import dataclasses
import math
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping

import httpx
import psutil
from harness import Contestant, Figure, console, load, proportional_memory, server, show
from prometheus_client.openmetrics.exposition import generate_latest
from world import PEERS, RESOURCE, ROOT, World, same_answers, world

from gatehouse_chassis import ServiceContext
from gatehouse_chassis.metrics.registry import Metrics

SCRAPE_SECONDS = 5
TURNS = 5
ACCEPT = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
MOST_SHARE, MOST_MIB = 0.03, 5.0
ROUTES, STATUSES = 180, (200, 400, 404, 409)  # 3,400 series, near where the alert TooManySeries is


def costs(world: World, pairs: int) -> list[Figure]:
    """CPU, throughput and memory of topics answering one row, with metrics and without."""
    path, headers = f"/api/topics/resources/{RESOURCE}", world.token()
    measured = world.service("topics", path, headers)
    bare = dataclasses.replace(
        measured,
        name="topics without metrics",
        command=[sys.executable, str(PEERS / "unmeasured.py"), "topics"],
        microseconds=[],
        throughput=[],
    )
    same_answers([measured, bare])
    more_cpu, slower, memory = [], [], []
    for number in range(pairs):
        cpu, speed, more = one_pair([measured, bare][:: 1 if number % 2 else -1], measured, path, headers)
        more_cpu.append(cpu)
        slower.append(speed)
        memory.append(more)
    for contestant in (measured, bare):
        console.print(f"{contestant.name:24} {contestant.cost:6.0f} us CPU {contestant.rate:6.0f} requests/s")
    more = statistics.median(memory)
    return [
        share("CPU a request that metrics add", more_cpu),
        share("throughput that metrics cost", slower),
        Figure("memory that metrics add (PSS)", f"{more:+.1f} MiB", "< 5 MB", more * 1.048576 < MOST_MIB),
    ]


def one_pair(
    contestants: list[Contestant], measured: Contestant, path: str, headers: Mapping[str, str]
) -> tuple[float, float, float]:
    """CPU with metrics to that without, throughput without to that with, and MiB more, of two fresh processes: one
    process is several percent faster than another of the same program, for as long as it lives."""
    before = {one.name: len(one.microseconds) for one in contestants}
    with contextlib.ExitStack() as running:
        started = [(one, *running.enter_context(server(one))[:2]) for one in contestants]
        for _, _, address in started:
            load(address + path, headers, 1)  # warm up
        with scraped(next(address for one, _, address in started if one is measured)):
            for _ in range(TURNS):
                for contestant, process, address in started:
                    take_turn(contestant, process, address)
        memory = {one.name: proportional_memory(process) for one, process, _ in started}
    (bare,) = (one for one in contestants if one is not measured)
    here, there = ((one, slice(before[one.name], None)) for one in (measured, bare))
    cpu = statistics.median(ratios(here[0].microseconds[here[1]], there[0].microseconds[there[1]]))
    speed = statistics.median(ratios(there[0].throughput[there[1]], here[0].throughput[here[1]]))
    return cpu, speed, memory[measured.name] - memory[bare.name]


def share(what: str, of_pairs: list[float]) -> Figure:
    """Reached or missed once the whole interval says so; a noisy machine decides nothing."""
    low, high = (value - 1 for value in interval(of_pairs))
    middle = statistics.median(of_pairs) - 1
    reached = True if high < MOST_SHARE else False if low >= MOST_SHARE else None
    return Figure(what, f"{middle:+.1%} ({low:+.1%} to {high:+.1%})", f"< {MOST_SHARE:.0%}", reached)


def interval(values: list[float]) -> tuple[float, float]:
    """Where the median lies with 95 % confidence, by the sign test: no assumption on how the values are spread."""
    count, outside, tail = len(values), 0, 0.0
    while (tail := tail + math.comb(count, outside) / 2**count) <= 0.025:
        outside += 1
    ordered, outside = sorted(values), max(outside - 1, 0)
    return ordered[outside], ordered[count - 1 - outside]


def take_turn(contestant: Contestant, process: psutil.Process, url: str) -> None:
    """One second each: a machine's pace changes within longer ones, and then a round's two aren't comparable."""
    before = sum(process.cpu_times()[:2])
    requests, duration = load(url + contestant.path, contestant.headers, 1)
    spent = sum(process.cpu_times()[:2]) - before
    contestant.microseconds.append(spent / requests * 1_000_000)
    contestant.throughput.append(requests / duration)


def ratios(ours: list[float], theirs: list[float]) -> list[float]:
    """Of each round by itself: what disturbs a round disturbs both."""
    return [one / other for one, other in zip(ours, theirs, strict=True)]


@contextlib.contextmanager
def scraped(url: str) -> Generator[None]:
    """Asks for /metrics every five seconds, as Prometheus does."""
    over = threading.Event()

    def scrape() -> None:
        with httpx.Client() as http:
            while not over.wait(SCRAPE_SECONDS):
                http.get(f"{url}/metrics", headers={"Accept": ACCEPT}).raise_for_status()

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def exposition(rounds: int) -> list[Figure]:
    """CPU of writing 3,400 series once: the event loop stands still meanwhile."""
    environ = {"GATEHOUSE_ENVIRONMENT": "local"}
    metrics = Metrics(ServiceContext.load(ROOT / "services" / "topics", environ))
    for number in range(ROUTES):
        for status in STATUSES:
            metrics.traffic.answered("GET", f"/api/topics/things{number}/{{id:uuid}}", status, number / 100, "ab" * 16)
    lines = len(metrics.render(ACCEPT)[0].splitlines())
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(spent(lambda: metrics.render(ACCEPT)))
        theirs.append(spent(lambda: generate_latest(metrics.registry)))
    mine, library = statistics.median(ours) * 1000, statistics.median(theirs) * 1000
    what = f"/metrics of {lines:,} lines"
    return [
        Figure(what, f"{mine:.0f} ms (prometheus-client: {library:.0f} ms)", "<= 25 ms", mine <= 25),
        Figure(f"{what}: library / chassis", f"{library / mine:.1f}", ">= 2", library / mine >= 2),
    ]


def spent(action: Callable[[], object]) -> float:
    """Seconds of CPU."""
    started = time.process_time()
    action()
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few processes")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    pairs = 4 if options.quick else 16
    figures = exposition(5 if options.quick else 15)
    with world() as made:
        figures += costs(made, pairs)
    show("Observability: what it costs", figures)


if __name__ == "__main__":
    main()
