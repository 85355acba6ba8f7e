"""All SQL about the prose of plans.

Each change has the next number of its document, given under the lock of the document's row: who has read up to a number
has all that came before it. A document that was erased has no row, and takes no change of a page that still shows it.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from gatehouse_chassis.base.problems import Conflict, NotFound, StaleVersion
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import NOW, arg, columns_for
from gatehouse_curriculum import tables
from gatehouse_curriculum.document.structs import DocumentRow, UpdateRow
from gatehouse_curriculum.document.texts import digest_of, edited, put_together, texts_of
from gatehouse_curriculum.live import CHANGES
from gatehouse_curriculum.tables import DB

MOST_UPDATES = 500
MOST_LOG = 1_000_000  # bytes
MOST_BYTES = 2_000_000  # of a document with its log; a plan's prose takes a few thousand
KEPT_AFTER = timedelta(hours=12)  # a log; the job looks every six
REBUILT_AFTER = timedelta(days=30)
AT_ONCE = 200  # documents that one run of the job reads

COLUMNS = columns_for(DocumentRow, tables.Document)
_OF = DB.prepare(tables.Document.select(*COLUMNS).where(tables.Document.curriculum_id == arg(1)), DocumentRow)
_FIND = DB.prepare(tables.Document.select(*COLUMNS).where(tables.Document.id == arg(1)), DocumentRow)
_LOCK = DB.prepare(
    tables.Document.select(*COLUMNS).where(tables.Document.id == arg(1)).lock_rows("UPDATE"), DocumentRow
)
_BEGIN = DB.prepare(
    InsertOf({tables.Document.id: arg(1), tables.Document.curriculum_id: arg(2)}).on_conflict(
        tables.Document.curriculum_id, "DO NOTHING"
    )
)
_SINCE = DB.prepare(
    tables.DocumentUpdate.select(tables.DocumentUpdate.seq, tables.DocumentUpdate.content)
    .where((tables.DocumentUpdate.document_id == arg(1)) & (tables.DocumentUpdate.seq > arg(2)))
    .order_by(tables.DocumentUpdate.seq),
    UpdateRow,
)
# By hand: numbers are given and changes written in one statement, whose lock is as short as it can be.
_APPEND = DB.prepare_sql(
    """
    with counted as (
        update document set seq = seq + $2, size = size + $3
        where id = $1 and curriculum_id in (select id from curriculum where archived_at is null)
        returning seq, rebuilt_seq, size, curriculum_id
    ), written as (
        insert into document_update (document_id, seq, curriculum_id, content, actor_id)
        select $1, counted.seq - $2 + given.place, counted.curriculum_id, given.content, given.actor
        from counted, unnest($4::bytea[], $5::uuid[]) with ordinality as given (content, actor, place)
    )
    select seq, rebuilt_seq, size from counted
    """
)
_REBUILD = DB.prepare(
    tables.Document.update(
        {
            tables.Document.state: arg(2),
            tables.Document.texts: arg(3),
            tables.Document.size: arg(4),
            tables.Document.rebuilt_seq: arg(5),
            tables.Document.rebuilt_at: NOW,
        }
    ).where(tables.Document.id == arg(1))
)
_FORGET = DB.prepare(
    tables.DocumentUpdate.delete().where(
        (tables.DocumentUpdate.document_id == arg(1)) & (tables.DocumentUpdate.seq <= arg(2))
    )
)
_DUE = DB.prepare(
    tables.Document.select(tables.Document.id)
    .where(
        ((tables.Document.seq > tables.Document.rebuilt_seq) & (tables.Document.rebuilt_at < arg(1)))
        | (tables.Document.rebuilt_at < arg(2))
    )
    .order_by(tables.Document.rebuilt_at)
    .limit(AT_ONCE)
)


class Appended(NamedTuple):
    """`seq`: the number of the last change; `log`: how many there are since it was put together last."""

    seq: int
    log: int
    size: int

    @property
    def wants_rebuild(self) -> bool:
        return self.log >= MOST_UPDATES or self.size >= MOST_LOG


class StoredDocument(NamedTuple):
    """`seq`: up to which change this holds all. `state`: where it holds changes that aren't listed any more."""

    state: bytes | None
    updates: list[bytes]
    seq: int
    size: int


