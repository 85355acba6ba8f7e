"""Reading and writing one row at a time, with optimistic locking and breadcrumbs.

For tables with `id`, `version`, created_at/by/request and changed_at/by/request (the contract of every aggregate). It
isn't an object mapper: rows go out as structs, changes come in as structs. All its statements are queries of Piccolo,
built and compiled once for each set of columns (statements.py).

    PERSON = Repository(Person, PersonRow, unique={"by_email": {"email": "is somebody else's"}})

    row = await PERSON.get(id)                                # NotFound (404); find() gives None instead
    row = await PERSON.insert(new, by=actor)                  # new: a struct or a dict; UNSET fields take their default
    row = await PERSON.change(id, version, change, by=actor)  # only fields that aren't UNSET
    row = await PERSON.archive(id, version, by=actor, also={"status": "archived"})

A change says `where id = ... and version = ...` and raises the version by one, so of two that began from the same
version one gets StaleVersion (412). `get(id, lock=True, version=version)` says the same before a rule looks at the row.
A value that a unique rule finds taken is a Conflict (409) with the words of `unique`. `where` limits what the caller
may touch; anything else is a 404:

    where=("mentor_id = {}", actor.person)
"""

import contextlib
import enum
from collections.abc import Generator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import asyncpg
import msgspec
from piccolo.columns import JSON
from piccolo.querystring import QueryString
from piccolo.table import Table
from uuid_utils.compat import uuid7

from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.base.problems import Conflict, NotFound, StaleVersion
from gatehouse_chassis.data.database import Database, database_of
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.recording import ChangeRecorder
from gatehouse_chassis.data.statements import RowBuilder, Statement, arg

T = TypeVar("T")
MANAGED = frozenset(
    {"version", *(f"{crumb}_{part}" for crumb in ("created", "changed") for part in ("at", "by", "request"))}
)
NOTHING: Mapping[str, Mapping[str, str]] = {}
Where = tuple[Any, ...]


class By(Protocol):
    """Who makes a change; an Actor is one."""

    @property
    def account(self) -> UUID: ...


