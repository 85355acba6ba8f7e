"""The cost of every pattern that judges what a caller sends: linear in the length of the value, whatever the value is.

Fields are checked on the event loop, before any rule is asked who sent them. A pattern whose cost grows with the square
of the length lets one member stop a service for everybody.
"""

import importlib
import re
import string
import time
import typing
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import hypothesis
import msgspec
import pytest
import yaml
from hypothesis import strategies as st
from litestar import Litestar

from gatehouse_catalog import find_root, load_catalog
from gatehouse_chassis import ServiceContext
from gatehouse_chassis.base.fields import URL
from gatehouse_chassis.http.openapi import described

# What a pattern consists of; Python has no public way to ask.
_parser: Any = importlib.import_module("re._parser")
_constants: Any = importlib.import_module("re._constants")

ROOT = find_root(Path(__file__))
LOCAL = {"GATEHOUSE_ENVIRONMENT": "local"}
# What a value may end with so that it doesn't match after all.
SPOILERS = (" ", "\x00", "\n", "@", "")
PREFERRED = ("a", "A", "0", "/", "-", ".")
PRINTABLE = "a1.-/:@# _+~" + string.printable
SHORTEST, TINY, LONGEST = 8, 32, 65_536
MEASURABLE = 100e-6  # seconds; below, the clock and other programs are louder than the pattern
JUDGEMENTS = 8
MOST = 2.5  # times as long at twice the length; linear is 2, quadratic 4


def application(name: str) -> Litestar:
    service = ServiceContext.load(ROOT / "services" / name, LOCAL)
    return importlib.import_module(f"{service.entry.package}.app").create(service)


def patterns() -> dict[str, str]:
    """Every pattern by where it was found: OpenAPI documents (bodies, parameters) and structs (files, answers)."""
    found: dict[str, str] = {}
    for service in load_catalog(ROOT):
        for pattern in in_document(described(application(service.name))):
            found.setdefault(pattern, service.name)
    for struct in structs(msgspec.Struct):
        try:
            hints = typing.get_type_hints(struct, include_extras=True)
        except NameError:  # of a struct inside the process; its types are imported for type checkers only
            continue
        for pattern in in_types(hints.values()):
            found.setdefault(pattern, struct.__name__)
    return {f"{where}: {pattern}": pattern for pattern, where in found.items()}