async def of_curriculum(curriculum: UUID) -> DocumentRow | None:
    return await _OF.one(curriculum)


async def begun(curriculum: UUID) -> DocumentRow:
    """The curriculum's document; a new one has a new id, so that no page of an erased one writes into it."""
    row = await _OF.one(curriculum)
    if row is None:
        await _BEGIN.execute(uuid7(), curriculum)
        row = await _OF.one(curriculum)
    assert row is not None
    return row


async def stored(id: UUID, after: int = 0) -> StoredDocument:
    """All changes after `after`. Raises NotFound."""
    # The changes first: what is put together and removed meanwhile is in the state that is read afterwards.
    updates = await _SINCE.all(id, after)
    row = await _FIND.one(id)
    if row is None:
        raise NotFound("There is no such document.")
    listed = updates[-1].seq if updates else after
    state = row.state if row.rebuilt_seq > after else None
    return StoredDocument(state, [one.content for one in updates], max(listed, row.rebuilt_seq), row.size)


async def append(id: UUID, updates: Sequence[tuple[bytes, UUID]]) -> Appended:
    """Changes and who made them, in one transaction; whoever has it open is told.

    Raises NotFound where it was erased, Conflict where the curriculum is archived.
    """
    contents = [content for content, _ in updates]
    actors = [actor for _, actor in updates]
    async with DB.transaction():
        record = await _APPEND.record(id, len(updates), sum(map(len, contents)), contents, actors)
        if record is None:
            if await _FIND.one(id) is None:
                raise NotFound("There is no such document.")
            raise Conflict("This curriculum is archived; a coordinator can restore it.")
        CHANGES.tell(id, version=record["seq"], by=actors[-1])
    return Appended(record["seq"], record["seq"] - record["rebuilt_seq"], record["size"])


async def write(id: UUID, name: str, text: str, seen: str, by: UUID) -> dict[str, str]:
    """Makes one text another, over the one with the digest `seen`; all texts afterwards. Raises StaleVersion."""
    async with DB.transaction():
        row = await _LOCK.one(id)
        if row is None:
            raise NotFound("There is no such document.")
        doc = put_together(row.state, [one.content for one in await _SINCE.all(id, row.rebuilt_seq)])
        was = texts_of(doc).get(name, "")
        if was == text:
            return texts_of(doc)
        if seen != (digest_of(was) if was else ""):
            raise StaleVersion("Somebody else changed this text after you opened it; read it again.")
        await append(id, [(edited(doc, name, text), by)])
        return texts_of(doc)


async def rebuild(id: UUID) -> None:
    """Puts it together anew: what was deleted, and who wrote what, goes with the log of changes.

    By a document of its own, never by merging updates: merged ones still hold what was deleted.
    """
    async with DB.transaction():
        row = await _LOCK.one(id)
        if row is None:
            return
        updates = [one.content for one in await _SINCE.all(id, row.rebuilt_seq)]
        state, texts = await asyncio.to_thread(_rebuilt, row.state, updates)
        await _REBUILD.execute(id, state, texts, len(state), row.seq)
        await _FORGET.execute(id, row.seq)


async def due(at: datetime) -> list[UUID]:
    """Documents whose log, or whose state, is old enough to be put together anew; the oldest first."""
    return await _DUE.values(at - KEPT_AFTER, at - REBUILT_AFTER)


def _rebuilt(state: bytes | None, updates: Sequence[bytes]) -> tuple[bytes, dict[str, str]]:
    doc = put_together(state, updates)
    return doc.get_update(), texts_of(doc)
