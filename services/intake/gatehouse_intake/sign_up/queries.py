"""All SQL about sign-ups."""

from typing import Any, get_args
from uuid import UUID

from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_chassis.jobs.queue import enqueue
from gatehouse_chassis.lists.filters import choices, present, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_intake import tables
from gatehouse_intake.enumerators import SignUpSource, SignUpState
from gatehouse_intake.events import OUTBOX, ReceivedIds, SignUpIds
from gatehouse_intake.sign_up import rules
from gatehouse_intake.sign_up.structs import ListedSignUp, NewSignUp, SignUp
from gatehouse_intake.tables import DB

JOB = "advance"
BOUNCED = "The welcome mail came back. Ask for another address, correct it on their page, and send the mail again."
SIGN_UP = Repository(
    tables.SignUp,
    SignUp,
    unique={"one_live": {"person_id": "this person has another sign-up on its way"}},
)
TWINS = (
    "(select count(*) from intake.sign_up twin where twin.twin_key = sign_up.twin_key and twin.id <> sign_up.id "
    "and twin.person_id is distinct from sign_up.person_id)"
)
SIGN_UPS = Listing(
    tables.SignUp,
    ListedSignUp,
    columns={"twins": TWINS},
    filters={
        "state": choices(tables.SignUp.state, get_args(SignUpState)),
        "source": choices(tables.SignUp.source, get_args(SignUpSource)),
        "person": uuid(tables.SignUp.person_id),
        "problem": present(tables.SignUp.problem),
    },
    sorts={"created": tables.SignUp.created_at, "moved": tables.SignUp.state_changed_at},
    search=[tables.SignUp.name, tables.SignUp.email],
    default_sort="-created",
)
_table = tables.SignUp
_ADD = DB.prepare(
    InsertOf(
        {
            _table.id: arg(1),
            _table.source: arg(2),
            _table.external_id: arg(3),
            _table.payload_hash: arg(4),
            _table.name: arg(5),
            _table.email: arg(6),
            _table.time_zone: arg(7),
            _table.goal: arg(8),
            _table.problem: arg(9),
            _table.created_by: arg(10),
            _table.created_request: arg(11),
        }
    )
    .on_conflict((_table.source, _table.external_id), "DO NOTHING")
    .returning(_table.id, _table.version)
)
_BY_EXTERNAL_ID = DB.prepare(
    _table.select(*columns_for(SignUp, _table)).where((_table.source == arg(1)) & (_table.external_id == arg(2))),
    SignUp,
)
_LIVE_OF_PERSON = DB.prepare(
    _table.select(_table.id).where((_table.person_id == arg(1)) & _table.state.is_in(list(rules.LIVE)))
)


async def receive(new: NewSignUp, by: Actor | None = None) -> bool:
    """In a transaction. False: this door brought it before. Then nothing changes, unless it couldn't be read before."""
    id = uuid7()
    values = (new.source, new.external_id, new.payload_hash, new.name, new.email, new.time_zone, new.goal, new.problem)
    account = None if by is None else by.account
    if await _ADD.value(id, *values, account, request_id()[:200]) is None:
        await _read_at_last(new, by)
        return False
    row = await SIGN_UP.get(id)
    await OUTBOX.publish("intake.received", row, by=by, ids=ReceivedIds(row.source))
    if row.problem is None:
        await enqueue(DB, JOB, key=str(id))
    return True


async def stand_of(source: SignUpSource, external_id: str) -> SignUp:
    """How the sign-up stands that this door calls so."""
    row = await _BY_EXTERNAL_ID.one(source, external_id)
    assert row is not None
    return row


async def _read_at_last(new: NewSignUp, by: Actor | None) -> None:
    known = await stand_of(new.source, new.external_id)
    if known.state == "received" and known.email is None and new.email is not None:
        await take_address(known.id, new.name, new.email, by=by)


async def take_address(id: UUID, name: str, email: str, *, by: Actor | None = None) -> SignUp:
    """In a transaction: now it can go on."""
    row = await SIGN_UP.get(id, lock=True)
    row = await moved(row, row.state, by=by, name=name, email=email, state_changed_at=row.state_changed_at)
    await enqueue(DB, JOB, key=str(id))
    return row


async def take_person(id: UUID, person_id: UUID, status: str) -> SignUp:
    """The sign-up whose person was found, in its next state; as it is where that was done before."""
    async with DB.transaction():
        await DB.advisory_lock(f"intake.person.{person_id}")
        row = await SIGN_UP.get(id, lock=True)
        if row.state != "received":
            return row
        other = await _LIVE_OF_PERSON.value(person_id)
        state = rules.stands_after(status, on_their_way=other is not None)
        row = await moved(row, state, person_id=person_id)
        if state == "duplicate":
            await OUTBOX.publish("intake.duplicate", row, by=None, ids=SignUpIds(person_id))
        return row


