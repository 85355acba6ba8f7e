"""All SQL about what happened to people."""

from datetime import datetime
from uuid import UUID

from piccolo.querystring import QueryString
from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import NOW, arg
from gatehouse_chassis.lists.filters import present
from gatehouse_chassis.lists.listing import Condition, Listing
from gatehouse_communication import tables
from gatehouse_communication.enumerators import NotificationKind
from gatehouse_communication.notification.structs import Notification
from gatehouse_communication.tables import DB

NOTIFICATION = Repository(tables.Notification, Notification)
NOTIFICATIONS = Listing(
    tables.Notification,
    Notification,
    filters={"read": present(tables.Notification.read_at)},
    sorts={"created": tables.Notification.created_at},
    default_sort="-created",
)
_ADD = DB.prepare(
    InsertOf(
        {
            tables.Notification.id: arg(1),
            tables.Notification.event_id: arg(2),
            tables.Notification.person_id: arg(3),
            tables.Notification.kind: arg(4),
            tables.Notification.about_id: arg(5),
            tables.Notification.created_request: arg(6),
        }
    ).on_conflict((tables.Notification.event_id, tables.Notification.person_id, tables.Notification.kind), "DO NOTHING")
)
_READ = DB.prepare(
    tables.Notification.update(
        {tables.Notification.read_at: NOW, tables.Notification.version: QueryString("version + 1")}
    ).where(
        (tables.Notification.person_id == arg(1))
        & tables.Notification.read_at.is_null()
        & (tables.Notification.created_at <= arg(2))
    )
)


_UNREAD = DB.prepare(
    tables.Notification.select(QueryString("count(*)")).where(
        (tables.Notification.person_id == arg(1)) & tables.Notification.read_at.is_null()
    )
)
_WITH_UNREAD = DB.prepare(
    tables.Notification.select(tables.Notification.person_id)
    .where(tables.Notification.read_at.is_null() & (tables.Notification.created_at > arg(1)))
    .distinct()
)


async def unread_count(person_id: UUID) -> int:
    return int(await _UNREAD.value(person_id) or 0)


async def with_unread_since(since: datetime) -> list[UUID]:
    """Who hasn't looked at something that happened since then."""
    return await _WITH_UNREAD.values(since)


def own(actor: Actor) -> Condition:
    """Nobody sees another one's, whatever their roles."""
    return ("false",) if actor.person is None else ("person_id = {}", actor.person)


async def notify(kind: NotificationKind, person_id: UUID, *, event_id: UUID, about_id: UUID) -> None:
    """In a transaction: this person sees that this happened, once for the event."""
    await _ADD.execute(uuid7(), event_id, person_id, kind, about_id, request_id()[:200])


async def mark_read(person_id: UUID, until: datetime) -> int:
    """Those that were there at `until` are read; returns how many weren't."""
    return await _READ.execute(person_id, until)
