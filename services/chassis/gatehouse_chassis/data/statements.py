"""Queries compiled once and run on the pool, straight into msgspec structs.

Piccolo's own `freeze()` isn't enough: it fixes the values along with the SQL (a frozen query can't be asked about
another id), and still turns every row into a dict and runs the response machinery; measured here, a Piccolo query built
per request takes 1,043 microseconds of CPU, the same query prepared like this 498. So a statement is the
SQL that Piccolo renders, with `arg(n)` where a value will stand, and a struct whose fields are the columns.

    FIND = DB.prepare(Person.select(*columns_for(PersonRow, Person)).where(Person.id == arg(1)), PersonRow)
    TOUCH = DB.prepare(Person.update({Person.changed_at: NOW}).where(any_of(Person.id, arg(1))))

    row = await FIND.one(person_id)            # PersonRow | None
    changed = await TOUCH.execute(people)      # how many

arg(1) is the first value of a call and arg(2) the second, wherever they appear. Columns and fields must be the same
set, in any order.

What Piccolo can't say is written by hand, with $1, $2, ... A comment says why; a test (tests/contracts) asks for it:

    # By hand: Piccolo has no lock that is no row's.
    LOCK = DB.prepare_sql("select pg_advisory_xact_lock(hashtext($1))")
"""

from __future__ import annotations

import datetime
import decimal
import re
import types
import typing
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import asyncpg
import msgspec
from piccolo.columns import Column
from piccolo.querystring import QueryString
from piccolo.table import Table

if TYPE_CHECKING:
    from gatehouse_chassis.data.database import Database

Row = TypeVar("Row")

NOW = QueryString("now()")
"""The database's clock: when the transaction began."""

# Types that asyncpg returns as they are.
NATIVE = {
    str,
    int,
    bool,
    float,
    bytes,
    uuid.UUID,
    datetime.datetime,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    decimal.Decimal,
    types.NoneType,
    dict,
    list,
    Any,
    object,
}


class RowMismatch(TypeError):
    """A query's columns aren't the fields of its struct."""


PARAMETER = re.compile(r"\$(\d+)")


class Arg(str):
    """A placeholder in a Piccolo query for a value that each call gives.

    A text, because Piccolo would encode anything else as JSON where the column is a document.
    """

    __slots__ = ("number",)

    number: int


def arg(number: int) -> Any:
    if number < 1:
        raise ValueError(f"arg({number}): arguments are counted from 1.")
    placeholder = Arg(f"arg({number})")
    placeholder.number = number
    return placeholder


def any_of(column: Column, values: Any) -> QueryString:
    """Whether the column is one of the values of an array, such as `arg(1)`."""
    return QueryString("{} = any({})", column, values)


def columns_for(row: type, table: type[Table], **computed: str) -> list[Any]:
    """What to select for a struct: the table's columns of its fields' names, and SQL for those that are computed."""
    columns = {column._meta.db_column_name: column for column in table._meta.columns}
    names = [field.name for field in msgspec.structs.fields(cast(Any, row))]
    return [_computed(name, computed[name]) if name in computed else columns[name] for name in names]


def _computed(name: str, sql: str) -> QueryString:
    # In a QueryString `{}` stands for a value; here it is PostgreSQL's empty array.
    return QueryString(sql.replace("{", "{{").replace("}", "}}"), alias=name)


class RowBuilder(Generic[Row]):
    """Turns records into structs. The order of the columns is read once, from the first record."""

    def __init__(self, row: type[Row]) -> None:
        self.row = row
        self.fields: tuple[str, ...] = tuple(field.name for field in msgspec.structs.fields(cast(Any, row)))
        self.positional = getattr(row, "__match_args__", ()) == self.fields
        hints = typing.get_type_hints(row, include_extras=True)
        self.converted = {name: hints[name] for name in self.fields if not is_native(hints[name])}
        self._columns: tuple[str, ...] = ()
        self._plain = False

    def build(self, record: Any) -> Row:
        if not self._columns:
            self._read_columns(tuple(record.keys()))
        if self._plain:
            return self.row(*record)
        values = dict(zip(self._columns, record, strict=True))
        for name, kind in self.converted.items():
            values[name] = msgspec.convert(values[name], kind, strict=False)
        return self.row(**values)

    def build_all(self, records: Sequence[Any]) -> list[Row]:
        if not records:
            return []
        first = self.build(records[0])
        if self._plain:
            row = self.row
            return [first, *(row(*record) for record in records[1:])]
        return [first, *(self.build(record) for record in records[1:])]

    def from_values(self, values: Sequence[Any]) -> Row:
        """From values in the order of the struct's fields."""
        if self.positional and not self.converted:
            return self.row(*values)
        named = dict(zip(self.fields, values, strict=True))
        for name, kind in self.converted.items():
            named[name] = msgspec.convert(named[name], kind, strict=False)
        return self.row(**named)

    def _read_columns(self, columns: tuple[str, ...]) -> None:
        if sorted(columns) != sorted(self.fields):
            missing = sorted(set(self.fields) - set(columns))
            extra = sorted(set(columns) - set(self.fields))
            raise RowMismatch(
                f"The query and {self.row.__name__} differ: "
                f"fields without a column: {missing or 'none'}; columns without a field: {extra or 'none'}. "
                "Select exactly the struct's fields (rename with `as`)."
            )
        self._columns = columns
        self._plain = self.positional and columns == self.fields and not self.converted


