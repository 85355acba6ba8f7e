"""Limits for strangers: exact across tasks, by address, and kept from other services' requests."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from litestar import get

from gatehouse_catalog import find_root
from gatehouse_chassis import ServiceContext, create_app
from gatehouse_chassis.base.problems import TooMany
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.http.guards import public
from gatehouse_chassis.http.rate_limits import RateLimit, RateLimiter, anonymous, counted_as
from gatehouse_chassis.testing import serving

DB = Database("house")
SLOW = RateLimit(per_minute=1, at_once=10)


@get("/door", guards=[anonymous(per_minute=1, at_once=2)], operation_id="Knock")
async def door() -> str:
    return "who is it?"


@get("/garden", guards=[public], operation_id="Walk")
async def garden() -> str:
    return "flowers"


def create(service: ServiceContext):
    return create_app(service, [door, garden], database=DB)


@pytest.fixture(scope="module")
async def url(postgres):
    found = postgres.create_database()
    connection = await asyncpg.connect(found)
    await connection.execute(
        "create schema house; "
        "create table house.rate_bucket (key bytea primary key, full_until timestamptz not null); "
        "create schema dbm; "
        "create table dbm.version (schema text, collection text, version text, applied_at timestamptz)"
    )
    await connection.close()
    return found


@pytest.fixture
async def limiters(url):
    """Two tasks of a service, each with a pool of its own."""
    tasks = [Database("house"), Database("house")]
    for task in tasks:
        await task.open(url, application_name="test")
    await tasks[0].execute("truncate rate_bucket")
    yield [RateLimiter(task, "a secret") for task in tasks]
    for task in tasks:
        await task.close()


async def test_as_many_as_the_burst_are_let_through_across_tasks(limiters):
    async def knock(number: int) -> bool:
        try:
            await limiters[number % 2].refuse_more("GET /door", "192.0.2.7", SLOW)
        except TooMany as refused:
            assert refused.headers["Retry-After"] == "60"
            return False
        return True

    assert sum(await asyncio.gather(*map(knock, range(40)))) == 10
    await limiters[0].refuse_more("GET /door", "192.0.2.8", SLOW)
    await limiters[0].refuse_more("GET /window", "192.0.2.7", SLOW)


async def test_room_comes_back_with_time_and_the_past_is_swept(limiters, url, monkeypatch):
    limiter = limiters[0]
    once = RateLimit(per_minute=60, at_once=1)
    await limiter.refuse_more("GET /door", "192.0.2.7", once)
    with pytest.raises(TooMany):
        await limiter.refuse_more("GET /door", "192.0.2.7", once)
    connection = await asyncpg.connect(url)
    await connection.execute("update house.rate_bucket set full_until = now() - interval '1 second'")
    await limiter.refuse_more("GET /door", "192.0.2.7", once)
    await connection.execute("update house.rate_bucket set full_until = now() - interval '1 second'")
    monkeypatch.setattr("gatehouse_chassis.http.rate_limits.SWEEP_AFTER", -1.0)
    await limiter.refuse_more("GET /door", "192.0.2.9", once)
    assert await connection.fetchval("select count(*) from house.rate_bucket") == 1
    stored = await connection.fetchval("select key from house.rate_bucket")
    assert len(stored) == 16
    assert b"192" not in stored
    await connection.close()


async def test_a_stranger_is_answered_429_and_others_are_not(url, tmp_path: Path):
    (tmp_path / "service.toml").write_text(
        'name = "house"\ndomain = "test"\nsummary = "A house"\npath = "/api/house"\nport = 8499\n'
        '[database]\nschema = "house"\n'
    )
    async with serving("house", create, folder=tmp_path, database_url=url) as house:
        stranger = {"X-Forwarded-For": "10.0.0.1, 198.51.100.7"}
        answers = [await house.get("/api/house/door", headers=stranger) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert (answers[2].headers["retry-after"], answers[2].json()["status"]) == ("60", 429)
        other = {"X-Forwarded-For": "198.51.100.7, 198.51.100.8"}
        assert (await house.get("/api/house/door", headers=other)).status_code == 200
        assert (await house.get("/api/house/garden", headers=stranger)).status_code == 200
        inside = [await house.get("/api/house/door") for _ in range(4)]
        assert {answer.status_code for answer in inside} == {200}, "another service calls for many people"
        config = (await house.get("/config", headers=house.tokens.headers("sre"))).json()
        assert config["limits"] == [{"route": "GET /api/house/door", "per_minute": 1, "at_once": 2}]
        ready = (await house.get("/health/ready")).json()
        assert "rate_bucket" in ready["checks"]["collections"], "the code needs the collection"


def test_an_ipv6_customer_is_one_address():
    assert counted_as("2001:db8:1:2:3::4") == counted_as("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert counted_as("192.0.2.7") == "192.0.2.7"
    assert counted_as("not an address") == "not an address"


def test_the_collection_is_the_chassis_own():
    schema = find_root(Path(__file__)) / "services/chassis/gatehouse_chassis/schema/rate_bucket.yaml"
    assert "collection: rate_bucket" in schema.read_text()
