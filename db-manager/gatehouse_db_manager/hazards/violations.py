"""Queries that look for rows which violate a rule: how many there are, at most MOST, and one of them.

Pure text: definitions are those of the configuration, checked or in PostgreSQL's own words. What can't be told apart
here gives no query; the database then decides when the rule is added.
"""

import re
from collections.abc import Callable, Iterable

MOST = 1000
# Ends of an index key that say nothing about its value.
_ORDER = re.compile(r"(?:\s+(?:asc|desc|nulls\s+(?:first|last)|\w+_ops))+\s*\Z", re.IGNORECASE)
_TARGET = re.compile(r"\breferences\s+([\w.]+)\s*(?:\(([^)]*)\))?", re.IGNORECASE)
# Of a query that this module makes; it is given less time than a plain count.
MARK = " as violating"


def named_by(key: Iterable[str]) -> str:
    """How a row is named in a refusal: by its primary key, as all of it may be long, or not for every eye."""
    return " || ', ' || ".join(f"'{name} = ' || t.{name}::text" for name in key) or "t::text"


def of_check(definition: str, source: str, shown: str, rename: Callable[[str], str]) -> str:
    return _rows(source, shown, f"({rename(_inside(definition))}) is false")


def of_unique(definition: str, source: str, rename: Callable[[str], str]) -> str:
    """Of a unique constraint, or of a unique index (`using btree (...) where ...`)."""
    keys = [rename(_ORDER.sub("", key)) for key in _split(_inside(definition))]
    after = definition[definition.index(_inside(definition)) + len(_inside(definition)) + 1 :]
    where = re.search(r"\bwhere\s+(.*)\Z", after, re.IGNORECASE | re.DOTALL)
    conditions = [f"({rename(where[1])})"] if where else []
    if "nulls not distinct" not in definition.lower():
        conditions += [f"({key}) is not null" for key in keys]
    listed = ", ".join(keys)
    values = ", ', ', ".join(f"({key})::text" for key in keys)
    return (
        f"select coalesce(sum(n), 0)::bigint, min(example) from (select count(*) as n, "  # noqa: S608 (see above)
        f"concat({values}) as example from {source} where {' and '.join(conditions) or 'true'} "
        f"group by {listed} having count(*) > 1 limit {MOST}){MARK}"
    )


def target_of(definition: str) -> tuple[str, list[str]]:
    """The table that a foreign key refers to, in full, and its columns; none: its primary key."""
    found = _TARGET.search(definition)
    return (found[1], _split(found[2] or "")) if found else ("", [])


def of_foreign_key(columns: Iterable[str], source: str, shown: str, target: str, keys: Iterable[str]) -> str:
    pairs = list(zip(columns, keys, strict=True))
    given = " and ".join(f"t.{column} is not null" for column, _ in pairs)
    same = " and ".join(f"r.{key} = t.{column}" for column, key in pairs)
    return _rows(source, shown, f"{given} and not exists (select from {target} r where {same})")


def of_missing_values(column: str, source: str, shown: str, values: Iterable[str]) -> str:
    """Values that a table which is yet to be filled will not have."""
    known = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return _rows(
        source, shown, f"t.{column} is not null" + (f" and t.{column}::text not in ({known})" if known else "")
    )


def of_exclusion(definition: str, source: str, shown: str, rename: Callable[[str], str]) -> str:
    inner = _inside(definition)
    parts = [re.split(r"\s+with\s+", one, flags=re.IGNORECASE) for one in _split(inner)]
    after = definition[definition.index(inner) + len(inner) + 1 :]
    where = re.search(r"\bwhere\s*(\(.*\))", after, re.IGNORECASE | re.DOTALL)
    elements = ", ".join(f"{rename(_ORDER.sub('', part[0]))} as e{number}" for number, part in enumerate(parts))
    clash = " and ".join(f"a.e{number} {part[1]} b.e{number}" for number, part in enumerate(parts))
    return (
        f"with e as (select row_number() over () as id, {elements}, {shown} as example from {source} "  # noqa: S608
        f"where {rename(where[1]) if where else 'true'}) select count(*), min(example) from (select example from e a "
        f"where exists (select from e b where b.id <> a.id and {clash}) limit {MOST}){MARK}"
    )


def _rows(source: str, shown: str, condition: str) -> str:
    return (
        f"select count(*), min(example) from (select {shown} as example from {source} "  # noqa: S608 (see above)
        f"where {condition} limit {MOST}){MARK}"
    )


def _inside(text: str) -> str:
    """What stands between the first bracket and the one that closes it."""
    start, depth, quoted = text.index("("), 0, False
    for place in range(start, len(text)):
        quoted ^= text[place] == "'"
        depth += 0 if quoted else (text[place] == "(") - (text[place] == ")")
        if depth == 0 and not quoted:
            return text[start + 1 : place]
    return text[start + 1 :]


def _split(text: str) -> list[str]:
    """At commas that are in no brackets and quotes."""
    parts, depth, quoted = [""], 0, False
    for letter in text:
        quoted ^= letter == "'"
        depth += 0 if quoted else (letter == "(") - (letter == ")")
        if letter == "," and not depth and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]