class Repository(Generic[T]):
    def __init__(self, table: type[Table], row: type[T], *, unique: Mapping[str, Mapping[str, str]] = NOTHING) -> None:
        """`unique`: for each unique rule of the table (its name in the collection file), the field that it is about and
        what the caller reads when the value is taken: `{"unique_name": {"name": "is taken; give another name"}}`.
        """
        meta = table._meta
        self.unique = {f"{meta.tablename}_{name}": fields for name, fields in unique.items()}
        self.table = table
        self._name = meta.tablename
        self.noun = meta.tablename.replace("_", " ")
        self._row = row
        self._builder = RowBuilder(row)
        self._columns = {column._meta.db_column_name: column for column in meta.columns}
        self._documents = {column._meta.db_column_name for column in meta.columns if isinstance(column, JSON)}
        unknown = [field for field in self._builder.fields if field not in self._columns]
        if unknown:
            raise ValueError(
                f"{row.__name__} has fields that are no columns of {meta.tablename}: {', '.join(unknown)}."
            )
        self._selected = lru_cache(256)(self._make_select)
        self._inserted = lru_cache(256)(self._make_insert)
        self._changed = lru_cache(256)(self._make_change)
        self._recorded = lru_cache(256)(self._make_recorded)
        self._before = lru_cache(256)(self._make_before)
        self._with_history = lru_cache(256)(self._make_with_history)

    @property
    def _database(self) -> Database:
        return database_of(self.table)

    async def find(self, id: UUID, *, where: Where = (), lock: bool = False) -> T | None:
        """`lock`: inside a transaction, nobody else changes it until that ends."""
        return await self._selected(*_split(where), lock=lock).one(id, *where[1:])

    async def get(self, id: UUID, *, where: Where = (), lock: bool = False, version: int | None = None) -> T:
        """With `version`, StaleVersion when the row has another one. NotFound when there is no such row."""
        row = await self.find(id, where=where, lock=lock)
        if row is None:
            raise NotFound(f"There is no {self.noun} {id}.")
        if version is not None:
            self.refuse_stale(row, version)
        return row

    def refuse_stale(self, row: Any, version: int) -> None:
        """Raises StaleVersion unless the row, read some other way, has this version."""
        if row.version != version:
            raise StaleVersion(self._stale_text(version, row.version))

    async def insert(self, values: Any, *, by: By | None, **more: Any) -> T:
        """`values` and `more` are columns; an `id` is made (UUIDv7) unless one is given. `by=None`: the system."""
        given = {"id": uuid7(), **self._given(values), **more}
        self._check(given)
        account = None if by is None else by.account
        values = (account, request_id(), *map(_stored, given.values()))
        with self._answering():
            row = await self._inserted(tuple(given)).one(*values)
        assert row is not None
        return row

    async def change(
        self,
        id: UUID,
        version: int,
        values: Any,
        *,
        by: By | None,
        where: Where = (),
        before: Any = None,
        **more: Any,
    ) -> T:
        """The row as it is afterwards. NotFound, or StaleVersion when its version isn't `version` any more.

        Nothing given changes nothing, and leaves the version; the version is still checked. `before`: the row as the
        caller has read it, with all columns that change, which spares history from reading it.
        """
        given = {**self._given(values), **more}
        self._check(given)
        if not given:
            row = await self.get(id, where=where)
            await self._refuse_stale(id, version, where)
            return row
        account = None if by is None else by.account
        values = (id, version, account, request_id(), *map(_stored, given.values()), *where[1:])
        row = await self._write(tuple(given), where, values, before)
        if row is None:
            await self._refuse_stale(id, version, where)
            raise StaleVersion(self._stale_text(version, None))
        return row

    async def _write(
        self, names: tuple[str, ...], where: Where, values: tuple[Any, ...], before: Any = None
    ) -> T | None:
        """The changed row; None when there is none of that id and version. With history, what it was is kept too."""
        history = self._database.history
        if history is None or not history.keeps(self._name):
            with self._answering():
                return await self._changed(names, *_split(where)).one(*values)
        if self._database.running() is None:
            if row := await self._write_at_once(history, names, where, values, before):
                return row
            async with self._database.transaction():
                return await self._write(names, where, values)
        extra = history.needed(self._name, names)
        with self._answering():
            record = await self._recorded(names, extra, *_split(where)).record(*values)
        if record is None:
            return None
        fields, changed = len(self._builder.fields), len(names)
        after = record[fields : fields + changed]
        before = record[fields + changed : fields + 2 * changed]
        changes = {name: (old, new) for name, old, new in zip(names, before, after, strict=True) if old != new}
        if changes:
            known = dict(zip(extra, record[fields + 2 * changed :], strict=True))
            id, version, account = values[0], values[1] + 1, values[2]
            await history.record(self._name, id, version, changes, known, account=account)
        return self._builder.from_values(record[:fields])

    async def _write_at_once(
        self, history: ChangeRecorder, names: tuple[str, ...], where: Where, values: tuple[Any, ...], read: Any
    ) -> T | None:
        """The change and its history in one statement, which spares a transaction's begin and end.

        What the row was is read before, and the statement finds none that isn't so any more. None: nothing was written,
        as then, or because it takes the transaction.
        """
        id, version, account = values[:3]
        extra = history.needed(self._name, names)
        if not self._documents.isdisjoint(names):
            return None
        before: Any = None
        if read is None:
            before = await self._before((*names, *extra)).record(id, version)
        elif read.version == version:
            before = {name: _stored(getattr(read, name)) for name in (*names, *extra)}
        if before is None:
            return None
        given = dict(zip(names, values[4 : 4 + len(names)], strict=True))
        changes = {name: (before[name], new) for name, new in given.items() if before[name] != new}
        known = {name: given.get(name, before[name]) for name in extra}
        made = await history.rows(self._name, id, version + 1, changes, known, account=account) if changes else []
        if len(made) != 1:
            return None
        same = [*where[:1], *(f'"{name}" is not distinct from {{}}' for name in names)]
        statement = self._with_history(names, " and ".join(same), len(names) + len(where[1:]))
        with self._answering():
            row = await statement.record(*values, *(before[name] for name in names), *made[0])
        return None if row is None else self._builder.from_values(tuple(row))

    async def archive(
        self, id: UUID, version: int, *, by: By | None, also: Mapping[str, Any] | None = None, where: Where = ()
    ) -> T:
        """Sets archived_at. Conflict (409) when it is archived already."""
        archived_at = await self._selected(*_split(where), only="archived_at").value(id, *where[1:])
        if archived_at is not None:
            raise Conflict(f"This {self.noun} is archived already.")
        values = {**(also or {}), "archived_at": await self._database.now()}
        return await self.change(id, version, values, by=by, where=where)

    @contextlib.contextmanager
    def _answering(self) -> Generator[None]:
        """Raises Conflict with the words of `unique` when one of those rules is broken."""
        try:
            yield
        except asyncpg.UniqueViolationError as error:
            fields = self.unique.get(str(getattr(error, "constraint_name", "")))
            if fields is None:
                raise
            text = "; ".join(f"{field}: {message}" for field, message in fields.items())
            raise Conflict(text, errors=dict(fields)) from None

    async def _refuse_stale(self, id: UUID, version: int, where: Where) -> None:
        current = await self._selected(*_split(where), only="version").value(id, *where[1:])
        if current is None:
            raise NotFound(f"There is no {self.noun} {id}.")
        if current != version:
            raise StaleVersion(self._stale_text(version, current))

    def _stale_text(self, version: int, current: int | None) -> str:
        now = "another version by now" if current is None else f"version {current} by now"
        return f"You changed version {version} of this {self.noun}; it has {now}. Read it again and repeat your change."

    def _given(self, values: Any) -> dict[str, Any]:
        if isinstance(values, Mapping):
            return {name: value for name, value in values.items() if value is not msgspec.UNSET}
        pairs = ((name, getattr(values, name)) for name in values.__struct_fields__)
        return {name: value for name, value in pairs if value is not msgspec.UNSET}

    def _check(self, given: Mapping[str, Any]) -> None:
        wrong = [name for name in given if name not in self._columns or name in MANAGED]
        if wrong:
            raise TypeError(
                f"{', '.join(wrong)}: no column of {self.table._meta.tablename}, or one that Repository fills itself "
                f"({', '.join(sorted(MANAGED))})."
            )

    def _make_select(self, template: str, count: int, *, lock: bool = False, only: str = "") -> Statement[T]:
        """Of one row by its id; or only a column of it."""
        names = (only,) if only else self._builder.fields
        query = self.table.select(*(self._columns[name] for name in names)).where(self._columns["id"] == arg(1))
        if template:
            query = query.where(_condition(template, range(2, 2 + count)))
        return self._database.prepare(query.lock_rows("UPDATE") if lock else query, None if only else self._row)

    def _make_change(self, names: tuple[str, ...], template: str, count: int) -> Statement[T]:
        query = self._update(names, template, count)
        return self._database.prepare(
            query.returning(*(self._columns[name] for name in self._builder.fields)), self._row
        )

    def _make_recorded(
        self, names: tuple[str, ...], extra: tuple[str, ...], template: str, count: int
    ) -> Statement[Any]:
        """The same change, with what `names` are and were, and what `extra` are. A statement sees rows as they were."""
        returned = dict.fromkeys((*self._builder.fields, "id", *names, *extra))
        inner = self._database.prepare(
            self._update(names, template, count).returning(*(self._columns[name] for name in returned))
        )
        selected = [f'after."{name}"' for name in (*self._builder.fields, *names)]
        selected += [*(f'before."{name}"' for name in names), *(f'after."{name}"' for name in extra)]
        table = self.table._meta.get_formatted_tablename()
        return inner.within(
            f"with after as ({inner.sql}) select {', '.join(selected)} from after "  # noqa: S608 - names of the code
            f"join {table} before on before.id = after.id"
        )

    def _make_before(self, names: tuple[str, ...]) -> Statement[Any]:
        query = self.table.select(*(self._columns[name] for name in dict.fromkeys(names)))
        return self._database.prepare(
            query.where((self._columns["id"] == arg(1)) & (self._columns["version"] == arg(2)))
        )

    def _make_with_history(self, names: tuple[str, ...], template: str, count: int) -> Statement[Any]:
        """The change, then the row of history if there was one to change."""
        history = self._database.history
        assert history is not None
        table, columns = history.target
        inner = self._database.prepare(
            self._update(names, template, count).returning(*(self._columns[name] for name in self._builder.fields))
        )

        def both(update: str, numbers: Sequence[int]) -> str:
            given = ", ".join(f"${number}::{type}" for number, type in zip(numbers, columns.values(), strict=True))
            return (
                f"with after as ({update}), kept as (insert into {table} ({', '.join(columns)}) "  # noqa: S608 - ours
                f"select {given} from after) select * from after"
            )

        return inner.followed(len(columns), both)

    def _update(self, names: tuple[str, ...], template: str, count: int) -> Any:
        columns = self._columns
        changes: dict[Any, Any] = {
            columns["version"]: QueryString('"version" + 1'),
            columns["changed_at"]: QueryString("now()"),
            columns["changed_by"]: arg(3),
            columns["changed_request"]: arg(4),
            **{columns[name]: arg(number) for number, name in enumerate(names, 5)},
        }
        query = self.table.update(changes, force=True)
        query = query.where((columns["id"] == arg(1)) & (columns["version"] == arg(2)))
        if template:
            first = 5 + len(names)
            query = query.where(_condition(template, range(first, first + count)))
        return query

    def _make_insert(self, names: tuple[str, ...]) -> Statement[T]:
        columns = self._columns
        values: dict[Any, Any] = {
            columns["created_by"]: arg(1),
            columns["created_request"]: arg(2),
            columns["changed_by"]: arg(1),
            columns["changed_request"]: arg(2),
            **{columns[name]: arg(number) for number, name in enumerate(names, 3)},
        }
        query = InsertOf(values).returning(*(columns[name] for name in self._builder.fields))
        return self._database.prepare(query, self._row)


def _split(where: Where) -> tuple[str, int]:
    """What statements are kept by: the condition's text, and how many values it takes."""
    return (where[0], len(where) - 1) if where else ("", 0)


def _condition(template: str, numbers: range) -> QueryString:
    return QueryString(f"({template})", *map(arg, numbers))


def _stored(value: Any) -> Any:
    """A value as asyncpg takes it: an enum by its value, sets and tuples as arrays."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_stored(item) for item in value]
    return value
