"""An insert that names the given columns only."""

from uuid import UUID

import asyncpg
import msgspec
import pytest
from piccolo import columns
from piccolo.columns import JSONB, Integer, Text
from piccolo.querystring import QueryString
from piccolo.table import Table

from gatehouse_chassis.data.database import Database
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import arg

DB = Database("shelf")
ONE = UUID(int=1)


class Book(Table, db=DB, tablename="book", schema="shelf"):
    id = columns.UUID(primary_key=True)
    title = Text()
    pages = Integer()
    about = JSONB(null=True)
    dropped = Text()


class BookRow(msgspec.Struct, frozen=True):
    id: UUID
    title: str
    pages: int
    about: dict | None


@pytest.fixture(scope="module", autouse=True)
async def books(postgres):
    url = postgres.create_database()
    connection = await asyncpg.connect(url)
    await connection.execute(
        "create schema shelf; create table shelf.book "
        "(id uuid primary key, title text not null default 'Untitled', pages int not null default 7, about jsonb)"
    )
    await connection.close()
    await DB.open(url, application_name="test")
    yield
    await DB.close()


async def test_what_is_not_given_takes_its_default_and_a_dropped_column_is_not_named():
    add = DB.prepare(
        InsertOf({Book.id: arg(2), Book.about: arg(1)}).returning(Book.id, Book.title, Book.pages, Book.about), BookRow
    )
    assert await add.one({"a": [1]}, ONE) == BookRow(ONE, "Untitled", 7, {"a": [1]})


async def test_a_conflict_is_left_or_changes_the_row():
    values = {Book.id: arg(1), Book.pages: arg(2)}
    leave = DB.prepare(InsertOf(values).on_conflict())
    more = [(Book.pages, QueryString("book.pages + {}", arg(2)))]
    change = DB.prepare(InsertOf(values).on_conflict(Book.id, "DO UPDATE", more).returning(Book.pages))
    two = UUID(int=2)
    assert [await leave.execute(two, 10), await leave.execute(two, 20)] == [1, 0]
    assert await change.value(two, 5) == 15
