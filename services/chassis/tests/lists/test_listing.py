"""Lists: every walk through the pages is the sorted list, and every mistake in the query is a 400 that names it."""

import base64
from datetime import UTC
from typing import Any, cast
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar import Litestar, Request, get
from litestar.datastructures import MultiDict
from piccolo import columns
from piccolo.columns import Array, Boolean, Integer, Numeric, Text, Timestamptz
from piccolo.table import Table

from gatehouse_chassis.base.problems import Invalid
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.lists import cursors
from gatehouse_chassis.lists.filters import choices, integer, member, present, uuid
from gatehouse_chassis.lists.listing import Listing, Page, Sort

DB = Database("house")
MANY = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


class Pet(Table, db=DB, tablename="pet", schema="house"):
    id = columns.UUID(primary_key=True)
    name = Text()
    kind = Text()
    age = Integer(null=True)
    weight = Numeric(null=True)
    born_at = Timestamptz(null=True)
    tame = Boolean()
    tags = Array(Text())
    owner_id = columns.UUID(null=True)
    archived_at = Timestamptz(null=True)


class PetRow(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    age: int | None


PETS = Listing(
    Pet,
    PetRow,
    filters={
        "kind": choices(Pet.kind, ["cat", "dog", "cow"]),
        "tag": member(Pet.tags),
        "owner": uuid(Pet.owner_id),
        "age": integer(Pet.age, minimum=0),
        "owned": present(Pet.owner_id),
        "like_tag": member(condition='exists (select from unnest("pet".tags) tag where tag = any({}))'),
    },
    sorts={
        "name": Pet.name,
        "age": Pet.age,
        "weight": Pet.weight,
        "born": Pet.born_at,
        "tame": Pet.tame,
        "length": Sort('length("pet"."name")', int, nullable=False),
    },
    search=[Pet.name, Pet.kind],
    default_sort="name",
)


@pytest.fixture(scope="module", autouse=True)
async def database(postgres):
    url = postgres.create_database()
    connection = await asyncpg.connect(url)
    await connection.execute(
        "create schema house; create table house.pet (id uuid primary key, name text not null, "
        "kind text not null default 'cat', age int, weight numeric, born_at timestamptz, "
        "tame boolean not null default true, tags text[] not null default '{}', owner_id uuid, archived_at timestamptz)"
    )
    await connection.close()
    await DB.open(url, application_name="test")
    yield
    await DB.close()


async def keep(*pets: dict) -> None:
    await DB.execute("truncate pet")
    for number, pet in enumerate(pets, 1):
        row = {"id": UUID(int=number), "name": f"pet {number}", **pet}
        places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
        await DB.execute(f"insert into pet ({', '.join(row)}) values ({places})", *row.values())


async def walked(params: dict, limit: int = 2, **options) -> list[PetRow]:
    found: list[PetRow] = []
    cursor: dict[str, str] = {}
    for _ in range(200):
        page = await PETS.page({**params, "limit": str(limit), **cursor}, **options)
        assert len(page.items) <= limit
        found += page.items
        if page.next is None:
            return found
        cursor = {"cursor": page.next}
    raise AssertionError("the list has no end")


async def names(params: dict, **options) -> list[str]:
    return [row.name for row in await walked(params, 200, **options)]


PET = st.fixed_dictionaries(
    {
        "name": st.text("abÄ% _\\\"'😀", max_size=3),
        "age": st.none() | st.integers(-2, 2),
        "weight": st.none() | st.decimals(-10, 10, places=3),
        "born_at": st.none() | st.datetimes(timezones=st.just(UTC)),
        "tame": st.booleans(),
    }
)


@MANY
@given(
    pets=st.lists(PET, max_size=12),
    sort=st.sampled_from(list(PETS.sorts)),
    descending=st.booleans(),
    limit=st.integers(1, 5),
)
async def test_walking_all_pages_gives_the_sorted_list(pets, sort, descending, limit):
    await keep(*pets)
    direction = "desc" if descending else "asc"
    expression = PETS.sorts[sort].expression
    expected = await DB.fetch(f"select id from pet order by {expression} {direction}, id {direction}")
    rows = await walked({"sort": f"{'-' if descending else ''}{sort}"}, limit)
    assert [row.id for row in rows] == [record["id"] for record in expected]


async def test_rows_that_come_and_go_between_pages_repeat_and_hide_nothing():
    await keep(*({"name": name} for name in "bdfh"))
    first = await PETS.page({"limit": "2"})
    await DB.execute("insert into pet (id, name) values ($1, 'a'), ($2, 'e')", UUID(int=90), UUID(int=91))
    await DB.execute("delete from pet where name = 'd'")
    second = await PETS.page({"limit": "2", "cursor": first.next})
    assert [row.name for row in first.items + second.items] == ["b", "d", "e", "f"]


async def test_a_cursor_tells_nobody_what_a_row_holds_and_stays_the_same_for_the_same_place():
    await keep({"name": "Ava Castellanos"}, {"name": "Zoe"})
    page = await PETS.page({"limit": "1"})
    assert page.next is not None
    assert page.next == (await PETS.page({"limit": "1"})).next
    assert b"Ava" not in base64.urlsafe_b64decode(page.next + "==")
    with pytest.raises(cursors.BadCursor):
        cursors.read(b"another service", page.next, PETS.understand({}).scope, str, UUID)


@MANY
@given(
    st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("="))
)
async def test_nonsense_for_a_cursor_is_a_400(cursor):
    with pytest.raises(Invalid, match="cursor"):
        await PETS.page({"cursor": cursor})


