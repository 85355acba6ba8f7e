"""Checks rows of reference and test data against their table, without a database.

PostgreSQL evaluates CHECK constraints when the rows are loaded.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gatehouse_db_manager.config.model import Column, Table
from gatehouse_db_manager.config.relative_times import is_relative
from gatehouse_db_manager.config.values import why_unfit
from gatehouse_db_manager.errors import Problem, nearest


def row_problems(file: str, table: Table, rows: list[Any]) -> Iterator[Problem]:
    """Problems of rows; the same problem in many rows is reported once. Rows are numbered from 0."""
    found: dict[tuple[str, str, str], tuple[int, Any]] = {}
    others: Counter[tuple[str, str, str]] = Counter()
    columns = {column.name: column for column in table.columns}
    needed = [name for name, column in columns.items() if _is_needed(column) or name in table.primary_key]
    for number, row in enumerate(rows):
        for name, value, message, fix in _row_problems(columns, needed, row):
            if found.setdefault((name, message, fix), (number, value))[0] != number:
                others[name, message, fix] += 1
    for (name, message, fix), (number, value) in found.items():
        more = others[name, message, fix]
        also = f" Same in {more} more row{'s' if more > 1 else ''}." if more else ""
        where = f"row {number}: {name}" if name else f"row {number}"
        yield Problem(file=file, key=where, value=value, message=message + also, fix=fix)
    yield from _repeated_keys(file, table, rows)


def _row_problems(
    columns: Mapping[str, Column], needed: Sequence[str], row: Any
) -> Iterator[tuple[str, str, str, str]]:
    """Column, value, what is wrong and how to fix it."""
    if not isinstance(row, dict):
        yield "", "", "is not an object.", "Write {column: value}."
        return
    for name in needed:
        if name not in row:
            yield name, "", "is missing.", "Add it."
    for name, value in row.items():
        if why := _why_unfit(columns, name, value):
            yield name, str(value)[:60], *why


def _repeated_keys(file: str, table: Table, rows: list[Any]) -> Iterator[Problem]:
    keys: dict[tuple[str, ...], int] = {}
    primary_key = table.primary_key
    for number, row in enumerate(rows):
        if isinstance(row, dict) and primary_key and all(name in row for name in primary_key):
            key = tuple(str(row[name]) for name in primary_key)
            if (first := keys.setdefault(key, number)) != number:
                where = f"row {number}: {', '.join(primary_key)}"
                message = f"has the primary key of row {first}."
                yield Problem(file=file, key=where, value=", ".join(key), message=message, fix="Give it its own.")


def _is_needed(column: Column) -> bool:
    return column.required and column.default is None and column.generated is None


def _why_unfit(columns: Mapping[str, Column], name: str, value: Any) -> tuple[str, str] | None:
    column = columns.get(name)
    if column is None:
        return "is not a column.", nearest(name, columns)
    if column.generated is not None:
        return "is generated.", "Leave it out."
    if value is None:
        given = "Give a value, or leave it out if it has a default."
        return ("is required.", given) if column.required else None
    why = None if is_relative(column.base, value) else why_unfit(column.base, value)
    if why:
        return f"{why}.", "Fix it."
    for item in value if isinstance(value, list) else [value]:
        if column.values and item not in column.values:
            return "is not a value of its enumerator.", nearest(str(item), column.values)
    return _why_misshapen(column.shape, value) if column.shape else None


def _why_misshapen(shape: dict[str, Any], value: Any) -> tuple[str, str] | None:
    import jsonschema  # noqa: PLC0415 (takes 60 ms, and few collections need it)

    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(shape).iter_errors(value))
    if error is None:
        return None
    where = ".".join(map(str, error.absolute_path))
    return f"doesn't follow its JSON Schema: {where + ': ' if where else ''}{error.message}.", "Fix it."
