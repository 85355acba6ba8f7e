"""The filters that a list may declare: what each takes from the query string, and its SQL condition.

    filters={
        "status": choices(Person.status, PersonStatus),     # ?status=active&status=pending: one of these
        "mentor": uuid(Person.mentor_id),                   # ?mentor=019a...
        "specialty": member(Person.specialties),            # an element of a text[] column; several: any of them
        "reviewed": present(Person.reviewed_at),            # true: has a value; false: has none
        "member": uuid(condition="exists (select from seat s where s.person_id = person.id and s.team_id = any({}))"),
    }

A value that doesn't fit is a 400 naming the parameter. `{}` in a condition is where the value stands (a brace of SQL's
own is written twice).
"""

import enum
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import msgspec
from litestar.openapi.spec import Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from piccolo.columns import Column

MOST_VALUES = 50
LONGEST_TEXT = 200


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """`parse` turns one text into a value or raises ValueError(what it takes); with `repeats` the SQL gets a list."""

    condition: str
    parse: Callable[[str], Any]
    schema: Schema
    repeats: bool = False
    help: str = ""


def reference(column: Column | str) -> str:
    """How SQL names a column; a text is taken as SQL already."""
    if isinstance(column, str):
        return column
    return f'"{column._meta.table._meta.tablename}"."{column._meta.db_column_name}"'


def _condition(column: Column | str | None, condition: str | None, template: str) -> str:
    if condition is not None:
        return condition
    if column is None:
        raise TypeError("A filter needs a column or a condition.")
    return template.format(column=reference(column), value="{}")


def _values(allowed: type[enum.Enum] | Iterable[str]) -> tuple[str, ...]:
    return tuple(str(one.value) if isinstance(one, enum.Enum) else one for one in allowed)


def choices(
    column: Column | str | None = None,
    allowed: type[enum.Enum] | Iterable[str] = (),
    *,
    condition: str | None = None,
    help: str = "",
) -> Filter:
    """One of a list of words; given several times, any of them (`{}` in a condition is a text[])."""
    values = _values(allowed)

    def parse(text: str) -> str:
        if text not in values:
            raise ValueError(f"one of {', '.join(values)}")
        return text

    return Filter(
        condition=_condition(column, condition, "{column} = any({value}::text[])"),
        parse=parse,
        schema=Schema(type=OpenAPIType.STRING, enum=list(values)),
        repeats=True,
        help=help,
    )


def member(
    column: Column | str | None = None,
    allowed: type[enum.Enum] | Iterable[str] | None = None,
    *,
    condition: str | None = None,
    help: str = "",
) -> Filter:
    """An element of a text[] column; given several times, rows with any of them."""
    template = "{column} && {value}::text[]"
    if allowed is not None:
        return choices(None, allowed, condition=_condition(column, condition, template), help=help)
    return Filter(
        condition=_condition(column, condition, template),
        parse=_text,
        schema=Schema(type=OpenAPIType.STRING, max_length=LONGEST_TEXT),
        repeats=True,
        help=help,
    )


def uuid(column: Column | str | None = None, *, condition: str | None = None, help: str = "") -> Filter:
    """An id; given several times, any of them (`{}` in a condition is a uuid[])."""

    def parse(text: str) -> UUID:
        try:
            return UUID(text)
        except ValueError:
            raise ValueError("an id such as 019a0000-0001-7000-8000-000000000001") from None

    return Filter(
        condition=_condition(column, condition, "{column} = any({value}::uuid[])"),
        parse=parse,
        schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.UUID),
        repeats=True,
        help=help,
    )


def present(column: Column | str, *, help: str = "") -> Filter:
    """true: the column has a value; false: it has none."""
    return Filter(
        condition=f"({reference(column)} is not null) = {{}}::boolean",
        parse=_boolean,
        schema=Schema(type=OpenAPIType.BOOLEAN),
        help=help,
    )


def integer(
    column: Column | str | None = None,
    *,
    condition: str | None = None,
    minimum: int = -(2**31),
    maximum: int = 2**31 - 1,
    help: str = "",
) -> Filter:
    """A whole number; given several times, any of them (`{}` in a condition is a bigint[])."""

    def parse(text: str) -> int:
        number = int(text) if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 12 else None
        if number is None or not minimum <= number <= maximum:
            raise ValueError(f"a whole number from {minimum} to {maximum}")
        return number

    return Filter(
        condition=_condition(column, condition, "{column} = any({value}::bigint[])"),
        parse=parse,
        schema=Schema(type=OpenAPIType.INTEGER, minimum=minimum, maximum=maximum),
        repeats=True,
        help=help,
    )


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("true or false")
    return text == "true"


def storable(text: str) -> bool:
    """Whether PostgreSQL's text can hold it: no NUL, nothing that isn't UTF-8."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _text(text: str) -> str:
    if not text or len(text) > LONGEST_TEXT or not storable(text):
        raise ValueError(f"a text of 1 to {LONGEST_TEXT} characters")
    return text
