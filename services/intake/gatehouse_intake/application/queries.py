"""All SQL about those who want to be mentors."""

import hashlib
import secrets
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from piccolo.query.functions import Sum
from piccolo.querystring import QueryString

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_chassis.jobs.queue import enqueue
from gatehouse_chassis.lists.filters import choices, present
from gatehouse_chassis.lists.listing import Listing
from gatehouse_intake import tables
from gatehouse_intake.application import rules
from gatehouse_intake.application.structs import Application
from gatehouse_intake.enumerators import ApplicationState
from gatehouse_intake.events import OUTBOX
from gatehouse_intake.tables import DB

JOB = "admit"
_table = tables.Application
APPLICATION = Repository(
    _table, Application, unique={"one_waiting": {"email": "somebody with this address has applied already"}}
)
APPLICATIONS = Listing(
    _table,
    Application,
    filters={
        "state": choices(_table.state, get_args(ApplicationState)),
        "problem": present(_table.problem),
    },
    sorts={"created": _table.created_at, "moved": _table.state_changed_at},
    search=[_table.name, _table.email],
    default_sort="moved",
)
_of_address = QueryString("lower({}) = lower({})", _table.email, arg(1))
_selected = columns_for(Application, _table)
_WAITING = DB.prepare(
    _table.select(*_selected)
    .where(_of_address)
    .where(_table.state.is_in(["unconfirmed", "confirmed"]))
    .lock_rows("UPDATE"),
    Application,
)
_BY_FORM = DB.prepare(_table.select(_table.id).where(_table.external_id == arg(1)))
_BY_HASH = DB.prepare(
    _table.select(*_selected)
    .where((_table.confirm_hash == arg(1)) & (_table.state == "unconfirmed"))
    .lock_rows("UPDATE"),
    Application,
)
_FORGET = DB.prepare(_table.delete().where((_table.state == arg(1)) & (_table.state_changed_at < arg(2))))
_MAILS_SINCE = DB.prepare(_table.select(Sum(_table.mails)).where(_of_address).where(_table.mailed_at > arg(2)))


async def apply(values: dict[str, Any]) -> None:
    """In a transaction. However many forms name an address, it gets few mails; and nobody learns what is known.

    Until somebody confirms, the last form counts, and only the link in its own mail confirms it.
    """
    email = values["email"]
    # The form first: programs send one form with several addresses at once.
    await DB.advisory_lock(f"intake.form.{values['external_id']}")
    await DB.advisory_lock(f"intake.application.{email.lower()}")
    if await _BY_FORM.value(values["external_id"]) is not None:
        return
    now = await DB.now()
    mails = int(await _MAILS_SINCE.value(email, now - rules.A_DAY) or 0)
    known = await _WAITING.one(email)
    if mails >= rules.MOST_MAILS or (known is not None and known.state == "confirmed"):
        return
    if known is None:
        row = await APPLICATION.insert(values, by=None)
    else:
        again = {"mails": known.mails + 1, "mailed_at": now, "state_changed_at": now, "confirm_hash": None}
        row = await APPLICATION.change(known.id, known.version, values | again, by=None)
    await OUTBOX.publish("intake.application.received", row, by=None)


async def new_link(id: UUID) -> tuple[str, Application]:
    """A token that replaces the one before. Raises NotFound, or Conflict for one that is confirmed."""
    token = secrets.token_urlsafe(32)
    async with DB.transaction():
        row = await APPLICATION.get(id, lock=True)
        rules.refuse_link(row)
        row = await APPLICATION.change(id, row.version, {"confirm_hash": _digest(token)}, by=None)
    return token, row


async def confirm(token: str, now: datetime) -> None:
    """Raises NotFound for a link that is unknown, replaced, used, or too old."""
    async with DB.transaction():
        row = await _BY_HASH.one(_digest(token))
        if row is None or now - row.state_changed_at > rules.UNCONFIRMED_FOR:
            raise NotFound("There is no such application.")
        await _move(row, "confirmed", confirm_hash=None)


async def decide(id: UUID, version: int, state: ApplicationState, by: Actor) -> Application:
    """Raises Conflict for one whose address isn't confirmed, or that was decided."""
    async with DB.transaction():
        row = await APPLICATION.get(id, lock=True, version=version)
        rules.refuse_decision(row)
        row = await _move(row, state, by=by)
        if state == "accepted":
            await enqueue(DB, JOB, key=str(id))
        return row


async def admit_again(id: UUID, version: int, by: Actor) -> Application:
    async with DB.transaction():
        row = await APPLICATION.get(id, lock=True, version=version)
        if row.state != "accepted" or row.problem is None:
            raise Conflict("This admission goes on by itself.")
        row = await APPLICATION.change(id, version, {"problem": None}, by=by)
        await enqueue(DB, JOB, key=str(id))
        return row


async def note(id: UUID, **values: Any) -> None:
    """What a step of the admission found."""
    async with DB.transaction():
        row = await APPLICATION.get(id, lock=True)
        await APPLICATION.change(id, row.version, values, by=None)


async def forget(now: datetime) -> None:
    for state, length in rules.KEPT.items():
        await _FORGET.execute(state, now - length)


async def _move(row: Application, state: ApplicationState, *, by: Actor | None = None, **values: Any) -> Application:
    change = {"state": state, "state_changed_at": await DB.now(), **values}
    return await APPLICATION.change(row.id, row.version, change, by=by)


def _digest(token: str) -> str:
    """256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()
