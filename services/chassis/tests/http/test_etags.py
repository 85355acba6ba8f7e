"""Versions over HTTP and in the database: no change is lost, whoever comes second is told."""

import asyncio
from typing import Any, cast
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar import Litestar, Request, Response, get, patch, post
from msgspec import UNSET, UnsetType
from piccolo import columns
from piccolo.columns import Array, Integer, Text, Timestamptz
from piccolo.table import Table

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.context import RequestContext, current
from gatehouse_chassis.base.problems import Conflict, Invalid, MatchRequired, NotFound, StaleVersion
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.http.error_responses import answer
from gatehouse_chassis.http.etags import IfMatch, created, required_version, versioned

DB = Database("house")
ANNA = Actor(account=UUID(int=100), roles=frozenset({"staff"}))
MANY = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))

TABLE = """
create schema house;
create table house.pet (
    id uuid primary key, name text not null, kind text not null default 'cat', age int, owner_id uuid,
    tags text[] not null default '{}', archived_at timestamptz,
    created_at timestamptz not null default now(), created_by uuid, created_request text,
    changed_at timestamptz not null default now(), changed_by uuid, changed_request text,
    version int not null default 1);
create unique index pet_one_chip on house.pet (age) where kind = 'chipped';
create unique index pet_unsaid on house.pet (age) where kind = 'unsaid'
"""


class Pet(Table, db=DB, tablename="pet", schema="house"):
    id = columns.UUID(primary_key=True)
    name = Text()
    kind = Text()
    age = Integer(null=True)
    owner_id = columns.UUID(null=True)
    tags = Array(Text())
    archived_at = Timestamptz(null=True)
    created_by = columns.UUID(null=True)
    created_request = Text(null=True)
    changed_at = Timestamptz()
    changed_by = columns.UUID(null=True)
    changed_request = Text(null=True)
    version = Integer()


class PetRow(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    name: str
    kind: str
    age: int | None
    tags: list[str]
    created_by: UUID | None
    created_request: str | None
    changed_by: UUID | None
    changed_request: str | None


class PetChange(msgspec.Struct, forbid_unknown_fields=True):
    name: str | UnsetType = UNSET
    age: int | UnsetType | None = UNSET
    tags: frozenset[str] | UnsetType = UNSET


PET = Repository(Pet, PetRow, unique={"one_chip": {"age": "another pet has this chip"}})


@pytest.fixture(scope="module", autouse=True)
async def database(postgres):
    url = postgres.create_database()
    connection = await asyncpg.connect(url)
    await connection.execute(TABLE)
    await connection.close()
    await DB.open(url, application_name="test", max_size=4)
    yield
    await DB.close()


async def test_inserting_takes_defaults_and_says_who_did_it_in_which_request():
    token = current.set(RequestContext(request_id="request-1"))
    try:
        row = await PET.insert(PetChange(name="Anna", tags=frozenset({"old"})), by=ANNA)
    finally:
        current.reset(token)
    assert (row.version, row.kind, row.age, row.tags) == (1, "cat", None, ["old"])
    assert (row.created_by, row.created_request) == (ANNA.account, "request-1")
    assert (row.changed_by, row.changed_request) == (ANNA.account, "request-1")
    assert row.id.version == 7
    assert await PET.get(row.id) == row


async def test_changing_touches_only_what_is_given_and_raises_the_version():
    row = await PET.insert({"name": "Anna", "age": 3}, by=None)
    changed = await PET.change(row.id, 1, PetChange(age=None), by=ANNA)
    assert (changed.name, changed.age, changed.version) == ("Anna", None, 2)
    assert (changed.created_by, changed.changed_by) == (None, ANNA.account)


async def test_changing_nothing_leaves_the_version_and_still_checks_it():
    row = await PET.insert({"name": "Anna"}, by=ANNA)
    assert await PET.change(row.id, 1, PetChange(), by=ANNA) == row
    with pytest.raises(StaleVersion):
        await PET.change(row.id, 2, PetChange(), by=ANNA)


async def test_a_read_for_a_change_refuses_another_version():
    row = await PET.insert({"name": "Anna"}, by=ANNA)
    assert await PET.get(row.id, lock=True, version=1) == row
    with pytest.raises(StaleVersion, match="version 1 by now"):
        await PET.get(row.id, lock=True, version=2)


async def test_a_taken_value_is_a_conflict_in_the_words_of_its_rule():
    first = await PET.insert({"name": "Anna", "kind": "chipped", "age": 7}, by=ANNA)
    with pytest.raises(Conflict, match="age: another pet has this chip") as inserted:
        await PET.insert({"name": "Ben", "kind": "chipped", "age": 7}, by=ANNA)
    assert [error.field for error in inserted.value.errors] == ["age"]
    other = await PET.insert({"name": "Cleo", "kind": "chipped", "age": 8}, by=ANNA)
    with pytest.raises(Conflict, match="another pet"):
        await PET.change(other.id, 1, {"age": first.age}, by=ANNA)
    await PET.insert({"name": "Dora", "kind": "unsaid", "age": 7}, by=ANNA)
    with pytest.raises(asyncpg.UniqueViolationError):  # answered by its name, in error_responses
        await PET.insert({"name": "Ella", "kind": "unsaid", "age": 7}, by=ANNA)


async def test_a_stale_version_and_a_missing_row_are_told_apart():
    row = await PET.insert({"name": "Anna"}, by=ANNA)
    await PET.change(row.id, 1, {"name": "Ben"}, by=ANNA)
    with pytest.raises(StaleVersion, match="version 2 by now"):
        await PET.change(row.id, 1, {"name": "Cleo"}, by=ANNA)
    with pytest.raises(NotFound, match="There is no pet"):
        await PET.change(UUID(int=1), 1, {"name": "Cleo"}, by=ANNA)
    assert (await PET.get(row.id)).name == "Ben"


async def test_what_the_caller_may_not_touch_is_as_if_it_werent_there():
    row = await PET.insert({"name": "Anna", "owner_id": UUID(int=5)}, by=ANNA)
    others = ("owner_id = {}", UUID(int=6))
    for attempt in (
        PET.get(row.id, where=others),
        PET.change(row.id, 1, {"name": "x"}, by=ANNA, where=others),
        PET.change(row.id, 9, {"name": "x"}, by=ANNA, where=others),
        PET.archive(row.id, 1, by=ANNA, where=others),
    ):
        with pytest.raises(NotFound):
            await attempt
    own = ("owner_id = {} and kind = {}", UUID(int=5), "cat")
    assert (await PET.change(row.id, 1, {"name": "x"}, by=ANNA, where=own)).name == "x"


async def test_archiving_happens_once():
    row = await PET.insert({"name": "Anna"}, by=ANNA)
    archived = await PET.archive(row.id, 1, by=ANNA, also={"kind": "gone"})
    assert (archived.version, archived.kind) == (2, "gone")
    assert await DB.fetchval("select archived_at is not null from pet where id = $1", row.id)
    with pytest.raises(Conflict, match="archived already"):
        await PET.archive(row.id, 2, by=ANNA)


async def test_columns_that_the_helper_fills_and_unknown_ones_are_refused():
    for name in ("version", "changed_by", "colour"):
        with pytest.raises(TypeError, match=name):
            await PET.insert({"name": "Anna", name: None}, by=ANNA)


@MANY
@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=24))
async def test_no_interleaving_of_reads_and_changes_loses_one(steps):
    """Three people read and change in any order: what was accepted is all there, in order."""
    row = await PET.insert({"name": ""}, by=ANNA)
    seen = dict.fromkeys(range(3), row)
    accepted = ""
    for person, reads in steps:
        if reads:
            seen[person] = await PET.get(row.id)
            continue
        wanted = seen[person].name + str(person)
        try:
            seen[person] = await PET.change(row.id, seen[person].version, {"name": wanted}, by=ANNA)
        except StaleVersion:
            assert seen[person].name != accepted
        else:
            accepted += str(person)
    final = await PET.get(row.id)
    assert (final.name, final.version) == (accepted, 1 + len(accepted))


