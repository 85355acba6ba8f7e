"""All SQL about matches."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

import msgspec
from piccolo.querystring import QueryString

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_chassis.lists.filters import choices, present, uuid
from gatehouse_chassis.lists.listing import Condition, Listing
from gatehouse_intake import tables
from gatehouse_intake.enumerators import MatchState
from gatehouse_intake.events import OUTBOX, MatchIds
from gatehouse_intake.match import rules
from gatehouse_intake.match.structs import Match, NewMatch, Suggestion
from gatehouse_intake.tables import DB

_table = tables.Match
MATCH = Repository(_table, Match, unique={"one_awaited": {"member_id": "is introduced to a mentor already"}})
MATCHES = Listing(
    _table,
    Match,
    filters={
        "state": choices(_table.state, get_args(MatchState)),
        "mentor": uuid(_table.mentor_id),
        "member": uuid(_table.member_id),
        "silent": present(_table.silent_since),
    },
    sorts={"moved": _table.state_changed_at},
    default_sort="-moved",
)
_AWAITED = DB.prepare(
    _table.select(*columns_for(Match, _table))
    .where((_table.mentor_id == arg(1)) & (_table.member_id == arg(2)))
    .where(_table.state.is_in(["proposed", "introduced"]))
    .lock_rows("UPDATE"),
    Match,
)
_PROPOSED_TO = DB.prepare(
    _table.select(QueryString("count(*)")).where((_table.mentor_id == arg(1)) & (_table.state == "proposed"))
)
_NOTE_SILENT = DB.prepare(
    _table.update({_table.silent_since: arg(1), _table.version: QueryString("version + 1")}).where(
        (_table.state == "introduced") & _table.silent_since.is_null() & (_table.state_changed_at <= arg(2))
    )
)


def own(actor: Actor) -> Condition:
    return ("false",) if actor.person is None else ("(mentor_id = {} or member_id = {})", actor.person, actor.person)


async def proposed_to(mentor_id: UUID) -> int:
    """Members whom somebody is about to get."""
    return int(await _PROPOSED_TO.value(mentor_id) or 0)


async def propose(new: NewMatch, suggestion: Suggestion, places: int, by: Actor) -> Match:
    """The pair, once: as it is where a coordinator chose it before. Raises Conflict where the mentor has no room.

    `places`: how many members the mentor takes besides those they have.
    """
    async with DB.transaction():
        await DB.advisory_lock(f"intake.match.{new.mentor_id}")
        known = await awaited(new.mentor_id, new.member_id)
        if known is not None:
            return known
        if await proposed_to(new.mentor_id) >= places:
            raise Conflict("This mentor takes nobody else right now.")
        values = {"reasons": msgspec.to_builtins(suggestion.reasons), "times": msgspec.to_builtins(suggestion.times)}
        return await MATCH.insert(new, by=by, **values)


async def awaited(mentor_id: UUID, member_id: UUID) -> Match | None:
    """In a transaction: the pair, while they aren't in touch."""
    return await _AWAITED.one(mentor_id, member_id)


async def introduce(id: UUID, by: Actor) -> Match:
    """Both are told now."""
    async with DB.transaction():
        row = await MATCH.get(id, lock=True)
        if row.state != "proposed":
            return row
        return await _move(row, "introduced", "intake.match.proposed", by=by)


async def withdraw(id: UUID, by: Actor) -> None:
    async with DB.transaction():
        row = await MATCH.get(id, lock=True)
        if row.state == "proposed":
            await _move(row, "declined", by=by)


async def say_started(id: UUID, version: int, by: Actor) -> Match:
    """Raises Conflict for two who are in touch, or whose match came to nothing."""
    async with DB.transaction():
        row = await MATCH.get(id, lock=True, version=version)
        rules.refuse_beginning(row)
        return await _move(row, "started", "intake.match.started", by=by)


async def follow_match(mentor_id: UUID, member_id: UUID, state: MatchState) -> None:
    """In a transaction: what happened between two who were introduced."""
    row = await awaited(mentor_id, member_id)
    if row is not None:
        await _move(row, state, "intake.match.started" if state == "started" else None)


async def note_silent(now: datetime) -> None:
    await _NOTE_SILENT.execute(now, now - rules.SILENT_AFTER)


async def times_for(one: UUID, other: UUID) -> Sequence[datetime]:
    """What was proposed to two who aren't in touch yet, whichever is the mentor."""
    async with DB.transaction():
        row = await awaited(one, other) or await awaited(other, one)
    return [] if row is None else row.times


async def _move(row: Match, state: MatchState, event: str | None = None, *, by: Actor | None = None) -> Match:
    values: dict[str, Any] = {"state": state, "state_changed_at": await DB.now(), "silent_since": None}
    moved = await MATCH.change(row.id, row.version, values, by=by)
    if event is not None:
        await OUTBOX.publish(event, moved, by=by, ids=MatchIds(moved.member_id, moved.mentor_id))
    return moved