@MANY
@given(data=st.data(), replacement=st.integers(0, 255))
async def test_a_cursor_with_any_byte_changed_is_a_400(data, replacement):
    cursor = cursors.write(DB.shared_secret, PETS.understand({}).scope, "pet 1", UUID(int=1))
    place = data.draw(st.integers(0, len(cursor) - 1))
    tampered = cursor[:place] + chr(replacement) + cursor[place + 1 :]
    if tampered != cursor:
        with pytest.raises(Invalid, match="this isn't a cursor"):
            await PETS.page({"cursor": tampered})


@MANY
@given(
    sort=st.sampled_from(list(PETS.sorts)),
    key=st.none()
    | st.text(max_size=5)
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.datetimes()
    | st.decimals(),
)
async def test_a_cursor_built_by_hand_is_a_page_or_a_400(sort, key):
    scope = PETS.understand({"sort": sort}).scope
    try:
        await PETS.page({"sort": sort, "cursor": cursors.write(DB.shared_secret, scope, key, UUID(int=1))})
    except Invalid as error:
        assert error.errors[0].field == "cursor"


async def test_a_cursor_of_another_sort_or_filter_is_a_400():
    await keep({}, {}, {})
    page = await PETS.page({"limit": "1", "kind": "cat"})
    for params in ({"kind": "dog"}, {"kind": "cat", "sort": "-name"}, {"kind": "cat", "search": "p"}, {}):
        with pytest.raises(Invalid, match="with these filters and this sort"):
            await PETS.page({**params, "cursor": page.next})
    await PETS.page({"limit": "7", "kind": "cat", "cursor": page.next})


async def test_filters_narrow_and_repeated_ones_mean_any_of_them():
    anna = UUID(int=7)
    await keep(
        {"name": "a", "kind": "cat", "tags": ["old", "grey"], "age": 3, "owner_id": anna},
        {"name": "b", "kind": "dog", "tags": ["old"], "tame": False},
        {"name": "c", "kind": "cow"},
    )
    assert await names({"kind": "cat"}) == ["a"]
    assert await names({"kind": ["cat", "cow"]}) == ["a", "c"]
    page = await PETS.page(MultiDict([("kind", "dog"), ("kind", "cow")]))
    assert [row.name for row in page.items] == ["b", "c"]
    assert await names({"tag": "old"}) == ["a", "b"]
    assert await names({"tag": ["grey", "none"]}) == ["a"]
    assert await names({"owner": str(anna)}) == ["a"]
    assert await names({"age": ["3", "4"]}) == ["a"]
    assert await names({"owned": "false", "kind": "cow"}) == ["c"]
    assert await names({"like_tag": "grey"}) == ["a"]


async def test_search_finds_a_part_in_any_case_and_knows_no_wildcards():
    await keep(
        {"name": "100% Anna"}, {"name": "Hannah"}, {"name": "Under_score"}, {"name": "Back\\slash", "kind": "dog"}
    )
    assert await names({"search": "ANNA"}) == ["100% Anna", "Hannah"]
    assert await names({"search": "%"}) == ["100% Anna"]
    assert await names({"search": "_"}) == ["Under_score"]
    assert await names({"search": "\\"}) == ["Back\\slash"]
    assert await names({"search": "dog"}) == ["Back\\slash"]
    assert len(await names({"search": " "})) == 4


async def test_archived_ones_are_shown_only_when_asked_for():
    await keep({"name": "here"}, {"name": "gone"})
    await DB.execute("update pet set archived_at = now() where name = 'gone'")
    assert await names({}) == ["here"]
    assert await names({"archived": "true"}) == ["gone"]


@pytest.mark.parametrize("limit", ["1", "2"])
async def test_all_rows_are_counted_on_every_page_when_asked_for(limit):
    await keep({"name": "a", "age": 1}, {"name": "b", "age": 2}, {"name": "c", "age": 2}, {"name": "d", "kind": "dog"})
    query = {"kind": "cat", "limit": limit}
    assert (await PETS.page(query)).total is msgspec.UNSET
    first = await PETS.page(query | {"total": "true"})
    second = await PETS.page(query | {"total": "true", "cursor": first.next})
    assert (first.total, second.total) == (3, 3)
    assert (await PETS.page(query | {"cursor": first.next})).items == second.items
    assert (await PETS.page({"total": "true"}, where=[('"pet"."age" = {}', 2)])).total == 2
    with pytest.raises(Invalid):
        await PETS.page({"total": "yes"})


