"""Repeated creating requests: done once, answered the same, whatever goes wrong in between."""

import asyncio
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest
from litestar import Litestar, Request, Response, post
from litestar.datastructures import State
from litestar.di import Provide

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Conflict
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.http.error_responses import answer
from gatehouse_chassis.http.idempotency import KEPT, Once, Repeats, jobs, provide_once
from gatehouse_chassis.jobs.structs import JobRun

DB = Database("house")

TABLES = """
create schema house;
create table house.idempotency_key (
    actor uuid not null, key text not null, digest text not null, status int, body text, headers jsonb,
    created_at timestamptz not null default now(), primary key (actor, key));
create table house.pet (id int generated always as identity primary key, name text not null)
"""


class NewPet(msgspec.Struct):
    name: str


class PetRow(msgspec.Struct):
    id: int
    name: str
    version: int


ADD = DB.prepare_sql("insert into pet (name) values ($1) returning id, name, 1 as version", PetRow)


class Doorkeeper:
    """Lets a test hold a request inside its work."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()


DOOR = Doorkeeper()


async def add(name: str) -> PetRow:
    row = await ADD.one(name)
    assert row is not None
    DOOR.entered.set()
    await DOOR.go.wait()
    if name == "refused":
        raise Conflict("no such pets here")
    return row


@post("/pets")
async def create_pet(data: NewPet, once: Once) -> Response[PetRow]:
    return await once(add, data.name)


def caller(request: Request) -> Actor:
    return Actor(account=UUID(int=int(request.headers.get("actor", "1"))))


@pytest.fixture(scope="module", autouse=True)
async def database(postgres):
    url = postgres.create_database()
    connection = await asyncpg.connect(url)
    await connection.execute(TABLES)
    await connection.close()
    await DB.open(url, application_name="test", max_size=4, lock_timeout=150)
    yield
    await DB.close()


@pytest.fixture
async def client():
    await DB.execute("truncate pet, idempotency_key")
    DOOR.entered.clear()
    DOOR.go.set()
    app = Litestar(
        [create_pet],
        dependencies={
            "actor": Provide(caller, sync_to_thread=False),
            "once": Provide(provide_once, sync_to_thread=False),
        },
        exception_handlers={Exception: answer},
        state=State({"repeats": Repeats(DB)}),
    )
    transport = httpx.ASGITransport(app=cast(Any, app))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def create(client, name: str, key: str | None = "k", actor: int = 1, path: str = "/pets") -> httpx.Response:
    headers = {"actor": str(actor)} | ({} if key is None else {"Idempotency-Key": key})
    return await client.post(path, json={"name": name}, headers=headers)


async def pets() -> int:
    return await DB.fetchval("select count(*) from pet")


async def test_a_repeat_is_answered_the_same_and_changes_nothing(client):
    first = await create(client, "Anna")
    second = await create(client, "Anna")
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert [second.headers[name] for name in ("Location", "ETag", "Content-Type", "Idempotency-Replayed")] == [
        first.headers["Location"],
        '"1"',
        "application/json",
        "true",
    ]
    assert "Idempotency-Replayed" not in first.headers
    assert await pets() == 1


async def test_without_a_key_every_request_counts(client):
    await create(client, "Anna", None)
    await create(client, "Anna", None)
    assert await pets() == 2


async def test_the_same_key_for_another_request_is_refused(client):
    await create(client, "Anna")
    for reply in (await create(client, "Ben"), await create(client, "Anna", path="/pets?x=1")):
        assert (reply.status_code, reply.json()["type"]) == (422, "urn:gatehouse:problem:idempotency-key-reused")
    assert await pets() == 1


async def test_keys_belong_to_an_account(client):
    assert (await create(client, "Anna", actor=1)).content != (await create(client, "Anna", actor=2)).content
    assert await pets() == 2


async def test_a_refused_request_keeps_nothing_and_may_be_repeated(client):
    assert (await create(client, "refused")).status_code == 409
    assert (await create(client, "refused")).status_code == 409
    assert await pets() == 0
    assert (await create(client, "Anna")).status_code == 201


async def test_one_that_comes_while_the_first_is_at_work_waits_for_its_answer_or_is_told(client):
    DOOR.go.clear()
    first = asyncio.create_task(create(client, "Anna"))
    await DOOR.entered.wait()
    told = await create(client, "Anna")  # longer than lock_timeout
    assert (told.status_code, told.json()["type"]) == (409, "urn:gatehouse:problem:repeat-in-progress")
    DOOR.go.set()
    assert (await create(client, "Anna")).content == (await first).content
    assert await pets() == 1


async def test_many_at_once_make_one(client):
    answers = await asyncio.gather(*(create(client, "Anna") for _ in range(8)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert await pets() == 1


async def test_keys_are_forgotten_after_a_day(client):
    await create(client, "Anna")
    await create(client, "Ben", "other")
    await DB.execute("update idempotency_key set created_at = now() - interval '24 hours 1 second'")
    assert "Idempotency-Replayed" not in (await create(client, "Anna")).headers
    assert await pets() == 3
    assert await DB.fetchval("select count(*) from idempotency_key") == 2, "only the key that came again was looked at"
    _, forget = jobs(DB)["forget_answers"]
    now = datetime.now(UTC)
    await forget(JobRun(name="", key="", arguments={}, due_at=now, now=now, failures=0, service=cast(Any, None)))
    assert await DB.fetchval("select count(*) from idempotency_key") == 1
    await forget(JobRun(name="", key="", arguments={}, due_at=now, now=now + KEPT, failures=0, service=cast(Any, None)))
    assert await DB.fetchval("select count(*) from idempotency_key") == 0


@pytest.mark.parametrize("key", ["", "a" * 256, "tab\there", "caf\u00e9"])
async def test_a_key_that_isnt_printable_ascii_is_refused(client, key):
    headers = {"Idempotency-Key": key.encode("latin-1")}
    answer = await client.post("/pets", json={"name": "Anna"}, headers=headers)
    assert answer.status_code == 400
    assert await pets() == 0
