"""All SQL about how many members mentors take."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import any_of, arg, columns_for
from gatehouse_chassis.lists.filters import choices, present, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_intake import tables
from gatehouse_intake.enumerators import MentorPause
from gatehouse_intake.events import OUTBOX, MentorIds
from gatehouse_intake.mentor import rules
from gatehouse_intake.mentor.structs import MentorCapacity, NewMentorCapacity
from gatehouse_intake.tables import DB

CAPACITY = Repository(tables.MentorCapacity, MentorCapacity)
_table = tables.MentorCapacity
CAPACITIES = Listing(
    _table,
    MentorCapacity,
    filters={
        "person": uuid(_table.person_id),
        "pause": choices(_table.pause, get_args(MentorPause)),
        "seen": present(_table.seen_at),
    },
    sorts={"asked": _table.asked_at, "created": _table.created_at},
    default_sort="created",
)
_selected = columns_for(MentorCapacity, _table)
_OF_PEOPLE = DB.prepare(_table.select(*_selected).where(any_of(_table.person_id, arg(1))), MentorCapacity)
_BY_HASH = DB.prepare(_table.select(*_selected).where(_table.answer_hash == arg(1)).lock_rows("UPDATE"), MentorCapacity)
_DUE = DB.prepare(_table.select(_table.id).where(_table.paused_at.is_null() & (_table.asked_at <= arg(1))))


async def capacities_of(people: Sequence[UUID]) -> dict[UUID, MentorCapacity]:
    return {one.person_id: one for one in await _OF_PEOPLE.all(list(people))}


async def begin_mentor(person_id: UUID, hours_month: int) -> None:
    """A new mentor, with what fits into the hours that they offered; what is known already stays."""
    async with DB.transaction():
        await DB.advisory_lock(f"intake.mentor.{person_id}")
        if (await capacities_of([person_id])).get(person_id) is None:
            values = {"hours_month": hours_month, "members_max": rules.members_for(hours_month)}
            await CAPACITY.insert({"person_id": person_id, "answered_at": await DB.now(), **values}, by=None)


async def put(person_id: UUID, new: NewMentorCapacity, by: Actor) -> MentorCapacity:
    async with DB.transaction():
        await DB.advisory_lock(f"intake.mentor.{person_id}")
        now, known = await DB.now(), (await capacities_of([person_id])).get(person_id)
        values: dict[str, Any] = {"members_max": new.members_max, "answered_at": now, "missed": 0, "seen_at": None}
        values |= {"paused_at": now, "pause": "asked"} if new.is_paused else {"paused_at": None, "pause": None}
        if new.hours_month is not None:
            values["hours_month"] = new.hours_month
        if known is None:
            return await CAPACITY.insert({"person_id": person_id, **values}, by=by)
        # Whoever goes on after a pause isn't asked at once.
        values |= {"asked_at": now} if known.paused_at is not None and not new.is_paused else {}
        return await CAPACITY.change(known.id, known.version, values, by=by)


async def answer(token: str, members_max: int) -> None:
    """Raises NotFound for a link that is unknown or replaced. The same link may be used again: an answer may change."""
    async with DB.transaction():
        row = await _BY_HASH.one(_digest(token))
        if row is None:
            raise NotFound("There is no such question.")
        members = rules.members_said(members_max, row.members_max)
        values = {"members_max": members, "answered_at": await DB.now(), "missed": 0}
        await CAPACITY.change(row.id, row.version, values, by=None)


async def new_link(id: UUID) -> str:
    """A token that replaces the one before. Raises NotFound, or Conflict for who answered or takes a pause."""
    token = secrets.token_urlsafe(32)
    async with DB.transaction():
        row = await CAPACITY.get(id, lock=True)
        if row.paused_at is not None or rules.is_answered(row):
            raise Conflict("This mentor has answered, or takes a pause.")
        await CAPACITY.change(id, row.version, {"answer_hash": _digest(token)}, by=None)
    return token


async def note_seen(id: UUID, version: int, by: Actor) -> MentorCapacity:
    async with DB.transaction():
        row = await CAPACITY.get(id, lock=True, version=version)
        if row.pause != "silent":
            raise Conflict("This mentor isn't paused for being silent.")
        return await CAPACITY.change(id, version, {"seen_at": await DB.now()}, by=by)


async def ask_due(now: datetime) -> None:
    """Each in a transaction of its own: whoever is asked, or paused, is so once."""
    for found in await _DUE.values(now - rules.ASKED_EVERY):
        async with DB.transaction():
            row = await CAPACITY.find(found, lock=True)
            step = None if row is None else rules.next_step(row, now)
            if row is None or step is None:
                continue
            row = await CAPACITY.change(row.id, row.version, step[1], by=None)
            kind = "intake.mentor.asked" if step[0] == "ask" else "intake.mentor.paused"
            await OUTBOX.publish(kind, row, by=None, ids=MentorIds(row.person_id))


def _digest(token: str) -> str:
    """256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()
