"""All SQL about mails to people."""

from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.repository import By, Repository, Where
from gatehouse_chassis.data.statements import arg
from gatehouse_chassis.jobs.queue import enqueue
from gatehouse_chassis.lists.filters import choices, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_communication import tables
from gatehouse_communication.access import DONOR_SENDERS, SENDERS
from gatehouse_communication.delivery import rules
from gatehouse_communication.delivery.structs import Delivery
from gatehouse_communication.enumerators import MailKind, MailState
from gatehouse_communication.events import OUTBOX, MailIds
from gatehouse_communication.tables import DB

JOB = "deliver"
DELIVERY = Repository(tables.Delivery, Delivery)
DELIVERIES = Listing(
    tables.Delivery,
    Delivery,
    filters={
        "state": choices(tables.Delivery.state, get_args(MailState)),
        "kind": choices(tables.Delivery.kind, get_args(MailKind)),
        "person": uuid(tables.Delivery.person_id),
    },
    sorts={"created": tables.Delivery.created_at},
    default_sort="-created",
)
_ORDER = DB.prepare(
    InsertOf(
        {
            tables.Delivery.id: arg(1),
            tables.Delivery.event_id: arg(2),
            tables.Delivery.person_id: arg(3),
            tables.Delivery.kind: arg(4),
            tables.Delivery.about_id: arg(5),
            tables.Delivery.created_request: arg(6),
        }
    )
    .on_conflict()  # once for the event: of a person, or of somebody outside
    .returning(tables.Delivery.id)
)
_REMINDER = DB.prepare(
    tables.Delivery.select(tables.Delivery.id).where(
        (tables.Delivery.event_id == arg(1))
        & (tables.Delivery.person_id == arg(2))
        & (tables.Delivery.kind == "meeting_reminder")
        & (tables.Delivery.state == "queued")
    )
)


async def order(kind: MailKind, person_id: UUID | None, *, event_id: UUID, about_id: UUID | None = None) -> None:
    """In a transaction: this person, or somebody outside the institute, gets this mail, once for the event."""
    id = await _ORDER.value(uuid7(), event_id, person_id, kind, about_id, request_id()[:200])
    if id is not None:
        await enqueue(DB, JOB, key=str(id))


async def remind(person_id: UUID, encounter_id: UUID) -> None:
    """In a transaction: this person is reminded of this meeting once. When, is found out each time it is planned."""
    id = await _ORDER.value(
        uuid7(), encounter_id, person_id, "meeting_reminder", encounter_id, request_id()[:200]
    ) or await _REMINDER.value(encounter_id, person_id)
    if id is not None:
        await enqueue(DB, JOB, key=str(id))


async def wait_until(delivery: Delivery, at: datetime) -> None:
    """It stays queued, and its job is due then."""
    async with DB.transaction():
        await enqueue(DB, JOB, key=str(delivery.id), due_at=at)


async def move(delivery: Delivery, state: MailState, *, by: By | None = None, **values: Any) -> Delivery:
    """The delivery in its new state. Raises StaleVersion when another task, or a person, moved it first."""
    return await DELIVERY.change(delivery.id, delivery.version, {"state": state, **values}, by=by)


async def mark_sent(delivery: Delivery, message_id: str | None = None, *, by: By | None = None) -> Delivery:
    """With the event that says so."""
    async with DB.transaction():
        sent = await move(delivery, "sent", by=by, sent_at=await DB.now(), message_id=message_id, error=None)
        ids = MailIds(sent.person_id, sent.kind, sent.about_id)
        await OUTBOX.publish("communication.mail.sent", sent, by=by, ids=ids)
    return sent


def shown_to(actor: Actor) -> Where:
    """Of mails to donors finance knows, and of all others those who follow up people."""
    kinds: set[MailKind] = set()
    if actor.has(*SENDERS):
        kinds |= set(get_args(MailKind)) - rules.OF_DONORS
    if actor.has(*DONOR_SENDERS):
        kinds |= rules.OF_DONORS
    return ("kind = any({})", sorted(kinds))


async def send_again(id: UUID, version: int, by: Actor) -> Delivery:
    """Raises Conflict unless a person may decide that."""
    async with DB.transaction():
        delivery = await DELIVERY.get(id, lock=True, version=version, where=shown_to(by))
        rules.refuse_repeat(delivery)
        queued = await move(delivery, "queued", by=by, tries=0, error=None)
        await enqueue(DB, JOB, key=str(id))
    return queued


async def settle(id: UUID, version: int, by: Actor) -> Delivery:
    """Somebody knows that an unknown one arrived."""
    async with DB.transaction():
        delivery = await DELIVERY.get(id, lock=True, version=version, where=shown_to(by))
        rules.refuse_settling(delivery)
        return await mark_sent(delivery, by=by)
