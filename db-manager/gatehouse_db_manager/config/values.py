"""Base types: which JSON or YAML value fits a column, and its SQL literal.

Used for defaults and rows of data; CHECK constraints are left to PostgreSQL.
"""

import datetime
import json
import re
import uuid
from typing import Any

# Base type -> PostgreSQL type, spelled as format_type() spells it.
BASE_TYPES = {
    "text": "text",
    "integer": "integer",
    "bigint": "bigint",
    "number": "numeric",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp with time zone",
    "uuid": "uuid",
    "document": "jsonb",
    "text_list": "text[]",
    "uuid_list": "uuid[]",
    "bytes": "bytea",
    "interval": "interval",
    "transaction": "xid8",
}
_BOUNDS = {"integer": 2**31, "bigint": 2**63}
_INTERVAL = re.compile(r"(P[\dTYMWDHS.,]+|-?\d+(:\d+){1,2}|(-?\d+(\.\d+)? ?[a-z]+ ?)+)\Z", re.IGNORECASE)


def why_unfit(base: str, value: Any) -> str | None:
    """Why a value doesn't fit a base type, or None when it does. None (SQL null) always fits."""
    if value is None:
        return None
    if base in {"text_list", "uuid_list"}:
        if not isinstance(value, list):
            return "is not a list"
        return next((why for item in value if (why := _why_item(base[:4], item))), None)
    checks = {
        "text": _why_item,
        "uuid": _why_item,
        "integer": _why_number,
        "bigint": _why_number,
        "number": _why_number,
        "boolean": _why_boolean,
        "date": _why_moment,
        "timestamp": _why_moment,
        "interval": _why_interval,
        "bytes": _why_bytes,
        "transaction": _why_transaction,
        "document": _why_document,
    }
    check = checks.get(base)
    return check(base, value) if check else None


def literal(base: str, value: Any) -> str:
    """A fitting value as SQL."""
    if value is None:
        return "null"
    if base == "boolean":
        return "true" if value else "false"
    if base in {"integer", "bigint", "number"}:
        return str(value)
    if base == "document":
        return quote(json.dumps(value, ensure_ascii=False, separators=(",", ":"))) + "::jsonb"
    if base in {"text_list", "uuid_list"}:
        items = ", ".join(quote(str(item)) for item in value)
        return f"array[{items}]::{BASE_TYPES[base]}" if value else f"'{{}}'::{BASE_TYPES[base]}"
    return quote(str(value)) if base == "text" else f"{quote(str(value))}::{BASE_TYPES[base]}"


def quote(text: str) -> str:
    """Text as an SQL literal (standard_conforming_strings is on since PostgreSQL 9.1)."""
    return "'" + text.replace("'", "''") + "'"


def _why_item(base: str, value: Any) -> str | None:
    if not isinstance(value, str) or "\0" in value:
        return "is not text"
    if base == "uuid":
        try:
            uuid.UUID(value)
        except ValueError:
            return "is not a UUID"
    return None


def _why_number(base: str, value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "is not a number"
    if base == "number":
        return None
    if not isinstance(value, int):
        return "is not a whole number"
    return None if -_BOUNDS[base] <= value < _BOUNDS[base] else f"is too large for {base}"


def _why_transaction(_: str, value: Any) -> str | None:
    fits = isinstance(value, str) and value.isdecimal() and value.isascii() and int(value) < 2**64
    return None if fits else 'is not the id of a transaction in quotes, such as "1234"'


def _why_boolean(_: str, value: Any) -> str | None:
    return None if isinstance(value, bool) else "is not true or false"


def _why_moment(base: str, value: Any) -> str | None:
    if not isinstance(value, str):
        return "is not text in ISO form"
    try:
        if base == "date":
            datetime.date.fromisoformat(value)
        elif datetime.datetime.fromisoformat(value).tzinfo is None:
            return "has no time zone (write 2026-01-31T09:00:00Z)"
    except ValueError:
        return "is not a date such as 2026-01-31" if base == "date" else "is not a time such as 2026-01-31T09:00:00Z"
    return None


def _why_interval(_: str, value: Any) -> str | None:
    fits = isinstance(value, str) and _INTERVAL.match(value)
    return None if fits else 'is not a span of time such as "PT1H30M" or "90 minutes"'


def _why_document(_: str, value: Any) -> str | None:
    return "has a NUL character, which jsonb can't store" if "\\u0000" in json.dumps(value) else None


def _why_bytes(_: str, value: Any) -> str | None:
    fits = isinstance(value, str) and re.match(r"\\x([0-9a-f]{2})*\Z", value, re.IGNORECASE)
    return None if fits else r'is not bytes in hex such as "\\x00ff"'
