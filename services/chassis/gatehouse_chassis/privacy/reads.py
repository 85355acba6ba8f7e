"""The read log: who read another person's private data, whose, and what lets them; that person sees it.

    READS = ReadLog(DB)
    await READS.note(actor, [person.id], what="GetPerson", why="staff")

One entry for each reader, person and operation an hour: a page that is reloaded tells nobody anything new.
"""

from collections import OrderedDict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.data.database import Database

NEEDS = {"read_log": "1.0.0"}
"""The collection that this code needs, as `[database.needs]` says it."""
REMEMBERED = 10_000
MOST = 200  # entries that are shown


class ReadEntry(msgspec.Struct, frozen=True):
    """Somebody read a person's private data. `why`: what let them. `reader_id`: the person behind the account."""

    at: datetime
    what: str
    why: str
    actor_id: UUID
    reader_id: UUID | None


class ReadLog:
    """Of a service whose schema includes read_log."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: OrderedDict[tuple[Any, ...], None] = OrderedDict()
        self._noted_in: object = None
        # By hand, as the next: any number of rows in one statement, and the collection has no Piccolo table.
        self._add = database.prepare_sql(
            f"insert into {database.schema}.read_log (person_id, what, why, actor_id, reader_id, request_id) "
            "select unnest($1::uuid[]), $2, $3, $4, $5, $6"
        )
        # By hand: as above.
        self._of = database.prepare_sql(
            f"select at, what, why, actor_id, reader_id from {database.schema}.read_log where person_id = $1 "  # noqa: S608 - ours
            f"order by at desc, id desc limit {MOST}",
            ReadEntry,
        )

    async def note(self, actor: Actor, people: Iterable[UUID], *, what: str, why: str) -> None:
        """Before the data is given away. People's reading of themselves is nobody's business."""
        if self._noted_in is not self._database.pool:  # opened anew, perhaps another one
            self._noted.clear()
            self._noted_in = self._database.pool
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        new = {(actor.account, person, what, why, hour): person for person in people if not actor.is_person(person)}
        new = {key: person for key, person in new.items() if key not in self._noted}
        if not new:
            return
        await self._add.execute(list(new.values()), what, why, actor.account, actor.person, request_id()[:200] or None)
        for key in new:
            self._noted[key] = None
        while len(self._noted) > REMEMBERED:
            self._noted.popitem(last=False)

    async def of(self, person: UUID) -> list[ReadEntry]:
        """Who read this person's data, the newest first."""
        return await self._of.all(person)
