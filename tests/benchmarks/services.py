"""`gate bench services`: its figures of docs/figures.md, each compared with a peer in the same run.

`--quick` takes short rounds, for a first look; `--only costs,starts,restart,sockets,contracts` leaves parts out. It
needs wrk.
"""

import argparse
import contextlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time

import httpx
from harness import (
    Contestant,
    Figure,
    compare,
    console,
    free_port,
    proportional_memory,
    ratio,
    server,
    show,
    under_load,
)
from sockets import sockets
from world import CATALOG, RESOURCE, ROOT, World, same_answers, world

PARTS = ("costs", "starts", "restart", "sockets", "contracts")
CASES = 10_000


def costs(world: World, rounds: int, seconds: int) -> list[Figure]:
    """CPU per request of the chassis and of its peers."""
    headers = world.token()
    path = f"/resources/{RESOURCE}"
    chassis = world.service("topics", f"/api/topics{path}", headers)
    bare = world.peer("bare_litestar", path, headers, "bare Litestar + asyncpg")
    readers = [chassis, bare]
    with contextlib.suppress(ImportError):
        from fastapi import FastAPI  # noqa: F401 - an uninstalled package can leave an empty folder
        from sqlalchemy import select  # noqa: F401

        readers.append(world.peer("fastapi_sqlalchemy", path, headers, "FastAPI + SQLAlchemy"))
    same_answers(readers)
    compare(readers, rounds, seconds)
    hello = world.peer("chassis_hello", "/api/hello/hello", headers, "chassis, signed in")
    anyone = world.peer("chassis_hello", "/api/hello/public", headers, "chassis, public")
    nothing = world.peer("bare_litestar", "/hello", headers, "bare Litestar")
    compare([hello, anyone, nothing], rounds, seconds)
    for contestant in [*readers, hello, anyone, nothing]:
        console.print(f"{contestant.name:26} {contestant.cost:7.0f} us CPU {contestant.rate:7.0f} requests/s")
    to_bare = ratio(bare, chassis)
    figures = [Figure("one row: chassis / bare Litestar + asyncpg", f"{to_bare:.2f}", ">= 0.75", to_bare >= 0.75)]
    if len(readers) == 3:
        to_peer = ratio(readers[2], chassis)
        figures.append(Figure("one row: chassis / FastAPI + SQLAlchemy", f"{to_peer:.2f}", ">= 3", to_peer >= 3))
    else:
        figures.append(Figure("one row: chassis / FastAPI + SQLAlchemy", "not installed", ">= 3", None))
    for contestant in (hello, anyone):
        added = contestant.cost - nothing.cost
        figures.append(Figure(f"added to no work: {contestant.name}", f"{added:.0f} us", "<= 120 us", added <= 120))
    return figures


def starts(world: World, rounds: int) -> list[Figure]:
    """Memory when idle, and seconds from start to ready, of every API."""
    figures = []
    for service in CATALOG:
        if service.kind != "api":
            continue
        seconds, memory = [], []
        for _ in range(rounds):
            with server(world.service(service.name)) as (process, _, started):
                seconds.append(started)
                memory.append(proportional_memory(process))
        took, used = statistics.median(seconds), statistics.median(memory)
        figures.append(Figure(f"{service.name}: start to ready", f"{took:.2f} s", "<= 1.2 s", took <= 1.2))
        figures.append(Figure(f"{service.name}: idle memory (PSS)", f"{used:.0f} MiB", "<= 80 MB", used <= 76.3))
    return figures


def restart(world: World) -> list[Figure]:
    """Two processes of topics behind the edge; each is ended and started again while requests come in."""
    headers = world.token()
    path = f"/api/topics/resources/{RESOURCE}"
    service = world.service("topics", path, headers)
    service.environment = {**service.environment, "GATEHOUSE_DRAIN_SECONDS": "2"}
    with contextlib.ExitStack() as running:
        ports = [free_port(), free_port()]
        targets = [f"http://127.0.0.1:{port}" for port in ports]
        processes = [contextlib.ExitStack() for _ in ports]
        for process, port in zip(processes, ports, strict=True):
            running.enter_context(process)
            process.enter_context(server(service, core=None, port=port))
        routes = json.dumps([{"service": "topics", "path": "/api/topics", "targets": targets}])
        command = [sys.executable, "-m", "gatehouse_local.runner.edge"]
        edge = Contestant("edge", command, path, {"GATEHOUSE_EDGE_ROUTES": routes}, headers)
        _, url, _ = running.enter_context(server(edge, core=None))
        results = []
        loading = threading.Thread(target=lambda: results.append(under_load(url + path, headers, 18)))
        loading.start()
        for process, port in zip(processes, ports, strict=True):
            until_all_ready(url)
            process.close()  # SIGTERM, and wait for its end
            process.enter_context(server(service, core=None, port=port))
        until_all_ready(url)
        loading.join()
    answered, failed = results[0]
    return [Figure(f"failed of {answered:,} requests while both restart", str(failed), "0", failed == 0)]


def until_all_ready(edge: str) -> None:
    """As a deployment does: the next process isn't touched before the balancer sends to all."""
    while not all(httpx.get(f"{edge}/__edge/health").json()["targets"].values()):
        time.sleep(0.05)


def contracts(quick: bool) -> list[Figure]:
    """Schemathesis over every operation, by the tests that do so with fewer cases every day."""
    operations = 2 * 110  # about as many as there are, for two callers; going through all forms makes 6,000 more
    cases = 5 if quick else max(5, (CASES - 6_000) // operations + 10)
    command = [sys.executable, "-m", "pytest", "-n0", "-rP", "tests/contracts/test_operations.py"]
    environment = {**os.environ, "GATEHOUSE_CASES": str(cases)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    total = sum(map(int, re.findall(r"(\d+) generated", done.stdout)))
    if done.returncode:
        console.print(done.stdout[-4000:], markup=False)
    verdict = "no 5xx, nothing undocumented" if done.returncode == 0 else "see above"
    enough = done.returncode == 0 and (quick or total >= CASES)
    return [Figure(f"schemathesis, {total:,} cases", verdict, f"{CASES:,} cases, none fails", enough)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short rounds")
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {', '.join(PARTS)}")
    options = parser.parse_args()
    chosen = options.only.split(",")
    unknown = sorted(set(chosen) - set(PARTS))
    if unknown:
        parser.error(f"--only {','.join(unknown)}: there is no such part; there are {', '.join(PARTS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    rounds, seconds = (2, 2) if options.quick else (5, 4)
    figures: list[Figure] = []
    with world() as made:
        if "costs" in chosen:
            figures += costs(made, rounds, seconds)
        if "starts" in chosen:
            figures += starts(made, rounds)
        if "restart" in chosen:
            figures += restart(made)
        if "sockets" in chosen:
            figures += sockets(made)
    if "contracts" in chosen:
        figures += contracts(options.quick)
    show("Services: where we stand", figures)


if __name__ == "__main__":
    main()