async def test_what_the_caller_may_see_narrows_further_by_sql_or_piccolo():
    await keep({"name": "a", "age": 1}, {"name": "b", "age": 2}, {"name": "c", "age": 2})
    assert await names({"kind": "cat"}, where=[('"pet"."age" = {}', 2), "true"]) == ["b", "c"]
    assert await names({"search": "b"}, where=[(Pet.age == 2) | (Pet.name == "a")]) == ["b"]


@pytest.mark.parametrize(
    ("params", "field", "message"),
    [
        ({"limit": "0"}, "limit", "from 1 to 200"),
        ({"limit": "201"}, "limit", "from 1 to 200"),
        ({"limit": "ten"}, "limit", "from 1 to 200"),
        ({"limit": ["1", "2"]}, "limit", "give it once"),
        ({"sort": "colour"}, "sort", "one of name, age"),
        ({"sort": "--name"}, "sort", "one of name, age"),
        ({"sorted": "name"}, "sorted", "did you mean sort?"),
        ({"xyz": "1"}, "xyz", "known are kind, tag"),
        ({"kind": "horse"}, "kind", "takes one of cat, dog, cow"),
        ({"kind": ["cat"] * 51}, "kind", "at most 50 times"),
        ({"owner": "me"}, "owner", "takes an id such as"),
        ({"age": "-1"}, "age", "whole number from 0"),
        ({"age": "99999999999"}, "age", "whole number from 0"),
        ({"owned": "yes"}, "owned", "takes true or false"),
        ({"owned": ["true", "false"]}, "owned", "give it once"),
        ({"tag": "\x00"}, "tag", "a text of 1 to 200"),
        ({"tag": "\ud800"}, "tag", "a text of 1 to 200"),
        ({"search": "a\x00"}, "search", "a text of 1 to 200"),
        ({"search": "a" * 201}, "search", "a text of 1 to 200"),
        ({"archived": "1"}, "archived", "true or false"),
    ],
)
async def test_a_mistake_in_the_query_is_named(params, field, message):
    with pytest.raises(Invalid) as caught:
        await PETS.page(params)
    (error,) = caught.value.errors
    assert error.field == field
    assert message in error.message


async def test_all_mistakes_are_named_at_once():
    with pytest.raises(Invalid) as caught:
        await PETS.page({"limit": "0", "owned": "x", "nmae": "x"})
    assert {error.field for error in caught.value.errors} == {"limit", "owned", "nmae"}


async def test_a_list_may_join_other_tables():
    class Owned(msgspec.Struct):
        id: UUID
        owner: str | None

    owned = Listing(
        Pet,
        Owned,
        columns={"owner": "o.name"},
        joins='left join house.pet o on o.id = "pet".owner_id',
        sorts={"owner": Sort("o.name", str)},
        default_sort="owner",
    )
    await keep({"name": "a"}, {"name": "b", "owner_id": UUID(int=1)})
    first = await owned.page({"limit": "1"})
    second = await owned.page({"limit": "1", "cursor": first.next})
    assert [row.owner for row in first.items + second.items] == ["a", None]


def test_a_struct_with_a_field_that_is_no_column_is_refused_at_once():
    class Wrong(msgspec.Struct):
        id: UUID
        colour: str

    with pytest.raises(ValueError, match=r"Wrong\.colour is no column of pet"):
        Listing(Pet, Wrong, sorts={"name": Pet.name}, default_sort="name")


async def test_the_query_parameters_are_in_the_openapi_document():
    @get("/pets", operation_id="ListPets", operation_class=PETS.operation)
    async def list_pets(request: Request) -> Page[PetRow]:
        return await PETS.page(request.query_params)

    await keep({"name": "a", "kind": "dog"}, {"name": "b"}, {"name": "c", "kind": "cow"})
    transport = httpx.ASGITransport(app=cast(Any, Litestar([list_pets])))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        document = (await client.get("/schema/openapi.json")).json()
        page = (await client.get("/pets?kind=dog&kind=cow&limit=1")).json()
    assert [item["name"] for item in page["items"]] == ["a"]
    assert isinstance(page["next"], str)
    operation = document["paths"]["/pets"]["get"]
    parameters = {parameter["name"]: parameter for parameter in operation["parameters"]}
    assert list(parameters) == PETS.names()
    assert parameters["kind"]["schema"]["items"]["enum"] == ["cat", "dog", "cow"]
    assert parameters["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    assert "-born" in parameters["sort"]["schema"]["enum"]
    assert all(parameter["in"] == "query" for parameter in operation["parameters"])
    (name,) = (key for key in document["components"]["schemas"] if key.startswith("Page"))
    assert list(document["components"]["schemas"][name]["properties"]) == ["items", "next", "total"]
