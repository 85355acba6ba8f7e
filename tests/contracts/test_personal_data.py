"""A made-up person with a canary in every declared column of every service: all of it is exported; after erasure a dump
of all schemas holds none but what is declared as kept, and everybody else's data is as it was.
"""

import itertools
import json
import os
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from gatehouse_catalog import find_root, load_catalog
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.privacy.declared import DeclaredCollection, PersonalData, declared_in
from gatehouse_chassis.privacy.people import PeopleData
from gatehouse_chassis.testing import account_id, person_id
from gatehouse_local.runner.postgres import binary

SERVICES = [service for service in load_catalog(find_root(Path(__file__))) if service.database]
DECLARED: dict[str, PersonalData] = {
    service.name: declared for service in SERVICES if (declared := declared_in(service.package))
}


# Rows by way of which others are a person's, by the column that refers to them.
PARENTS = {
    "donor_id": ("ledger", "donor"),
    "curriculum_id": ("curriculum", "curriculum"),
    "encounter_id": ("encounter", "encounter"),
}


class Canary(NamedTuple):
    """`text`: how it stands in JSON and in a dump."""

    place: str
    text: str
    is_kept: bool


class Person:
    """Somebody in every collection. `canaries` are told apart from other people's by their numbers."""

    def __init__(self, numbers: "itertools.count[int]") -> None:
        self.id, self.account = uuid4(), uuid4()
        self.rows = {place: uuid4() for place in PARENTS.values()}
        self.canaries: list[Canary] = []
        self.numbers = numbers

    @property
    def ids(self) -> list[UUID]:
        return [self.id, self.account]

    def subject(self, schema: str, collection: str, column: str) -> UUID:
        """What a column that says whose the row is holds."""
        place = (schema, collection) if column == "id" else PARENTS.get(column, ("", ""))
        if place in self.rows:
            return self.rows[place]
        is_person = column in {"person_id", "member_id", "mentor_id", "reader_id"} or collection == "person"
        return self.id if is_person else self.account

    def canary(self, kind: str) -> tuple[Any, str]:
        """A value of its own for a column of PostgreSQL's type `kind`, and its text."""
        number = next(self.numbers)
        word, some_id = f"canary{number:06d}x", str(uuid4())
        known: dict[str, tuple[Any, str]] = {
            "text": (f"{word} {self.id}", word),
            "_text": ([word], word),
            "_uuid": ([some_id], some_id),
            "uuid": (some_id, some_id),
            "jsonb": (json.dumps({word: str(self.id)}), word),
            "bytea": (word.encode(), word.encode().hex()),
            "int4": (70_000_000 + number, str(70_000_000 + number)),
            "date": (f"{1000 + number}-07-07", f"{1000 + number}-07-07"),
            "timestamptz": (f"{1000 + number}-08-08T00:00:00Z", f"{1000 + number}-08-08"),
        }
        return known[kind]


FILLINGS = {
    "_text": [],
    "_uuid": [],
    "jsonb": "{}",
    "int8": 1,
    "timestamptz": "2026-01-01T00:00:00Z",
    "bool": False,
    "interval": "1 day",
    "xid8": "9",
}


def put_in(connection: psycopg.Connection, person: Person, schema: str, collection: DeclaredCollection) -> None:
    """A row of the collection with a canary in each declared column, whose every subject is the person."""
    subjects = {"id" if about.subject == "self" else about.subject.partition(".")[0] for about in collection.about}
    declared = {name: about for about in collection.about for name in about.columns}
    rows = connection.execute(
        "select column_name, udt_name, is_nullable = 'NO' from information_schema.columns "
        "where table_schema = %s and table_name = %s and is_generated = 'NEVER'",
        [schema, collection.name],
    ).fetchall()
    values: dict[str, Any] = {}
    for name, kind, required in rows:
        if name in subjects or (name == "id" and (schema, collection.name) in person.rows):
            values[name] = person.subject(schema, collection.name, name)
        elif name in declared:
            values[name], text = person.canary(kind)
            person.canaries.append(Canary(f"{schema}.{collection.name}.{name}", text, name in declared[name].kept))
        elif required:
            unlike_others = {
                "uuid": uuid4(),
                "int4": 60_000_000 + next(person.numbers),
                "text": f"x{uuid4()}",
                "bytea": uuid4().bytes,
                "date": f"{4000 + next(person.numbers)}-01-01",
            }
            values[name] = unlike_others.get(kind, FILLINGS.get(kind))
    statement = sql.SQL("insert into {} ({}) values ({})").format(
        sql.Identifier(schema, collection.name),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join([sql.Placeholder()] * len(values)),
    )
    connection.execute(statement, list(values.values()))