@MANY
@given(st.integers(2, 8))
async def test_of_those_that_change_the_same_version_at_once_one_wins(people):
    row = await PET.insert({"name": ""}, by=ANNA)
    attempts = (PET.change(row.id, 1, {"name": str(person)}, by=ANNA) for person in range(people))
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    winners = [outcome for outcome in outcomes if isinstance(outcome, PetRow)]
    assert len(winners) == 1
    assert all(isinstance(outcome, (PetRow, StaleVersion)) for outcome in outcomes)
    assert await PET.get(row.id) == winners[0]


@MANY
@given(st.text(max_size=12) | st.from_regex(r'(W/)?"?[0-9]{0,12}"?', fullmatch=True))
def test_if_match_is_a_version_or_a_clear_refusal(header):
    try:
        assert 0 < required_version(header) < 2**31
    except (MatchRequired, Invalid) as refusal:
        assert "ETag" in refusal.detail


def test_a_tag_that_a_proxy_made_weak_is_understood():
    assert required_version('W/"3"') == required_version(' "3" ') == 3


@get("/pets/{id:uuid}")
async def get_pet(request: Request, id: UUID) -> Response[PetRow]:
    return versioned(await PET.get(id), request)


@post("/pets")
async def create_pet(data: PetChange) -> Response[PetRow]:
    row = await PET.insert(data, by=ANNA)
    return created(row, f"/pets/{row.id}")


@patch("/pets/{id:uuid}")
async def change_pet(id: UUID, data: PetChange, if_match: IfMatch = None) -> Response[PetRow]:
    return versioned(await PET.change(id, required_version(if_match), data, by=ANNA))


@pytest.fixture
async def client():
    app = Litestar([get_pet, create_pet, change_pet], exception_handlers={Exception: answer})
    transport = httpx.ASGITransport(app=cast(Any, app))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_reading_changing_and_reading_again_over_http(client):
    made = await client.post("/pets", json={"name": "Anna"})
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    place = made.headers["Location"]

    assert (await client.get(place)).headers["ETag"] == '"1"'
    unchanged = await client.get(place, headers={"If-None-Match": '"0", W/"1"'})
    assert (unchanged.status_code, unchanged.content, unchanged.headers["ETag"]) == (304, b"", '"1"')

    changed = await client.patch(place, json={"name": "Ben"}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["ETag"], changed.json()["name"]) == (200, '"2"', "Ben")
    assert (await client.get(place, headers={"If-None-Match": '"1"'})).json()["name"] == "Ben"

    assert (await client.patch(place, json={"name": "x"}, headers={"If-Match": '"1"'})).status_code == 412
    assert (await client.patch(place, json={"name": "x"})).status_code == 428
    assert (await client.patch(place, json={"name": "x"}, headers={"If-Match": "*"})).status_code == 400
    assert (await client.patch(place, json={"nmae": "x"}, headers={"If-Match": '"2"'})).status_code == 400
