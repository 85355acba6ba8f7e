"""Lists: keyset pagination with declared filters, sorts and search, and the query parameters that documents.

A `Listing` is declared once beside the table and asked for pages:

    PEOPLE = Listing(
        Person,
        PersonRow,                                            # a struct; its fields are what is selected
        filters={"status": choices(Person.status, PersonStatus), "mentor": uuid(Person.mentor_id)},
        sorts={"name": Person.sort_name, "created": Person.created_at},
        search=[Person.name, Person.email],
        default_sort="name",
    )

    @get("/people", operation_id="ListPeople", operation_class=PEOPLE.operation, guards=[signed_in])
    async def list_people(self, request: Request, actor: Actor) -> Page[PersonRow]:
        where = [] if actor.has("staff") else [("mentor_id = {}", actor.person)]
        return await PEOPLE.page(request.query_params, where=where)

Every list also takes `limit` (default 50, at most 200), `cursor`, `sort` (`name`, `-name`: the exact reverse, so rows
without a value come last ascending and first descending), and, where the table has archived_at, `archived` (default
false; true: only archived ones). Any other parameter is a 400 that names it. No offset is used, and rows are counted
only for `total=true`, so page 1,000 costs as much as page 1, given an index on (sort column, id).
"""
# ruff: noqa: S608 - names of tables and columns come from the code; what callers send goes as parameters

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import asyncpg
import msgspec
from litestar.openapi.spec import Operation
from piccolo.columns import Column
from piccolo.querystring import QueryString
from piccolo.table import Table

from gatehouse_chassis.base.problems import Invalid
from gatehouse_chassis.data.database import database_of
from gatehouse_chassis.data.statements import RowBuilder
from gatehouse_chassis.lists import cursors
from gatehouse_chassis.lists.filters import LONGEST_TEXT, MOST_VALUES, Filter, reference, storable
from gatehouse_chassis.lists.listing_openapi import documented_operation

DEFAULT_LIMIT = 50
MOST = 200

T = TypeVar("T")
Condition = tuple[Any, ...] | Any
"""("mentor_id = {}", value), or a Piccolo condition such as `Person.mentor_id == value`."""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """`next` is the cursor of the following page, or null on the last. `total`: all rows, where it was asked for."""

    items: list[T]
    next: str | None = None
    total: int | msgspec.UnsetType = msgspec.UNSET


class Sort(msgspec.Struct, frozen=True):
    """A sort over SQL that isn't a plain column: `Sort("lower(m.name)", str, nullable=True)`."""

    expression: str
    type: Any
    nullable: bool = True


class ListQuery(msgspec.Struct):
    """A page that was asked for, in PostgreSQL's terms."""

    limit: int
    sort: str
    descending: bool
    conditions: list[str]
    values: list[Any]
    scope: tuple[Any, ...]
    cursor: str | None
    counted: bool = False

    def add(self, condition: str, *values: Any) -> None:
        """`{}` in the condition are filled by $n in turn."""
        numbers = [f"${len(self.values) + position}" for position in range(1, len(values) + 1)]
        self.conditions.append(condition.format(*numbers))
        self.values.extend(values)


