"""All SQL about follow-ups."""

from datetime import date
from typing import Any, get_args
from uuid import UUID

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, Invalid
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_chassis.lists.filters import choices, present, uuid
from gatehouse_chassis.lists.listing import Listing, Sort
from gatehouse_encounter import tables
from gatehouse_encounter.access import Pair
from gatehouse_encounter.enumerators import FollowUpSide
from gatehouse_encounter.events import OUTBOX, FollowUpIds
from gatehouse_encounter.follow_up.structs import FollowUp, FollowUpChange, NewFollowUp
from gatehouse_encounter.tables import DB

FOLLOW_UP = Repository(tables.FollowUp, FollowUp)
FOLLOW_UPS = Listing(
    tables.FollowUp,
    FollowUp,
    filters={
        "member": uuid(tables.FollowUp.member_id),
        "mentor": uuid(tables.FollowUp.mentor_id),
        "encounter": uuid(tables.FollowUp.encounter_id),
        "side": choices(tables.FollowUp.side, get_args(FollowUpSide)),
        "done": present(tables.FollowUp.done_at),
    },
    sorts={"created": tables.FollowUp.created_at, "due": Sort('"follow_up"."due_on"', date)},
    default_sort="due",
)
_OF = DB.prepare(
    tables.FollowUp.select(*columns_for(FollowUp, tables.FollowUp))
    .where(tables.FollowUp.encounter_id == arg(1))
    .order_by(tables.FollowUp.created_at, tables.FollowUp.id),
    FollowUp,
)
FIRST, LAST = date(2000, 1, 1), date(2199, 12, 31)


def visible_follow_ups(actor: Actor, member: UUID | None) -> tuple[Any, ...]:
    """A condition: coordinators see all, people what they or the other promised. `member`: one whom they mentor."""
    if actor.has("coordinator"):
        return ("true",)
    if actor.person is None:
        return ("false",)
    return ("(member_id = {} or mentor_id = {} or member_id = {})", actor.person, actor.person, member or actor.person)


async def follow_ups_of(encounter: UUID) -> list[FollowUp]:
    return await _OF.all(encounter)


async def add_follow_up(encounter: UUID, pair: Pair, new: NewFollowUp, by: Actor) -> FollowUp:
    """To be called in a transaction."""
    refuse_odd_day(new.due_on)
    whose = {"encounter_id": encounter, "member_id": pair.member_id, "mentor_id": pair.mentor_id}
    return await FOLLOW_UP.insert({**whose, "side": new.side, "text": new.text, "due_on": new.due_on}, by=by)


async def change_follow_up(id: UUID, version: int, change: FollowUpChange, by: Actor) -> FollowUp:
    if isinstance(change.due_on, date):
        refuse_odd_day(change.due_on)
    return await FOLLOW_UP.change(id, version, change, by=by)


async def finish_follow_up(id: UUID, version: int, by: Actor) -> FollowUp:
    async with DB.transaction():
        before = await FOLLOW_UP.get(id, lock=True, version=version)
        if before.done_at is not None:
            raise Conflict("This is done already.")
        done = await FOLLOW_UP.change(id, version, {"done_at": await DB.now(), "done_by": by.account}, by=by)
        ids = FollowUpIds(done.member_id, done.mentor_id, done.encounter_id, done.side)
        await OUTBOX.publish("encounter.follow_up.done", done, by=by, ids=ids)
        return done


async def reopen_follow_up(id: UUID, version: int, by: Actor) -> FollowUp:
    async with DB.transaction():
        if (await FOLLOW_UP.get(id, lock=True, version=version)).done_at is None:
            raise Conflict("This isn't done.")
        return await FOLLOW_UP.change(id, version, {"done_at": None, "done_by": None}, by=by)


def refuse_odd_day(day: date | None) -> None:
    if day is not None and not FIRST <= day <= LAST:
        raise Invalid({"due_on": f"a day from {FIRST} to {LAST}"})


_OPEN = DB.prepare(
    tables.FollowUp.select(*columns_for(FollowUp, tables.FollowUp))
    .where((tables.FollowUp.member_id == arg(1)) & tables.FollowUp.done_at.is_null())
    .order_by(tables.FollowUp.due_on, tables.FollowUp.created_at),
    FollowUp,
)


async def open_follow_ups(member: UUID) -> list[FollowUp]:
    """What is still promised about a member, by either; what is due first comes first."""
    return await _OPEN.all(member)
