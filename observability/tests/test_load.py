"""`gate load`'s engine against a small server: the rate is held however slow the answers are, and it ends by itself."""

import asyncio
import contextlib
import random
import re
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gatehouse_observability.load.engine import arrivals, drive
from gatehouse_observability.load.personas import OPERATIONS, Operation
from gatehouse_observability.load.report import LoadReport, quantile, report

THINGS = Operation("list things", "member", 1, lambda persona: persona.api("GET", "/things"))
BROKEN = Operation("break", "member", 1, lambda persona: persona.api("GET", "/broken"))


@pytest.fixture(scope="module")
async def url() -> AsyncGenerator[str]:
    async def session(_request: web.Request) -> web.Response:
        return web.json_response({"access_token": "t", "person_id": "p"}, status=201)

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text='<input name="form_token" value="abc123">')

    async def things(_request: web.Request) -> web.Response:
        await asyncio.sleep(0.3)
        return web.json_response([])

    asked: list[str] = []

    @web.middleware
    async def counted(request: web.Request, handler: Any) -> web.StreamResponse:
        asked.append(request.path)
        return await handler(request)

    async def count(_request: web.Request) -> web.Response:
        return web.json_response(len(asked))

    app = web.Application(middlewares=[counted])
    app.router.add_get("/asked", count)
    app.router.add_post("/api/identity/personas/{name}/sessions", session)
    app.router.add_get("/api/identity/me", session)
    app.router.add_get("/sign-in", page)
    app.router.add_post("/sign-in/personas/{name}", page)
    app.router.add_get("/things", things)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


class Clock:
    """Time that passes only in sleeps, which are never exact."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.chance = random.Random(6)

    def read(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds + self.chance.uniform(0, 0.004)


@pytest.mark.parametrize("rate", [0.5, 7, 20, 333])
async def test_a_schedule_is_held_within_a_hundredth_however_inexact_sleeps_are(rate: float):
    clock, begun = Clock(), []

    def begin(due: float, late: float) -> None:
        clock.now += 0.0005  # beginning takes time, too
        begun.append((due, late))

    await arrivals(rate, round(rate * 60), begin, clock=clock.read, sleep=clock.sleep)
    assert len(begun) == round(rate * 60)
    assert (len(begun) - 1) / (clock.now - 1_000.0) == pytest.approx(rate, rel=0.01)
    assert [due for due, _ in begun] == pytest.approx([1_000.0 + number / rate for number in range(len(begun))])
    assert max(late for _, late in begun) < 0.005


async def test_what_a_stall_held_up_begins_right_after_it_and_the_rest_is_in_time():
    clock, begun = Clock(), []

    def begin(due: float, late: float) -> None:
        begun.append(late)
        if len(begun) == 100:
            clock.now += 2.0  # the machine stood still

    await arrivals(10, 600, begin, clock=clock.read, sleep=clock.sleep)
    held_up = [late for late in begun if late > 0.005]
    assert len(held_up) == 19
    assert max(held_up) == pytest.approx(1.9, abs=0.01)
    assert (len(begun) - 1) / (clock.now - 1_000.0) == pytest.approx(10, rel=0.01)


async def test_arrivals_go_on_while_answers_are_slow(url: str):
    run = await drive(url, [THINGS], rate=50, seconds=2)
    assert run.begun == 100
    assert 0 < run.rate_held <= 50 * 1.05
    found = report(run)
    assert found.failed == 0
    assert found.all.p50 is not None
    assert found.all.p50 >= 300


async def test_failures_are_counted_by_kind_and_time_nothing(url: str):
    run = await drive(url, [BROKEN], rate=20, seconds=0.5)
    (line,) = report(run).operations
    assert line.failures == {"404": 10}
    assert line.p99 is None


async def test_a_platform_that_is_gone_is_told_at_once():
    with pytest.raises(aiohttp.ClientConnectorError):
        await drive("http://127.0.0.1:9", [THINGS], rate=20, seconds=600)


async def test_ctrl_c_ends_it_with_the_report_of_what_it_saw(url: str):
    """The command itself: its operations find nothing on this server, and that is what it reports."""
    words = [sys.executable, "-m", "gatehouse_local.gate", "load", url, "--rate", "50", "--seconds", "600", "--json"]
    process = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        async with aiohttp.ClientSession() as http, asyncio.timeout(60):
            before = await asked(http, url)
            while await asked(http, url) < before + 100:
                await asyncio.sleep(0.1)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(60):
            output, errors = await process.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    assert process.returncode == 130, errors.decode()
    found = msgspec.json.decode(output, type=LoadReport)
    assert found.begun > 10
    assert found.all.failures
    assert "Stopped by hand" in errors.decode()
    assert "of 600 s" in errors.decode()


async def asked(http: aiohttp.ClientSession, url: str) -> int:
    async with http.get(f"{url}/asked") as answer:
        return await answer.json()


async def test_the_command_says_that_nothing_answers():
    words = [sys.executable, "-m", "gatehouse_local.gate", "load", "http://127.0.0.1:9"]
    process = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    _, errors = await process.communicate()
    assert process.returncode == 1
    said, _, fix = errors.decode().partition(" Is it running? ")
    assert said == "Error: nothing answers at http://127.0.0.1:9."
    called = fix.replace("'", "")  # quoted where the checkout's path has a space
    assert re.fullmatch(r"(.*)gate status, \1gate up\n", called), "as it is called from here"


async def test_the_same_work_is_done_each_time(url: str):
    operations = [replace(THINGS, name=name, weight=weight) for name, weight in (("often", 9), ("seldom", 1))]
    first, second = [await drive(url, operations, rate=100, seconds=0.5) for _ in range(2)]
    counts = [{name: tally.count for name, tally in run.tallies.items()} for run in (first, second)]
    assert counts[0] == counts[1]
    assert counts[0]["often"] > counts[0]["seldom"]


@pytest.mark.parametrize(("q", "found"), [(0.5, 5), (0.95, 10), (0.99, 10), (0.1, 1)])
def test_a_quantile_is_one_of_the_values(q: float, found: int):
    assert quantile([float(value) for value in range(1, 11)], q) == found


def test_an_empty_quantile_is_nothing():
    assert quantile([], 0.5) is None


def test_operations_have_names_of_their_own():
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)