async def take_invitation(id: UUID, invitation_id: UUID | None) -> SignUp:
    """Without an invitation they sign in already. The welcome mail may have been sent before this is known."""
    async with DB.transaction():
        row = await SIGN_UP.get(id, lock=True)
        if row.state not in rules.FOLLOWS["welcomed"]:
            return await SIGN_UP.change(id, row.version, {"invitation_id": invitation_id}, by=None)
        state: SignUpState = "welcomed" if invitation_id is None else "invited"
        return await moved(row, state, invitation_id=invitation_id)


async def follow_person(person_id: UUID, state: SignUpState) -> None:
    """In a transaction: the sign-up of this person that is on its way, if there is one."""
    id = await _LIVE_OF_PERSON.value(person_id)
    if id is None:
        return
    row = await SIGN_UP.get(id, lock=True)
    if row.state in rules.FOLLOWS[state]:
        await moved(row, state)


async def note_bounce(person_id: UUID) -> None:
    """In a transaction: whose welcome mail came back, and who isn't further on their way."""
    id = await _LIVE_OF_PERSON.value(person_id)
    row = None if id is None else await SIGN_UP.get(id, lock=True)
    if row is not None and row.state in rules.FOLLOWS["welcomed"] | {"welcomed"}:
        await SIGN_UP.change(row.id, row.version, {"problem": BOUNCED}, by=None)


async def moved(row: SignUp, state: SignUpState, *, by: Actor | None = None, **values: Any) -> SignUp:
    """In another state, with nothing that keeps it from going on."""
    change = {"state": state, "state_changed_at": await DB.now(), "problem": None, "tries": 0, **values}
    return await SIGN_UP.change(row.id, row.version, change, by=by)


async def person_of(id: UUID, version: int, state: SignUpState) -> UUID:
    """Whose sign-up it is. Raises Conflict where it can't come into this state."""
    row = await SIGN_UP.get(id, version=version)
    rules.refuse_introduction(row, state)
    assert row.person_id is not None
    return row.person_id


async def introduce(id: UUID, version: int, state: SignUpState, by: Actor) -> SignUp:
    """With the event that says so."""
    async with DB.transaction():
        row = await SIGN_UP.get(id, lock=True, version=version)
        rules.refuse_introduction(row, state)
        row = await moved(row, state, by=by)
        assert row.person_id is not None
        what = "scheduled" if state == "scheduled" else "held"
        await OUTBOX.publish(f"intake.introduction.{what}", row, by=by, ids=SignUpIds(row.person_id))
        return row


async def follow_introduction(person_id: UUID, state: SignUpState, by: Actor) -> None:
    """The person's sign-up, if one is on its way: they took a time, or it doesn't take place."""
    async with DB.transaction():
        id = await _LIVE_OF_PERSON.value(person_id)
        row = None if id is None else await SIGN_UP.get(id, lock=True)
        if row is not None and state == "welcomed" and row.state == "scheduled":
            await moved(row, state, by=by)
        elif row is not None and state == "scheduled" and row.state in rules.FOLLOWS[state]:
            row = await moved(row, state, by=by)
            await OUTBOX.publish("intake.introduction.scheduled", row, by=by, ids=SignUpIds(person_id))


async def failed(id: UUID, problem: str) -> None:
    """Somebody sees that it can't go on."""
    async with DB.transaction():
        row = await SIGN_UP.get(id, lock=True)
        await SIGN_UP.change(id, row.version, {"problem": problem, "tries": row.tries + 1}, by=None)


async def try_again(id: UUID, version: int, by: Actor) -> SignUp:
    """Raises Conflict where there is nothing to try again."""
    async with DB.transaction():
        row = await SIGN_UP.get(id, lock=True, version=version)
        rules.refuse_retry(row)
        state: SignUpState = "received" if row.state == "returning" else row.state
        row = await moved(row, state, by=by, state_changed_at=row.state_changed_at)
        await enqueue(DB, JOB, key=str(id))
        return row


async def reject(id: UUID, version: int, by: Actor) -> SignUp:
    """Raises Conflict for one that has become somebody."""
    async with DB.transaction():
        row = await SIGN_UP.get(id, lock=True, version=version)
        rules.refuse_rejection(row)
        return await moved(row, "rejected", by=by)