def dump(url: str) -> str:
    schemas = [f"--schema={declared.schema}" for declared in DECLARED.values()]
    command = [str(binary("pg_dump")), "--data-only", *schemas, url]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ).stdout


@pytest.fixture(scope="module")
def canary_url(postgres: Any, seeded_template: str) -> Generator[str]:
    """Without rules: a canary fits none of them. That what erasure writes fits all is another test's."""
    url = postgres.create_database(seeded_template)
    with psycopg.connect(url) as connection:
        for table, name, is_trigger in connection.execute(
            "select conrelid::regclass::text, conname, contype = 't' from pg_constraint "
            "join pg_namespace n on n.oid = connamespace where contype in ('c', 'f', 't') and nspname = any(%s)",
            [[declared.schema for declared in DECLARED.values()]],
        ).fetchall():
            drop = (
                f'drop trigger "{name}" on {table}' if is_trigger else f'alter table {table} drop constraint "{name}"'
            )
            connection.execute(drop)  # ty: ignore[no-matching-overload]
    yield url
    postgres.drop_database(url)


async def everywhere(postgres: Any, url: str, *people: list[UUID], erase: bool = False) -> str:
    """What every service answers about each of the people, as its own role may ask."""
    answers = []
    for service in SERVICES:
        assert service.database
        declared = DECLARED[service.name]
        database = Database(declared.schema)
        await database.open(postgres.role_url(url, service.database.service_role), application_name="test", max_size=2)
        try:
            data = PeopleData(database, declared)
            answers += [str(await data.erase(ids) if erase else await data.export(ids)) for ids in people]
        finally:
            await database.close()
    return "\n".join(answers)


async def test_all_is_exported_and_nothing_is_left(postgres: Any, canary_url: str) -> None:
    numbers = itertools.count(1)
    somebody, somebody_else = Person(numbers), Person(numbers)
    with psycopg.connect(canary_url) as connection:
        for person in (somebody, somebody_else):
            for declared in DECLARED.values():
                for collection in declared.collections:
                    put_in(connection, person, declared.schema, collection)
    assert len(somebody.canaries) > 150

    exported = await everywhere(postgres, canary_url, somebody.ids)
    assert [canary.place for canary in somebody.canaries if canary.text not in exported] == []
    assert [canary.place for canary in somebody_else.canaries if canary.text in exported] == []

    before = dump(canary_url)
    assert [canary.place for canary in somebody.canaries if canary.text not in before] == []
    await everywhere(postgres, canary_url, somebody.ids, erase=True)
    after = dump(canary_url)
    left = {canary.place for canary in somebody.canaries if canary.text in after}
    assert left <= {canary.place for canary in somebody.canaries if canary.is_kept}
    assert [canary.place for canary in somebody_else.canaries if canary.text not in after] == []


async def test_what_erasure_writes_fits_every_rule(postgres: Any, database_url: str) -> None:
    everybody = range(1, 56)
    with psycopg.connect(database_url) as connection:
        people = connection.execute("select name, email, phone from person.person").fetchall()
    ids = [[UUID(person_id(number)), UUID(account_id(number))] for number in everybody]
    await everywhere(postgres, database_url, *ids, erase=True)
    after = dump(database_url)
    assert [value for row in people for value in row if value and value in after] == []
