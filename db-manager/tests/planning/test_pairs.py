"""The oracle of changes: a database that was changed from A to B dumps as one that was B from
the start, what both can hold is still there, and planning again is empty.

The order of columns is left aside: PostgreSQL adds at the end, and no statement here relies on it.
"""

import itertools
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gatehouse_db_manager import RefusedError, api, apply, plan

from ..shapes import SHAPES, dump, fill, rows, write_shape
from ..world import Checkout, Database


def change(database: Any, after: Any) -> None:
    """From A with its rows to B, with every approval that B's plan asks for."""
    planned = plan(database.url, after)
    apply(database.url, after, approve=planned.fingerprint)
    again = plan(database.url, after)
    assert again.empty, [step.what for step in again.steps]
    assert api.drift(database.url, after) == ()


def pairs():
    """Each shape with the four next to it in a ring, both ways; so all kinds meet all others in the end. Only the deep
    tests try all six; every run tries one, so that each shape is changed from and to.
    """
    names = list(SHAPES)
    chosen = itertools.product(range(len(names)), (1, 2, 4, -1, -2, -4))
    return [
        pytest.param(
            names[place],
            names[(place + step) % len(names)],
            marks=() if step == 1 else pytest.mark.deep,
        )
        for place, step in chosen
    ]


@pytest.fixture(scope="module")
def made(postgres):
    """Each shape made once, with rows: the database to copy; and what it dumps as."""
    known: dict[str, tuple[str, list[str]]] = {}

    def make(name: str) -> tuple[str, list[str]]:
        if name not in known:
            database = Database(postgres.create_database())
            with tempfile.TemporaryDirectory() as folder:
                apply(database.url, write_shape(Checkout(Path(folder)), SHAPES[name], 0))
            text = dump(database.url)
            fill(database)
            known[name] = (database.url, text)
        return known[name]

    yield make
    for url, _ in known.values():
        postgres.drop_database(url)


def still_there(held: dict[str, list[dict[str, Any]]], database: Database, shape: dict[str, Any]) -> None:
    """Every row, and every value whose column still is there, whatever its name and type are now."""
    now = rows(database)
    collections = {"person": shape, **shape.get("others", {})}
    for table, collection in collections.items():
        was = held.get(table) or held.get(collection.get("renamed_from", ""), [])
        assert [row["id"] for row in now[table]] == [row["id"] for row in was]
        for before, after in zip(was, now[table], strict=True):
            for name, column in collection["columns"].items():
                old = name if name in before else column.get("renamed_from", "")
                if old in before and before[old] is not None and "generated" not in column:
                    assert same(before[old], after.get(name, "gone")), (table, name, before[old], after.get(name))


def same(one: Any, other: Any) -> bool:
    """The same value, in JSON, of maybe another type."""
    return one == other or str(one).replace("'", '"') == str(other).replace("'", '"') or str(other).startswith(str(one))


@pytest.mark.parametrize(("one", "other"), pairs())
@pytest.mark.sampled(8)
def test_a_changed_database_equals_one_made_so(checkout, new_database, made, one, other):
    database = new_database(made(one)[0])
    held = rows(database)
    change(database, write_shape(checkout, SHAPES[other], 1))
    assert dump(database.url) == made(other)[1]
    still_there(held, database, SHAPES[other])


# Any two

