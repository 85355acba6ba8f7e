"""One person's data in one service: all of it, and its erasure, by what the collections declare."""

# ruff: noqa: S608 - names and conditions come from the collection files; ids go as parameters

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from gatehouse_chassis.data.database import Database
from gatehouse_chassis.privacy.declared import AboutSubject, DeclaredCollection, PersonalData


class ExportedCollection(msgspec.Struct, frozen=True):
    """Rows about the person; of each its key, and the columns that are about them."""

    collection: str
    subject: str
    rows: list[dict[str, Any]]


class KeptColumns(msgspec.Struct, frozen=True):
    """What stays of an erased person, and why. `until`: when the row goes by itself; empty: it doesn't."""

    collection: str
    columns: list[str]
    basis: str
    rows: int
    until: str


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows of each collection lost what was personal, or went; and what is kept."""

    changed: dict[str, int]
    deleted: dict[str, int]
    kept: list[KeptColumns]


class PeopleData:
    """Reads and erases what the service's own role may: its schema."""

    def __init__(self, database: Database, declared: PersonalData) -> None:
        self._database = database
        self._declared = declared

    async def export(self, ids: Sequence[UUID]) -> list[ExportedCollection]:
        """`ids`: of the person and of their accounts. All of it as it was at one moment."""
        found = []
        async with self._database.transaction():
            # By hand: a setting of the transaction.
            await self._database.execute("set transaction isolation level repeatable read, read only")
            for collection, about in self._each():
                names = ", ".join(dict.fromkeys([*collection.key, *about.columns]))
                rows_of = f"select {names} from {self._table(collection)} where {about.where}"
                sql = f"select to_jsonb(found) from ({rows_of}) found"
                # By hand: which columns, and whose they are, is known from the declarations only.
                rows = [record[0] for record in await self._database.fetch(sql, list(ids))]
                if rows:
                    found.append(ExportedCollection(collection.name, about.subject, rows))
        return found

    async def erase(self, ids: Sequence[UUID]) -> Erasure:
        """In one transaction: all of it or nothing. Done again, it changes what came since."""
        changed: dict[str, int] = {}
        deleted: dict[str, int] = {}
        kept: list[KeptColumns] = []
        async with self._database.transaction():
            for collection, about in self._each():
                table = self._table(collection)
                if about.deleted:
                    # By hand: as in `export`.
                    count = _count(await self._database.execute(f"delete from {table} where {about.where}", list(ids)))
                    deleted[collection.name] = deleted.get(collection.name, 0) + count
                    continue
                if about.erased:
                    sets = ", ".join(f"{name} = {sql}" for name, sql in about.erased.items())
                    if collection.versioned:
                        sets += ", version = version + 1"  # who holds an ETag sees that it is another row now
                    sql = f"update {table} set {sets} where {about.where}"
                    # By hand: as in `export`.
                    count = _count(await self._database.execute(sql, list(ids)))
                    changed[collection.name] = changed.get(collection.name, 0) + count
                kept += await self._kept(collection, about, ids)
        return Erasure(
            changed={name: count for name, count in changed.items() if count},
            deleted={name: count for name, count in deleted.items() if count},
            kept=kept,
        )

    async def _kept(
        self, collection: DeclaredCollection, about: AboutSubject, ids: Sequence[UUID]
    ) -> list[KeptColumns]:
        if not about.kept:
            return []
        sql = f"select count(*) from {self._table(collection)} where {about.where}"
        # By hand: as in `export`.
        rows = await self._database.fetchval(sql, list(ids))
        retention = collection.retention
        until = f"{retention.keep} after {retention.after}" if retention else ""
        grounds = dict.fromkeys(about.kept.values()) if rows else ()
        return [
            KeptColumns(collection.name, [name for name, why in about.kept.items() if why == basis], basis, rows, until)
            for basis in grounds
        ]

    def _each(self) -> list[tuple[DeclaredCollection, AboutSubject]]:
        return [(collection, about) for collection in self._declared.collections for about in collection.about]

    def _table(self, collection: DeclaredCollection) -> str:
        return f"{self._declared.schema}.{collection.name}"


def _count(tag: str) -> int:
    return int(tag.rpartition(" ")[2])
