"""`gate load`'s engine against a small server: the rate is held however slow the answers are, and it ends by itself."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gatehouse_observability.load.engine import drive
from gatehouse_observability.load.personas import OPERATIONS, Operation
from gatehouse_observability.load.report import quantile, report

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

    app = web.Application()
    app.router.add_post("/api/identity/personas/{name}/sessions", session)
    app.router.add_get("/api/identity/me", session)
    app.router.add_get("/sign-in", page)
    app.router.add_post("/sign-in/personas/{name}", page)
    app.router.add_get("/things", things)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


async def test_arrivals_go_on_while_answers_are_slow(url: str):
    run = await drive(url, [THINGS], rate=50, seconds=2)
    assert run.begun == 100
    assert run.rate_held == pytest.approx(50, rel=0.05)  # alone it is within 1%; tests share these cores
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
