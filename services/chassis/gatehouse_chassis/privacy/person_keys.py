"""The keys that history is sealed to: a pair for each person (or account) of whom something changed here.

The public key is in the database (collection person_key), the private one in a KeyStore. A change needs the public key
only, so no network is asked within its transaction. A pair is made, and its private key stored, before it is anybody's:
a few spare ones wait in the collection.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg
import structlog
from uuid_utils.compat import uuid7

from gatehouse_chassis.base.problems import Unavailable
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.privacy.key_store import KeyStore
from gatehouse_chassis.privacy.sealing import Sealer, new_pair

NEEDS = {"person_key": "1.0.0", "history": "1.0.0"}
"""The collections that this code needs, as `[database.needs]` says it."""
SPARE = 16
REMEMBERED = 4096
LONGEST_WAIT = 2.0  # seconds that a change waits for a spare key
RETRY_SECONDS = 5.0

log = structlog.get_logger()


class PersonKey(NamedTuple):
    id: UUID
    sealer: Sealer


class PersonKeys:
    """Those of one service."""

    def __init__(self, database: Database, store: KeyStore) -> None:
        self._database = database
        self._store = store
        self._known: OrderedDict[UUID, PersonKey | None] = OrderedDict()
        self._wanted = asyncio.Event()
        self._table = f"{database.schema}.person_key"

    async def of(self, subject: UUID) -> PersonKey | None:
        """None: it was destroyed, and nothing about that person is kept any more. Raises Unavailable without a key."""
        if subject not in self._known:
            found = await self._found(subject) or await self._taken(subject)
            id, public_key, destroyed = found
            self._known[subject] = None if destroyed else PersonKey(id, Sealer(public_key))
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return self._known[subject]

    async def private(self, id: UUID) -> bytes | None:
        """The private key; None when it was destroyed."""
        return await self._store.get(id)

    async def destroy(self, subjects: Sequence[UUID]) -> int:
        """For good: what was sealed to them can't be read any more, not in a backup either. Not in a transaction."""
        # By hand, as the next ones: the collection has no Piccolo table in any service.
        rows = await self._database.fetch(
            f"select id from {self._table} where subject_id = any($1::uuid[])",  # noqa: S608 - ours
            list(subjects),
        )
        for row in rows:
            await self._store.remove(row["id"])
        # By hand: as above.
        await self._database.execute(
            f"update {self._table} set destroyed_at = now(), public_key = '' where subject_id = any($1::uuid[])",  # noqa: S608 - ours
            list(subjects),
        )
        for subject in subjects:
            self._known.pop(subject, None)
        return len(rows)

    async def _found(self, subject: UUID) -> tuple[UUID, bytes, bool] | None:
        sql = (
            f"select id, public_key, destroyed_at from {self._table} where subject_id = $1 "  # noqa: S608 - ours
            "order by destroyed_at limit 1"
        )
        # By hand: as in `destroy`.
        rows = await self._database.fetch_aside(sql, subject)
        return (rows[0]["id"], rows[0]["public_key"], rows[0]["destroyed_at"] is not None) if rows else None

    async def _taken(self, subject: UUID) -> tuple[UUID, bytes, bool]:
        """A spare one becomes the subject's at once, whatever becomes of the transaction that asked for it."""
        sql = (
            f"update {self._table} set subject_id = $1 where id = (select id from {self._table} "  # noqa: S608 - ours
            "where subject_id is null order by made_at limit 1 for update skip locked) returning id, public_key"
        )
        loop = asyncio.get_running_loop()
        deadline = loop.time() + LONGEST_WAIT
        while True:
            # By hand: as in `destroy`.
            rows = await self._database.fetch_aside(sql, subject)
            self._wanted.set()
            if rows:
                return rows[0]["id"], rows[0]["public_key"], False
            if loop.time() > deadline:
                raise Unavailable("No key for the history of this change could be made in time. Try again.")
            await asyncio.sleep(0.02)

    async def keep_spare(self) -> None:
        """Runs until it is cancelled: makes keys, so that there are always some of nobody yet."""
        while True:
            self._wanted.clear()
            try:
                await self._fill()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, Unavailable) as error:
                log.warning("keys for the change history can't be made; tried again", kind=error.__class__.__name__)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            await self._wanted.wait()

    async def _fill(self) -> None:
        # By hand: as in `destroy`.
        spare = await self._database.fetchval(f"select count(*) from {self._table} where subject_id is null")  # noqa: S608 - ours
        for _ in range(SPARE - spare):
            private, public = new_pair()
            id = uuid7()
            await self._store.put(id, private)
            # By hand: as in `destroy`.
            await self._database.execute(f"insert into {self._table} (id, public_key) values ($1, $2)", id, public)  # noqa: S608 - ours