COLUMNS = {
    "nick": [{"type": "word"}, {"type": "text"}, {"type": "text", "required": True, "default": "x"}],
    "email": [{"type": "email"}, {"type": "email", "unique": True}, {"type": "sentence", "description": "Where"}],
    "visits": [
        {"type": "count", "required": True, "default": 0},
        {"type": "bigint", "default": 0},
        {"type": "number", "default": 1.5},
        {"type": "text", "default": "5"},
    ],
    "low": [
        {"type": "text", "generated": "lower(name)"},
        {"type": "text", "generated": "name || '!'"},
        {"type": "text"},
    ],
    "twice": [{"type": "text", "generated": "name || name"}],
    "born": [{"type": "date"}, {"type": "text"}],
    "seen": [{"type": "timestamp", "default": "now()"}, {"type": "timestamp"}],
    "ticket": [
        {"type": "integer", "identity": "always"},
        {"type": "bigint", "identity": "by default", "unique": True},
        {"type": "integer"},
    ],
    "phrase": [{"type": "text", "collation": "C"}, {"type": "text"}, {"type": "sentence", "collation": "POSIX"}],
    "key": [{"type": "identity"}, {"type": "identity", "required": True}, {"type": "uuid"}],
    "tags": [{"type": "text_list", "required": True, "default": []}, {"type": "text_list"}],
    "details": [{"type": "document", "schema": {"type": "object"}}, {"type": "document"}],
    "fee": [{"type": "money"}, {"type": "money", "description": "To pay"}],
    "made": [{"type": "breadcrumb"}],
    "boss_id": [{"type": "reference", "to": "person"}, {"type": "uuid"}],
    "status": [{"type": "enum", "of": "status", "required": True, "default": "a"}, {"type": "text", "default": "a"}],
    "moods": [{"type": "enum_list", "of": "status"}, {"type": "text_list"}],
}
EXTRAS = {
    "checks": {"short": (["name"], ["char_length(name) < 99", "char_length(name) < 999"])},
    "unique": {
        "pair": (["nick"], [{"columns": ["nick", "name"]}, {"columns": ["name", "nick"]}]),
        "part": (["seen"], [{"columns": ["name"], "where": "seen is null"}]),
        "nulls": (["born"], [{"columns": ["name", "born"], "nulls": "not_distinct"}]),
    },
    "indexes": {
        "by_name": (["name"], [{"columns": ["name desc", "id"]}, {"columns": ["name"], "unique": True}]),
        "by_tags": (["tags"], [{"columns": ["tags"], "method": "gin", "options": {"fastupdate": False}}]),
        "by_phrase": (["phrase"], [{"columns": ["phrase text_pattern_ops"]}, {"columns": ["phrase"]}]),
        "by_lower": (["nick"], [{"expressions": ["lower(nick)"], "where": "nick is not null"}]),
        "by_born": (
            ["born", "key"],
            [{"columns": ["born"], "include": ["key"]}, {"columns": ["key"], "method": "hash"}],
        ),
        "by_low": (["low"], [{"columns": ["low"]}, {"expressions": ["upper(low)"]}]),
    },
    "exclusions": {"apart": (["name"], [{"elements": {"id": "="}, "using": "hash"}])},
}
SCRIPTS = {
    "view": "create view everybody as select id, name, length(name) as size from person;",
    "function": "create function shout(word text) returns text language sql immutable as 'select upper(word)';",
    "trigger": "create function keep() returns trigger language plpgsql as 'begin return new; end';"
    "create trigger keep before update on person for each row execute function keep();",
    "policy": "alter table person enable row level security; create policy mine on person using (name <> '');",
    "rights": "grant select on person to public; create sequence counter;"
    "create statistics related on id, name from person;",
}


# Making a failing pair smaller takes minutes; run with more phases to do so.
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)


@st.composite
def shapes(draw):
    """A database with any of the columns, and the rules that their columns allow."""
    columns = {}
    for name, kinds in COLUMNS.items():
        if draw(st.booleans()):
            columns[name] = draw(st.sampled_from(kinds))
    shape: dict[str, Any] = {"columns": columns, "snapshot": draw(st.sampled_from([1, 2]))}
    for group, rules in EXTRAS.items():
        for name, (needs, kinds) in rules.items():
            if all(need in {"name", *columns} for need in needs) and draw(st.booleans()):
                shape.setdefault(group, {})[name] = draw(st.sampled_from(kinds))
    shape["scripts"] = {name: sql for name, sql in SCRIPTS.items() if draw(st.booleans())}
    if draw(st.booleans()):
        nick = draw(st.sampled_from(COLUMNS["nick"]))
        renamed = draw(st.booleans())
        pet = {"columns": {"owner_id": {"type": "reference", "to": "person"}, "nick": nick}}
        shape["others"] = {"animal" if renamed else "pet": {**pet, "renamed_from": "pet" if renamed else "animal"}}
    if draw(st.booleans()):
        shape["roles"] = {"service": "pairs_service", "reader": "pairs_reader"}
    return shape


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), phases=UNSHRUNK)
@given(one=shapes(), other=shapes(), filled=st.booleans())
def test_any_two_databases_are_a_pair(checkout, new_database, one, other, filled):
    _are_a_pair(checkout, new_database, one, other, filled)


@pytest.mark.deep
@pytest.mark.timeout(900)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), phases=UNSHRUNK)
@given(one=shapes(), other=shapes(), filled=st.booleans())
def test_dozens_of_times_any_two_databases_are_a_pair(checkout, new_database, one, other, filled):
    _are_a_pair(checkout, new_database, one, other, filled)


def _are_a_pair(checkout, new_database, one, other, filled):
    made, database = new_database(), new_database()
    write_shape(checkout, other, 1)
    made.apply(checkout)
    write_shape(checkout, one, 0)
    database.apply(checkout)
    if filled:
        fill(database)
    held = rows(database)
    after = write_shape(checkout, other, 1)
    try:
        change(database, after)
    except RefusedError as error:
        assert filled
        assert all(getattr(problem, "rows", 0) or "doesn't fit" in problem.message for problem in error.problems)
        return
    assert dump(database.url) == dump(made.url)
    still_there(held, database, other)
