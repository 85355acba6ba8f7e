"""Ordinary reads and writes are queries of Piccolo. SQL is written by hand where Piccolo can't say it, and says why."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gatehouse_catalog import find_root

ROOT = find_root(Path(__file__).parent)
# A database, not a statement: `DB`, `self._database`, `database_of(table)`, and `self` inside Database.
DATABASE = re.compile(r"(\bDB|database|database_of\(.*\)|^self)$")
BY_HAND = re.compile(r"\s*# By hand\b[^:]*: \S.{8,}")
# What Piccolo 1.38 has no words for, without foreign keys between the tables.
BEYOND_PICCOLO = re.compile(
    r"\bjoin\b|\bunion\b|\bunnest\(|\bexists \(|\(actor, key\) in|clock_timestamp\(|filter \(where|"
    r"\bgreatest\(|\bat time zone\b|make_interval\(|\bwith \w+ as \(insert"
)


class Written(NamedTuple):
    """A place where SQL is written by hand. `sql` is None where it is put together while running."""

    place: str
    says_why: bool
    sql: str | None


def written_in(file: Path) -> Iterator[Written]:
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    for statement in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)):
        for node in _calls(statement):
            place = f"{file.relative_to(ROOT)}:{node.lineno}" if file.is_relative_to(ROOT) else f"{file}:{node.lineno}"
            yield Written(place, _says_why(lines, statement.lineno), _sql(file, node))


def _calls(statement: ast.stmt) -> Iterator[ast.Call]:
    """Of the statement itself, not of those inside it: a comment stands right above what it is about."""
    own = [part for part in ast.iter_child_nodes(statement) if isinstance(part, ast.expr | ast.withitem)]
    for node in (node for part in own for node in ast.walk(part)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            if node.func.attr != "prepare_sql" and node.func.attr not in RUNS:
                continue
            owner = ast.unparse(node.func.value)
            if not DATABASE.search(owner):
                continue
            if node.func.attr == "prepare_sql" or (node.func.attr in RUNS and _is_text(node.args[0], owner)):
                yield node


RUNS = {"fetch", "fetchrow", "fetchval", "execute", "fetch_aside"}


def _is_text(argument: ast.expr, owner: str) -> bool:
    """A text, or a variable that holds one; a compiled statement's `sql` was asked when it was prepared."""
    if owner == "self":
        return isinstance(argument, ast.Constant | ast.JoinedStr)
    return isinstance(argument, ast.Constant | ast.JoinedStr | ast.Name)


def _says_why(lines: list[str], number: int) -> bool:
    """In the comment above the statement, whose first line has this number."""
    above = number - 2
    while above >= 0 and lines[above].lstrip().startswith("#"):
        if BY_HAND.match(lines[above]):
            return True
        above -= 1
    return False


def _sql(file: Path, node: ast.Call) -> str | None:
    folder = next((parent for parent in file.parents if parent.name.startswith("gatehouse_")), None)
    if folder is None:
        return None
    module = ".".join((folder.name, *file.relative_to(folder).with_suffix("").parts))
    names: dict[str, Any] = vars(importlib.import_module(module))
    try:
        return eval(ast.unparse(node.args[0]), names)
    except NameError:
        return None


FILES = sorted(ROOT.glob("services/*/gatehouse_*/**/*.py"))


@pytest.fixture(scope="module")
def written() -> list[Written]:
    return [one for file in FILES for one in written_in(file)]


def test_sql_by_hand_says_why(written: list[Written]) -> None:
    assert [one.place for one in written if not one.says_why] == []
    assert len(written) >= 10


def test_no_service_writes_by_hand_what_piccolo_can_say(written: list[Written]) -> None:
    plain = [
        f"{one.place}: {one.sql}"
        for one in written
        if one.sql and "/gatehouse_chassis/" not in one.place and not BEYOND_PICCOLO.search(one.sql.lower())
    ]
    assert plain == []


@pytest.mark.parametrize(
    ("code", "says_why"),
    [
        ('A = DB.prepare_sql("select 1 from a join b on b.id = a.id")', False),
        ('# By hand: a join that Piccolo does not know.\nA = DB.prepare_sql("select 1")', True),
        ('# By hand: why.\nA = DB.prepare_sql("select 1")', False),
        ('async def f():\n    return await DB.fetch(f"select {1}")', False),
        ("async def f(sql):\n    # By hand, as above: pairs of columns.\n    await self._database.fetch(sql)", True),
        (
            "async def f(sql):\n    for a in await DB.fetch(sql):\n        # By hand: not this one's.\n        pass",
            False,
        ),
    ],
)
def test_the_reason_is_looked_for_above_the_statement(tmp_path: Path, code: str, says_why: bool) -> None:
    file = tmp_path / "queries.py"
    file.write_text(code, encoding="utf-8")
    (one,) = written_in(file)
    assert one.says_why is says_why