def in_document(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        pattern = node.get("pattern")
        if isinstance(pattern, str):
            yield pattern
        for value in node.values():
            yield from in_document(value)
    elif isinstance(node, list):
        for value in node:
            yield from in_document(value)


def structs(kind: type) -> Iterator[type]:
    for child in kind.__subclasses__():
        if child.__module__.startswith("gatehouse_"):
            yield child
        yield from structs(child)


def in_types(hints: Iterable[Any]) -> Iterator[str]:
    for hint in hints:
        yield from (meta.pattern for meta in getattr(hint, "__metadata__", ()) if getattr(meta, "pattern", None))
        yield from in_types(typing.get_args(hint))


def near_misses(pattern: str) -> Iterator[Callable[[int], str]]:
    """Values that nearly match: each repeat of the pattern stretched to `n` characters, then a spoiler."""
    for head, unit in stretches(_parser.parse(pattern), ""):
        for spoiler in SPOILERS:
            yield lambda n, head=head, unit=unit, spoiler=spoiler: head + unit * (n // len(unit)) + spoiler


def stretches(nodes: Iterable[Any], head: str) -> Iterator[tuple[str, str]]:
    """(what comes before, what is repeated) for every repeat and every kind of character that it takes."""
    for name, value in nodes:
        if name in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            least, _, body = value
            yield from stretches(body, head)
            for unit in {sample(body, preferred) for preferred in PREFERRED}:
                if unit:
                    yield head, unit
            head += sample(body, "") * max(least, 1)
        elif name is _constants.SUBPATTERN:
            yield from stretches(value[-1], head)
            head += sample(value[-1], "")
        elif name is _constants.BRANCH:
            for branch in value[1]:
                yield from stretches(branch, head)
            head += sample(value[1][0], "")
        else:
            head += sample([(name, value)], "")


def sample(nodes: Iterable[Any], preferred: str) -> str:
    """A short text that the nodes match, of the preferred characters where they may be used."""
    text = ""
    for name, value in nodes:
        if name is _constants.LITERAL:
            text += chr(value)
        elif name in (_constants.IN, _constants.NOT_LITERAL, _constants.ANY):
            text += next(letter for letter in preferred + PRINTABLE if takes(name, value, letter))
        elif name in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            text += sample(value[2], preferred) * max(value[0], 1)
        elif name is _constants.SUBPATTERN:
            text += sample(value[-1], preferred)
        elif name is _constants.BRANCH:
            text += sample(value[1][0], preferred)
    return text


def takes(name: Any, value: Any, letter: str) -> bool:
    if name is _constants.ANY:
        return True
    if name is _constants.NOT_LITERAL:
        return ord(letter) != value
    listed = any(_is_listed(item, letter) for item in value)
    return listed != (value[0][0] is _constants.NEGATE)


def _is_listed(item: Any, letter: str) -> bool:
    name, value = item
    if name is _constants.LITERAL:
        return ord(letter) == value
    if name is _constants.RANGE:
        return value[0] <= ord(letter) <= value[1]
    if name is _constants.CATEGORY:
        category = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}[str(value).rpartition("_")[2]]
        return bool(re.match(category, letter)) != ("NOT" in str(value))
    return False


def is_worse_than_linear(seconds_at: Callable[[int], float]) -> bool:
    length, seconds = SHORTEST, seconds_at(SHORTEST)
    while seconds < MEASURABLE and length < LONGEST:
        length *= 2
        seconds = seconds_at(length)
    if seconds < MEASURABLE:
        return False
    if length <= TINY:  # twice as long could take for ever
        return True
    # Whatever else runs on this machine makes one measurement longer, never shorter: only a lasting ratio counts.
    return all(min(seconds_at(2 * length) for _ in range(3)) > MOST * seconds_at(length) for _ in range(3))


def seconds_of(match: Callable[[str], Any], text: str) -> float:
    def once() -> float:
        started = time.process_time()
        match(text)
        return time.process_time() - started

    return min(once() for _ in range(3))


def worst(pattern: str) -> str | None:
    """A value, shortened, at which the pattern's cost grows faster than its length; None when there is none."""
    match = re.compile(pattern).search
    for miss in near_misses(pattern):
        # A machine that stalls makes a pattern look costly once, but not every time.
        if all(is_worse_than_linear(lambda n, miss=miss: seconds_of(match, miss(n))) for _ in range(JUDGEMENTS)):
            return miss(10)
    return None


def test_no_pattern_of_any_struct_costs_more_than_its_length() -> None:
    found = patterns()
    assert URL in found.values()
    costly = {where: value for where, pattern in found.items() if (value := worst(pattern))}
    assert costly == {}


@pytest.mark.parametrize(
    "pattern",
    [
        # The pattern of a URL until somebody measured it: 76 ms for 2,083 characters, on the event loop.
        r"^[hH]..[sS]?://[^\s/?#\x00]+[^\s\x00]*(?![\s\S])",
        r"^(?:[a-z]+)+(?![\s\S])",
        r"^[a-z]*[a-z0-9]*!(?![\s\S])",
    ],
)
def test_a_costly_pattern_is_found(pattern: str) -> None:
    assert worst(pattern) is not None


async def test_no_type_of_the_database_costs_more_than_its_length(postgres: Any) -> None:
    connection = await asyncpg.connect(postgres.create_database())
    judged = []
    for file in sorted((ROOT / "db-manager" / "types").glob("*.yaml")):
        for check in (yaml.safe_load(file.read_text(encoding="utf-8")).get("checks") or {}).values():
            if "~" not in check:
                continue
            condition = check.replace("{column}", "v").replace("v_currency", "v")
            sql = (
                "select extract(epoch from (b - a)) from (select clock_timestamp() as a, "
                f"({condition}) as c, clock_timestamp() as b from (select $1::text as v offset 0) as t offset 0) as u"
            )
            for text in ("a", "http://a", "a@a", "a.", "+1", "A"):

                async def seconds(n: int, sql: str = sql, text: str = text) -> float:
                    value = text + text[-1] * n + " "
                    return min([float(await connection.fetchval(sql, value)) for _ in range(3)])

                one, two = await seconds(8_000), await seconds(16_000)
                judged.append(file.stem)
                assert two < MOST * one or two < 10 * MEASURABLE, (file.stem, text, one, two)
    await connection.close()
    assert {"url", "email", "phone"} <= set(judged)


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.too_slow])
@hypothesis.given(st.from_regex(URL))
def test_every_url_that_a_field_accepts_can_be_read(url: str) -> None:
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port is None or parts.port < 65_536
