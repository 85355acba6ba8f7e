"""History: who changed which row from what to what, written in the transaction of the change.

Of the collections that say `history: true`. What is kept of an erased person (the state of a row, ids) stands there as
it is; everything else that is personal is sealed to the key of the person whose it is (person_keys.py), so that
destroying one key makes it unreadable everywhere, in yesterday's backup too.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from uuid_utils.compat import uuid7

from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.privacy.declared import DeclaredCollection, PersonalData
from gatehouse_chassis.privacy.person_keys import PersonKeys
from gatehouse_chassis.privacy.sealing import NotOpened, opened

LONGEST_REQUEST_ID = 200
MOST = 500  # entries of one row or person that are shown

# What a row of it is made of; the other columns have defaults.
COLUMNS = {
    "id": "uuid",
    "collection": "text",
    "row_id": "uuid",
    "row_version": "integer",
    "changes": "jsonb",
    "sealed_columns": "text[]",
    "sealed": "bytea",
    "subject_id": "uuid",
    "key_id": "uuid",
    "actor_id": "uuid",
    "request_id": "text",
}

Change = tuple[Any, Any]


class ChangeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One change. `changes`: by column what it was and what it became. `unreadable`: columns whose key is gone."""

    at: datetime
    collection: str
    row_id: UUID
    row_version: int
    changes: dict[str, tuple[Any, Any]]
    unreadable: list[str]
    actor_id: UUID | None
    request_id: str | None


class History:
    """Of one service."""

    def __init__(self, database: Database, declared: PersonalData, keys: PersonKeys) -> None:
        self._database = database
        self._keys = keys
        self._sealed = {one.name: _sealed_columns(one) for one in declared.collections if one.history}
        self._table = f"{database.schema}.history"
        self.target = self._table, COLUMNS
        numbers = ", ".join(f"${number}" for number in range(1, len(COLUMNS) + 1))
        # By hand, as the others: the collection has no Piccolo table in any service.
        self._add = database.prepare_sql(
            f"insert into {self._table} ({', '.join(COLUMNS)}) values ({numbers})"  # noqa: S608 - ours
        )

    def keeps(self, collection: str) -> bool:
        return collection in self._sealed

    def needed(self, collection: str, changed: Sequence[str]) -> tuple[str, ...]:
        sealed = self._sealed[collection]
        return tuple(dict.fromkeys(sealed[name] for name in changed if name in sealed and sealed[name] != "id"))

    async def rows(
        self,
        collection: str,
        row_id: UUID,
        version: int,
        changes: Mapping[str, Change],
        known: Mapping[str, Any],
        *,
        account: UUID | None,
    ) -> list[tuple[Any, ...]]:
        sealed = self._sealed[collection]
        plain = {name: change for name, change in changes.items() if name not in sealed}
        hidden: dict[UUID, dict[str, Change]] = {}
        for name in changes.keys() - plain.keys():
            # Whoever is known by nothing but this row has a key by the row's own id.
            subject = known.get(sealed[name]) or row_id
            hidden.setdefault(subject, {})[name] = changes[name]
        request = request_id()[:LONGEST_REQUEST_ID] or None
        made = []
        for subject, columns in hidden.items() or [(None, {})]:
            id = uuid7()
            key = None if subject is None else await self._keys.of(subject)
            content = None if key is None else key.sealer.seal(_encoded(columns), id.bytes)
            where = (collection, row_id, version, _encoded(plain).decode(), sorted(columns))
            whose = (content, subject, None if key is None else key.id)
            made.append((id, *where, *whose, account, request))
            plain = {}
        return made

    async def record(
        self,
        collection: str,
        row_id: UUID,
        version: int,
        changes: Mapping[str, Change],
        known: Mapping[str, Any],
        *,
        account: UUID | None,
    ) -> None:
        for row in await self.rows(collection, row_id, version, changes, known, account=account):
            await self._add.execute(*row)

    async def of_row(self, collection: str, row_id: UUID) -> list[ChangeEntry]:
        """The newest first."""
        return await self._entries("collection = $1 and row_id = $2", collection, row_id)

    async def about(self, subjects: Sequence[UUID]) -> list[ChangeEntry]:
        """What was sealed to the keys of these people and accounts, the newest first."""
        return await self._entries("subject_id = any($1::uuid[])", list(subjects))

    async def _entries(self, condition: str, *values: Any) -> list[ChangeEntry]:
        sql = f"select * from {self._table} where {condition} order by at desc, id desc limit {MOST}"  # noqa: S608 - ours
        # By hand: as above.
        rows = await self._database.fetch(sql, *values)
        private = {id: await self._keys.private(id) for id in {row["key_id"] for row in rows} - {None}}
        return [_entry(row, private.get(row["key_id"])) for row in rows]


def _sealed_columns(collection: DeclaredCollection) -> dict[str, str]:
    """By column that is sealed, the column of the same row that says whose it is."""
    return {
        name: "id" if about.subject == "self" else about.subject.partition(".")[0]
        for about in collection.about
        for name in (*about.deleted, *about.erased)
    }


def _encoded(changes: Mapping[str, Change]) -> bytes:
    return msgspec.json.encode(changes, enc_hook=str)


def _entry(row: asyncpg.Record, private: bytes | None) -> ChangeEntry:
    hidden: dict[str, Change] = {}
    if row["sealed"] is not None and private is not None:
        try:
            content = opened(private, row["sealed"], row["id"].bytes)
            hidden = msgspec.json.decode(content, type=dict[str, tuple[Any, Any]])
        except NotOpened:
            hidden = {}
    return ChangeEntry(
        at=row["at"],
        collection=row["collection"],
        row_id=row["row_id"],
        row_version=row["row_version"],
        changes={**row["changes"], **hidden},
        unreadable=[name for name in row["sealed_columns"] if name not in hidden],
        actor_id=row["actor_id"],
        request_id=row["request_id"],
    )