class Listing(Generic[T]):
    def __init__(
        self,
        table: type[Table],
        row: type[T],
        *,
        sorts: Mapping[str, Column | Sort],
        default_sort: str,
        filters: Mapping[str, Filter] | None = None,
        search: Sequence[Column | str] = (),
        columns: Mapping[str, str] | None = None,
        joins: str = "",
    ) -> None:
        """`columns`: SQL for those fields of the struct that aren't columns of the table (`{"mentor": "m.name"}`);
        `joins`: SQL after the table's name (`left join person m on m.id = person.mentor_id`); `default_sort` may begin
        with `-`."""
        self.table = table
        self.sorts = {name: _sort(sort) for name, sort in sorts.items()}
        self.default_sort = default_sort
        self.filters = dict(filters or {})
        has_archive = "archived_at" in {column._meta.name for column in table._meta.columns}
        self.archivable = has_archive and "archived" not in self.filters
        self.searched = tuple(reference(column) for column in search)
        self._identity = _sort(table._meta.primary_key)
        self._builder = RowBuilder(row)
        self._selected = ", ".join(self._expressions(columns or {}))
        self._source = f"{table._meta.get_formatted_tablename()} {joins}".rstrip()
        if default_sort.removeprefix("-") not in self.sorts:
            raise ValueError(f"default_sort={default_sort!r} isn't one of the sorts {sorted(self.sorts)}.")
        taken = {"limit", "cursor", "sort", "search"} & self.filters.keys()
        if taken:
            raise ValueError(f"Filters may not be called {sorted(taken)}: every list has these parameters.")
        self.operation: type[Operation] = documented_operation(self)

    def _expressions(self, columns: Mapping[str, str]) -> Iterator[str]:
        table = self.table._meta
        known = {column._meta.db_column_name: reference(column) for column in table.columns}
        for field in self._builder.fields:
            expression = columns.get(field, known.get(field))
            if expression is None:
                raise ValueError(
                    f"{self._builder.row.__name__}.{field} is no column of {table.tablename}; say what it is in "
                    f'columns={{"{field}": "<SQL>"}} (and joins=...), or leave it out of the struct.'
                )
            yield f'{expression} as "{field}"'

    async def page(self, params: Mapping[str, Any], *, where: Iterable[Condition] = ()) -> Page[T]:
        """Raises Invalid (400) naming every parameter that is wrong. `where` is added to what the caller asks for."""
        query = self.understand(params)
        sort = self.sorts[query.sort]
        for condition in where:
            query.add(*_where(condition))
        total: int | msgspec.UnsetType = msgspec.UNSET
        if query.counted:
            total = await self._count(query)
        if query.cursor is not None:
            self._continue(query, sort)
        direction = "desc" if query.descending else "asc"
        sql = f"select {self._selected}, {sort.expression}, {self._identity.expression} from {self._source}"
        if query.conditions:
            sql += f" where {' and '.join(query.conditions)}"
        sql += (
            f" order by {sort.expression} {direction}, {self._identity.expression} {direction} limit {query.limit + 1}"
        )
        try:
            # By hand: Piccolo compares no pairs of columns, which a keyset needs, and its joins want foreign keys.
            records = await database_of(self.table).fetch(sql, *query.values)
        except asyncpg.DataError:
            if query.cursor is None:
                raise
            raise Invalid({"cursor": cursors.MISTAKEN}) from None
        shown = records[: query.limit]
        following = None
        if len(records) > query.limit:
            following = cursors.write(database_of(self.table).shared_secret, query.scope, shown[-1][-2], shown[-1][-1])
        return Page([self._builder.from_values(record[:-2]) for record in shown], following, total)

    async def _count(self, query: ListQuery) -> int:
        """All rows that the query's conditions let through, on whatever page."""
        where = f" where {' and '.join(query.conditions)}" if query.conditions else ""
        # By hand: the same conditions and joins as the page's.
        (record,) = await database_of(self.table).fetch(f"select count(*) from {self._source}{where}", *query.values)
        return record[0]

    def _continue(self, query: ListQuery, sort: Sort) -> None:
        assert query.cursor is not None
        try:
            secret = database_of(self.table).shared_secret
            key, identity = cursors.read(secret, query.cursor, query.scope, sort.type, self._identity.type)
        except cursors.BadCursor as error:
            raise Invalid({"cursor": str(error)}) from None
        column, tie = sort.expression, self._identity.expression
        after = "<" if query.descending else ">"
        if key is not None:
            if not sort.nullable:
                query.add(f"({column}, {tie}) {after} ({{}}, {{}})", key, identity)
            else:
                # Rows without a value sort last ascending, so they follow every key; descending they came first.
                rest = "" if query.descending else f" or {column} is null"
                query.add(f"(({column}, {tie}) {after} ({{}}, {{}}){rest})", key, identity)
        elif query.descending:
            query.add(f"({column} is not null or {tie} < {{}})", identity)
        else:
            query.add(f"({column} is null and {tie} > {{}})", identity)

    def understand(self, params: Mapping[str, Any]) -> ListQuery:
        """Reads query parameters (a mapping of texts or lists of texts, or Litestar's multi-mapping)."""
        given: dict[str, list[str]] = {}
        for name, value in _pairs(params):
            given.setdefault(name, []).append(value)
        errors = {name: self._unknown(name) for name in given if name not in self.names()}
        query = ListQuery(DEFAULT_LIMIT, "", False, [], [], (), None)
        for name in ("limit", "cursor", "sort", "total", "search", *(["archived"] if self.archivable else [])):
            if len(given.get(name, ())) > 1:
                errors[name] = "give it once"
        self._basics(query, {name: values[0] for name, values in given.items()}, errors)
        for name, filter in self.filters.items():
            if name in given:
                self._filter(query, name, filter, given[name], errors)
        if errors:
            raise Invalid(errors)
        query.scope = (
            self.table._meta.get_formatted_tablename(),
            query.sort,
            query.descending,
            # Repeated values in any order are the same filter.
            sorted(
                (name, sorted(set(values)))
                for name, values in given.items()
                if name not in ("limit", "cursor", "sort", "total")
            ),
        )
        return query

    def names(self) -> list[str]:
        """All query parameters of this list."""
        own = [*self.filters, *(["search"] if self.searched else []), *(["archived"] if self.archivable else [])]
        return [*own, "sort", "limit", "cursor", "total"]

    def _unknown(self, name: str) -> str:
        near = difflib.get_close_matches(name, self.names(), n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(self.names())}"
        return f"there is no such query parameter; {hint}"

    def _basics(self, query: ListQuery, given: Mapping[str, str], errors: dict[str, str]) -> None:
        text = given.get("limit", str(DEFAULT_LIMIT))
        query.limit = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
        if not 1 <= query.limit <= MOST:
            errors.setdefault("limit", f"a whole number from 1 to {MOST}")
        query.cursor = given.get("cursor")
        sort = given.get("sort", self.default_sort)
        query.sort, query.descending = sort.removeprefix("-"), sort.startswith("-")
        if query.sort not in self.sorts:
            errors.setdefault("sort", f"one of {', '.join(self.sorts)}; with - in front for descending")
        total = given.get("total", "false")
        if total not in ("true", "false"):
            errors.setdefault("total", "true or false")
        query.counted = total == "true"
        if self.archivable:
            archived = given.get("archived", "false")
            if archived not in ("true", "false"):
                errors.setdefault("archived", "true or false")
            column = reference(self.table._meta.get_column_by_name("archived_at"))
            query.add(f"{column} is {'not ' if archived == 'true' else ''}null")
        words = given.get("search", "").strip()
        if self.searched and words:
            if len(words) > LONGEST_TEXT or not storable(words):
                errors.setdefault("search", f"a text of 1 to {LONGEST_TEXT} characters")
            pattern = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            number = f"${len(query.values) + 1}"
            query.conditions.append(f"({' or '.join(f'{column} ilike {number}' for column in self.searched)})")
            query.values.append(f"%{pattern}%")

    def _filter(self, query: ListQuery, name: str, filter: Filter, texts: list[str], errors: dict[str, str]) -> None:
        if len(texts) > (MOST_VALUES if filter.repeats else 1):
            errors[name] = f"give it at most {MOST_VALUES} times" if filter.repeats else "give it once"
            return
        try:
            values = [filter.parse(text) for text in texts]
        except ValueError as error:
            errors[name] = f"takes {error}"
            return
        query.add(filter.condition, values if filter.repeats else values[0])


def _sort(column: Column | Sort) -> Sort:
    if isinstance(column, Sort):
        return column
    return Sort(reference(column), column.value_type, nullable=column._meta.null)


def _where(condition: Condition) -> tuple[Any, ...]:
    """As ("... {} ...", *values)."""
    if isinstance(condition, str):
        return (condition,)
    if isinstance(condition, tuple):
        return condition
    querystring = condition if isinstance(condition, QueryString) else condition.querystring
    _, fragments, values = querystring.bundle(start_index=1, bundled=[], combined_args=[])
    return ("".join(part.prefix + ("" if part.no_arg else "{}") for part in fragments), *values)


def _pairs(params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in params.items():
        if isinstance(value, str):
            yield name, value
        else:
            for one in value:
                yield name, str(one)