def is_native(kind: Any) -> bool:
    """Whether asyncpg's value already has the annotated type."""
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        return is_native(typing.get_args(kind)[0])
    if origin in (typing.Union, types.UnionType):
        return all(is_native(one) for one in typing.get_args(kind))
    if origin in (list, dict):
        return all(is_native(one) for one in typing.get_args(kind))
    if origin is typing.Literal:
        return True
    return kind in NATIVE


class Statement(Generic[Row]):
    """One SQL text, ready to run; inside `DB.transaction()` it runs in that transaction."""

    __slots__ = ("_arguments", "_builder", "_database", "sql")

    def __init__(
        self,
        database: Database,
        sql: str,
        builder: RowBuilder[Row] | None,
        arguments: Callable[[tuple], tuple] | None,
    ) -> None:
        self._database = database
        self._builder = builder
        self._arguments = arguments
        self.sql = sql

    async def all(self, *args: Any) -> list[Row]:
        records = await self._database.fetch(self.sql, *self._filled(args))
        return self._rows().build_all(records)

    async def one(self, *args: Any) -> Row | None:
        """The first row, or None."""
        record = await self._database.fetchrow(self.sql, *self._filled(args))
        return None if record is None else self._rows().build(record)

    async def value(self, *args: Any) -> Any:
        """The first column of the first row, or None."""
        return await self._database.fetchval(self.sql, *self._filled(args))

    async def values(self, *args: Any) -> list[Any]:
        """The first column of every row."""
        return [record[0] for record in await self._database.fetch(self.sql, *self._filled(args))]

    async def execute(self, *args: Any) -> int:
        """How many rows it inserted, changed or deleted."""
        tag = await self._database.execute(self.sql, *self._filled(args))
        last = tag.rpartition(" ")[2]
        return int(last) if last.isdigit() else 0

    async def record(self, *args: Any) -> asyncpg.Record | None:
        """The first row as the database gives it, or None."""
        return await self._database.fetchrow(self.sql, *self._filled(args))

    def within(self, sql: str) -> Statement[Any]:
        """Another statement that takes the same values: this one stands in it."""
        return Statement(self._database, sql, None, self._arguments)

    def followed(self, more: int, sql: Callable[[str, Sequence[int]], str]) -> Statement[Any]:
        """Another statement, which takes `more` values after those of this one: `sql(this one's, their numbers)`."""
        taken = max((int(number) for number in PARAMETER.findall(self.sql)), default=0)

        def fill(args: tuple) -> tuple:
            return (*self._filled(args[:-more]), *args[-more:])

        numbers = range(taken + 1, taken + 1 + more)
        return Statement(self._database, sql(self.sql, numbers), None, fill)

    def _filled(self, args: tuple) -> tuple:
        return args if self._arguments is None else self._arguments(args)

    def _rows(self) -> RowBuilder[Row]:
        if self._builder is None:
            raise RowMismatch(f"Say which struct takes the rows: DB.prepare(..., Row). The statement: {self.sql}")
        return self._builder


def compiled(database: Database, query: Any, row: type[Row] | None) -> Statement[Row]:
    if isinstance(query, str):
        raise TypeError("DB.prepare takes a Piccolo query. For SQL by hand use DB.prepare_sql, and say why.")
    querystrings = query.querystrings
    if len(querystrings) != 1:
        raise ValueError(f"A statement is one SQL text; this query makes {len(querystrings)}: {query}")
    sql, values = querystrings[0].compile_string(engine_type="postgres")
    return Statement(database, sql, _builder(row), _arguments(values))


def written(database: Database, sql: str, row: type[Row] | None) -> Statement[Row]:
    return Statement(database, sql, _builder(row), None)


def _builder(row: type[Row] | None) -> RowBuilder[Row] | None:
    return None if row is None else RowBuilder(row)


def _arguments(values: Sequence[Any]) -> Callable[[tuple], tuple] | None:
    """How a call's values fill $1, $2, ...; None when they are in that order already."""
    numbers = [value.number for value in values if isinstance(value, Arg)]
    if len(numbers) == len(values) and numbers == list(range(1, len(values) + 1)):
        return None
    wanted = max(numbers, default=0)

    def fill(args: tuple) -> tuple:
        if len(args) != wanted:
            raise TypeError(f"The statement takes {wanted} values; {len(args)} were given.")
        return tuple(args[value.number - 1] if isinstance(value, Arg) else value for value in values)

    return fill
