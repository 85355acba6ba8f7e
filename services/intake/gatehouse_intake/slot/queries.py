"""All SQL about times for introductions."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import get_args
from uuid import UUID

from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_chassis.lists.filters import choices, uuid
from gatehouse_chassis.lists.listing import Condition, Listing
from gatehouse_intake import tables
from gatehouse_intake.access import COORDINATORS
from gatehouse_intake.enumerators import SlotState
from gatehouse_intake.slot import rules
from gatehouse_intake.slot.structs import Slot
from gatehouse_intake.tables import DB

_table = tables.Slot
SLOT = Repository(_table, Slot)
SLOTS = Listing(
    _table,
    Slot,
    filters={
        "state": choices(_table.state, get_args(SlotState)),
        "host": uuid(_table.host_id),
        "person": uuid(_table.person_id),
    },
    sorts={"begins": _table.begins_at},
    default_sort="begins",
)
_ADD = DB.prepare(
    InsertOf(
        {
            _table.id: arg(1),
            _table.host_id: arg(2),
            _table.begins_at: arg(3),
            _table.ends_at: arg(4),
            _table.created_by: arg(5),
            _table.created_request: arg(6),
        }
    )
    .on_conflict(action="DO NOTHING")
    .returning(_table.id)
)
_selected = columns_for(Slot, _table)
_TAKEN_BY = DB.prepare(
    _table.select(*_selected)
    .where((_table.person_id == arg(1)) & (_table.state == "taken") & (_table.begins_at > arg(2)))
    .order_by(_table.begins_at)
    .lock_rows("UPDATE"),
    Slot,
)
_TO_COME_OF = DB.prepare(
    _table.select(*_selected)
    .where(((_table.person_id == arg(1)) | (_table.host_id == arg(1))) & (_table.state == "taken"))
    .where(_table.ends_at > arg(2))
    .order_by(_table.begins_at),
    Slot,
)


def seen_by(actor: Actor) -> Condition:
    """Coordinators see all that is to come; others what they can take, and what is theirs."""
    if actor.has(*COORDINATORS):
        return ("begins_at > now()",)
    return ("begins_at > now() and (state = 'open' or (state = 'taken' and person_id = {}))", actor.person)


async def offer(host: UUID, begins: Iterable[datetime], minutes: int, by: Actor) -> int:
    """Returns how many of the times are new."""
    async with DB.transaction():
        rules.refuse_times(begins, await DB.now())
        added = 0
        for one in sorted(set(begins)):
            values = (uuid7(), host, one, one + timedelta(minutes=minutes), by.account, request_id()[:200])
            added += await _ADD.value(*values) is not None
        return added


async def take(id: UUID, person_id: UUID, by: Actor) -> Slot:
    """The slot is theirs; the same again changes nothing. Raises NotFound, or Conflict for one that isn't free."""
    async with DB.transaction():
        await DB.advisory_lock(f"intake.slot.{person_id}")
        slot = await SLOT.get(id, lock=True)
        if slot.state == "taken" and slot.person_id == person_id:
            return slot
        rules.refuse_taking(slot, await DB.now())
        return await SLOT.change(id, slot.version, {"state": "taken", "person_id": person_id}, by=by)


async def release(person_id: UUID, by: Actor, *, kept: UUID | None = None) -> None:
    """What somebody had taken and doesn't come to, `kept` apart, is open to others again."""
    async with DB.transaction():
        await DB.advisory_lock(f"intake.slot.{person_id}")
        for one in await _TAKEN_BY.all(person_id, await DB.now()):
            if one.id != kept:
                await SLOT.change(one.id, one.version, {"state": "open", "person_id": None}, by=by)


async def cancel(id: UUID, version: int, by: Actor) -> Slot:
    """The slot as it is then, still with whoever had taken it."""
    async with DB.transaction():
        slot = await SLOT.get(id, lock=True, version=version)
        rules.refuse_cancelling(slot, await DB.now())
        return await SLOT.change(id, version, {"state": "cancelled"}, by=by)


async def to_come_of(person_id: UUID, now: datetime) -> list[Slot]:
    """What somebody comes to, or holds."""
    return await _TO_COME_OF.all(person_id, now)


async def read(id: UUID, actor: Actor) -> Slot:
    slot = await SLOT.find(id)
    if slot is None or not (actor.has(*COORDINATORS) or actor.is_person(slot.person_id)):
        raise NotFound("There is no such appointment.")
    return slot
