"""Inputs on which taking over once went wrong (inputs/), in both directions: the result equals the other database, or
differs by what import lists, or the plan refuses by name before its first step."""

import re
from pathlib import Path
from typing import Any

import pytest

from gatehouse_db_manager import apply, load

from ..world import Database
from .takeover import change, raised, statements, take_over

INPUTS = Path(__file__).parent / "inputs"
# What is not equal: the words of a refusal, or else the listed object by which the two may differ.
REFUSED = {
    "11 a-b": "on which the materialized view s.counts depends",
    "13 a-b": r'on which the constraint "Part of_shelf_fkey" on s."Part of" depends',
    "18-16 b-a": r"on which the trigger stamp on s.log depends",
    "16 a-b": r"s.mood: is a type that doesn't exist",
}
DIFFERS = {
    "11 b-a": "s.counts",
    "13 b-a": "Part of",
    "16 b-a": "s.mood",
    "17 b-a": "item",
    "18-16 a-b": "log",
    "18-17 a-b": "Item",
    "18-17 b-a": "Item",
}


def pairs() -> list[Any]:
    """Each input in the direction in which it once went wrong, and back where that isn't just equal: the deep tests go
    back from all.
    """
    found = []
    for one in sorted(INPUTS.glob("*/a*.sql")):
        other = one.with_name("b" + one.name[1:])
        if other.exists():
            name = one.parent.name[:2] + one.stem[1:]
            back = f"{name} b-a"
            marks = () if back in REFUSED | DIFFERS else pytest.mark.deep
            found += [
                pytest.param(f"{name} a-b", one, other, id=f"{name} a-b"),
                pytest.param(back, other, one, id=back, marks=marks),
            ]
    return found


@pytest.mark.parametrize(("name", "one", "other"), pairs())
@pytest.mark.sampled(10)
def test_it_becomes_the_other_or_says_what_is_in_the_way(new_database, tmp_path, name, one, other):
    before, after = new_database(), new_database()
    before.run(one.read_text())
    after.run(other.read_text())
    outcome = change(before, after, tmp_path)
    if name in REFUSED:
        assert any(re.search(REFUSED[name], text) for text in outcome.refusals), outcome
        return
    assert outcome.refusals == ()
    if name in DIFFERS:
        # pg_dump's statements, apart at each semicolon; the pieces of a body or of a column list name nothing.
        named = [text for text in outcome.differences if text.startswith(("CREATE", "ALTER"))]
        listed = DIFFERS[name]
        assert any(listed in text for text in outcome.listed), outcome
        assert all(listed in text or "s.f()" in text for text in named), outcome
    else:
        assert outcome.differences == ()


def test_what_loses_data_or_a_rule_asks(new_database, tmp_path):
    one, other = new_database(), new_database()
    one.run((INPUTS / "27-extension-stays/b.sql").read_text())
    other.run((INPUTS / "27-extension-stays/a.sql").read_text())
    asked = change(one, other, tmp_path).asked
    assert any("extension vector" in text for text in asked)
    assert any("column v" in text for text in asked)


def test_a_sequence_by_the_usual_name_that_nothing_owns_is_made_once(new_database, tmp_path):
    """Input 15: only pg_depend tells a serial column."""
    one, other = new_database(), new_database()
    one.run((INPUTS / "15-serial-by-name-only/a.sql").read_text())
    take_over(one, tmp_path)
    apply(other.url, load(tmp_path))
    assert statements(other) == statements(one)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("rows", [1, 3])
def test_a_column_goes_on_counting_as_serial_and_as_identity(new_database, tmp_path, rows):
    """Input 51, with numbers that were given out and deleted: none comes twice."""
    serial = "create schema s; create table s.item (id bigserial primary key, n text)"
    identity = "create schema s; create table s.item (id bigint generated always as identity primary key, n text)"
    for number, (before, after) in enumerate([(serial, identity), (identity, serial)]):
        one, other = new_database(), new_database()
        one.run(f"{before}; insert into s.item (n) select 'x' from generate_series(1, {rows}); delete from s.item")
        other.run(after)
        assert change(one, other, tmp_path / str(number)).differences == ()
        assert one.value("insert into s.item (n) values ('y') returning id") > rows


def test_the_files_of_the_last_table_of_public_can_go(new_database, tmp_path):
    """Input 19: schema.yaml stays legal, and says why the schema may be `public`."""
    database: Database = new_database()
    database.run("create table public.item (id int primary key)")
    take_over(database, tmp_path)
    next(tmp_path.rglob("item.yaml")).unlink()
    raised(tmp_path)
    assert load(tmp_path)["public"].collections == ()
