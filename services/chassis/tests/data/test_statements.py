"""Statements: Piccolo's SQL or one's own, compiled once, into structs."""

import contextlib
import enum
from uuid import UUID

import asyncpg
import msgspec
import pytest
from piccolo import columns
from piccolo.columns import Array, Integer, Text
from piccolo.table import Table

from gatehouse_chassis.data.database import Database
from gatehouse_chassis.data.statements import RowMismatch, any_of, arg, columns_for

DB = Database("house")
ANNA, BEN = UUID(int=1), UUID(int=2)


class Kind(enum.Enum):
    CAT = "cat"
    DOG = "dog"


class Pet(Table, db=DB, tablename="pet", schema="house"):
    id = columns.UUID(primary_key=True)
    name = Text()
    kind = Text()
    age = Integer(null=True)
    tags = Array(Text())


class PetName(msgspec.Struct, frozen=True):
    id: UUID
    name: str


class WholePet(msgspec.Struct, kw_only=True):
    kind: Kind
    id: UUID
    name: str
    age: int | None
    tags: frozenset[str]


@pytest.fixture(scope="module", autouse=True)
async def pets(postgres):
    url = postgres.create_database()
    connection = await asyncpg.connect(url)
    await connection.execute(
        "create schema house; create table house.pet "
        "(id uuid primary key, name text not null, kind text not null, age int, tags text[] not null)"
    )
    await connection.executemany(
        "insert into house.pet values ($1, $2, $3, $4, $5)",
        [(ANNA, "Anna", "cat", 3, ["old", "grey"]), (BEN, "Ben", "dog", None, [])],
    )
    await connection.close()
    await DB.open(url, application_name="test")
    yield
    await DB.close()


async def test_a_piccolo_query_takes_its_values_with_each_call():
    find = DB.prepare(Pet.select(Pet.id, Pet.name).where(Pet.id == arg(1)), PetName)
    assert await find.one(ANNA) == PetName(ANNA, "Anna")
    assert await find.one(BEN) == PetName(BEN, "Ben")
    assert await find.one(UUID(int=9)) is None


async def test_a_struct_says_what_is_selected():
    class Shown(msgspec.Struct, frozen=True):
        tags: list[str]
        name: str
        kinds: list[str]

    columns = columns_for(Shown, Pet, kinds="case when kind = 'cat' then '{cat}'::text[] else '{}' end")
    named = DB.prepare(Pet.select(*columns).where(any_of(Pet.id, arg(1))).order_by(Pet.name), Shown)
    assert await named.all([BEN, ANNA]) == [Shown(["old", "grey"], "Anna", ["cat"]), Shown([], "Ben", [])]
    with pytest.raises(KeyError, match="kinds"):
        columns_for(Shown, Pet)


def test_a_text_is_not_taken_for_a_query():
    with pytest.raises(TypeError, match=r"DB\.prepare_sql, and say why"):
        DB.prepare("select 1")


async def test_constants_and_values_mix_in_any_order():
    query = Pet.select(Pet.id, Pet.name).where((Pet.name == arg(2)) & (Pet.kind == "cat") & (Pet.id == arg(1)))
    find = DB.prepare(query, PetName)
    assert await find.all(ANNA, "Anna") == [PetName(ANNA, "Anna")]
    assert await find.all(BEN, "Ben") == []
    with pytest.raises(TypeError, match="takes 2 values; 1 were given"):
        await find.all(ANNA)


async def test_fields_that_need_it_are_converted_whatever_the_order():
    everything = DB.prepare_sql("select * from pet order by name", WholePet)
    anna, ben = await everything.all()
    assert anna == WholePet(kind=Kind.CAT, id=ANNA, name="Anna", age=3, tags=frozenset({"old", "grey"}))
    assert (ben.kind, ben.age, ben.tags) == (Kind.DOG, None, frozenset())


async def test_a_query_that_doesnt_fill_the_struct_says_what_is_missing():
    wrong = DB.prepare_sql("select id, kind from pet", PetName)
    with pytest.raises(RowMismatch, match=r"fields without a column: \['name'\]; columns without a field: \['kind'\]"):
        await wrong.all()


async def test_single_values_and_counts():
    assert await DB.prepare_sql("select count(*) from pet").value() == 2
    rename = DB.prepare_sql("update pet set name = name where kind = any($1)")
    assert await rename.execute(["cat", "dog"]) == 2
    assert await rename.execute(["cow"]) == 0
    assert await DB.prepare(Pet.select(Pet.name).order_by(Pet.name)).values() == ["Anna", "Ben"]


async def test_rows_are_ready_to_be_sent():
    rows = await DB.prepare_sql("select id, name from pet order by name", PetName).all()
    assert msgspec.json.encode(rows[:1]) == b'[{"id":"00000000-0000-0000-0000-000000000001","name":"Anna"}]'


async def test_a_statement_inside_a_transaction_is_part_of_it():
    add = DB.prepare_sql("insert into pet values ($1, 'Cleo', 'cat', 1, '{}')")
    names = DB.prepare_sql("select id, name from pet where id = $1", PetName)
    with contextlib.suppress(ZeroDivisionError):
        async with DB.transaction():
            await add.execute(UUID(int=3))
            assert await names.one(UUID(int=3)) is not None
            raise ZeroDivisionError
    assert await names.one(UUID(int=3)) is None
