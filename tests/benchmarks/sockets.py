"""Part `sockets` of `gate bench services`: what the edge adds to a WebSocket's messages, and a rolling restart.

100 sockets on two processes of the chassis send a message each in turn, directly and through the edge, in one run. Then
each process is ended and started again, and every socket opens another as soon as it is closed.
"""

import asyncio
import contextlib
import json
import statistics
import sys
import time
from collections import Counter

from harness import Contestant, Figure, free_port, server
from websockets import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.asyncio.client import ClientConnection, connect
from world import World

SOCKETS, ROUNDS = 100, 20
PATH = "/api/hello/echo"
AT_MOST_MS, BACK_SECONDS = 5.0, 2.0


def sockets(world: World) -> list[Figure]:
    service = world.peer("chassis_hello", "/health/ready", {}, "chassis with sockets")
    with contextlib.ExitStack() as running:
        ports = [free_port(), free_port()]
        processes = [contextlib.ExitStack() for _ in ports]
        for process, port in zip(processes, ports, strict=True):
            running.enter_context(process)
            process.enter_context(server(service, core=None, port=port))
        targets = [f"http://127.0.0.1:{port}" for port in ports]
        routes = json.dumps([{"service": "hello", "path": "/api/hello", "targets": targets}])
        command = [sys.executable, "-m", "gatehouse_local.runner.edge"]
        environment = {"GATEHOUSE_EDGE_ROUTES": routes}
        edge = Contestant("edge", command, "/api/hello/public", environment)
        _, url, _ = running.enter_context(server(edge, core=None))
        direct, through = asyncio.run(_latencies(targets, url))
        closed, back = asyncio.run(_restarted(url, processes, ports, service))
    added = through - direct
    codes = ", ".join(f"{count} with {code}" for code, count in closed.items())
    all_told = closed.keys() == {1012} and sum(closed.values()) >= SOCKETS
    return [
        Figure(f"{SOCKETS} sockets: p50 direct / through the edge", f"{direct:.2f} / {through:.2f} ms", "", None),
        Figure("added by the edge at p50", f"{added:.2f} ms", f"<= {AT_MOST_MS:g} ms", added <= AT_MOST_MS),
        Figure("closed while both processes restart", codes, "all with 1012", all_told),
        Figure("longest time until a socket was back", f"{back:.2f} s", f"<= {BACK_SECONDS:g} s", back <= BACK_SECONDS),
    ]


def _address(url: str) -> str:
    return url.replace("http", "ws", 1) + PATH


async def _latencies(targets: list[str], edge: str) -> tuple[float, float]:
    """p50 of a message and its echo in ms, directly and through the edge; the two take turns."""
    async with contextlib.AsyncExitStack() as stack:
        groups = [[targets[number % len(targets)] for number in range(SOCKETS)], [edge] * SOCKETS]
        opened = [[await stack.enter_async_context(connect(_address(url))) for url in group] for group in groups]
        spent: list[list[float]] = [[], []]
        for _ in range(ROUNDS):
            for group, times in zip(opened, spent, strict=True):
                for one in group:
                    began = time.perf_counter()
                    await one.send('{"topic": "019a0000-0001-7000-8000-000000000002", "version": 12}')
                    await one.recv()
                    times.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent[0]), statistics.median(spent[1])


async def _restarted(
    edge: str, processes: list[contextlib.ExitStack], ports: list[int], service: Contestant
) -> tuple[Counter[int | None], float]:
    """The codes that sockets were closed with, and the longest that one of them was away, in seconds."""
    closed: Counter[int | None] = Counter()
    away: list[float] = []
    open_now: set[ClientConnection] = set()
    stopping = asyncio.Event()

    async def stay() -> None:
        left: float | None = None
        while not stopping.is_set():
            try:
                async with connect(_address(edge)) as one:
                    await one.send("here")
                    await one.recv()
                    if left is not None:
                        away.append(time.perf_counter() - left)
                    open_now.add(one)
                    with contextlib.suppress(ConnectionClosed):
                        await one.recv()
                    left = time.perf_counter()
                    open_now.discard(one)
                    if not stopping.is_set():
                        closed[one.close_code] += 1
            except (OSError, ConnectionClosed, InvalidStatus, InvalidMessage):  # refused: again at once
                await asyncio.sleep(0.02)

    def restart(number: int) -> None:
        processes[number].close()  # SIGTERM, and wait for its end
        processes[number].enter_context(server(service, core=None, port=ports[number]))

    async def until_all_open() -> None:
        while len(open_now) < SOCKETS:
            await asyncio.sleep(0.02)
        await asyncio.sleep(1.5)  # the edge probes each second: as a deployment does, the next one waits for that

    staying = [asyncio.create_task(stay()) for _ in range(SOCKETS)]
    try:
        for number in range(len(processes)):
            await until_all_open()
            await asyncio.to_thread(restart, number)
        await until_all_open()
    finally:
        stopping.set()
        for task in staying:
            task.cancel()
        await asyncio.gather(*staying, return_exceptions=True)
    return closed, max(away, default=0.0)
