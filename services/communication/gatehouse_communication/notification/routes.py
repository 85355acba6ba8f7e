"""What happened to the caller, over HTTP."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post
from msgspec import Meta

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Invalid
from gatehouse_chassis.http.etags import versioned
from gatehouse_chassis.http.guards import signed_in
from gatehouse_chassis.lists.listing import Page
from gatehouse_communication.notification import queries
from gatehouse_communication.notification.queries import NOTIFICATION, NOTIFICATIONS
from gatehouse_communication.notification.structs import Notification, ReadCount

RFC3339 = r"^[12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)(?![\s\S])"


class ReadUntil(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`until`: what came later stays unread."""

    # Not Moment: Litestar converts bodies leniently, and would take a number for a moment.
    until: Annotated[str, Meta(pattern=RFC3339, max_length=40, description="When the list was shown, in RFC 3339")]


class NotificationController(Controller):
    path = "/notifications"
    tags = ("notifications",)
    guards = (signed_in,)

    @get(
        operation_id="ListNotifications",
        operation_class=NOTIFICATIONS.operation,
        summary="What happened to me, the newest first; kept for a year",
    )
    async def list_notifications(self, request: Request[Any, Any, Any], actor: Actor) -> Page[Notification]:
        return await NOTIFICATIONS.page(request.query_params, where=[queries.own(actor)])

    @get("/{id:uuid}", operation_id="GetNotification", summary="One of them")
    async def get_notification(self, request: Request[Any, Any, Any], id: UUID, actor: Actor) -> Response[Notification]:
        return versioned(await NOTIFICATION.get(id, where=queries.own(actor)), request)

    @post("/read", operation_id="ReadNotifications", status_code=200, summary="Mark mine as read, up to a moment")
    async def read(self, data: ReadUntil, actor: Actor) -> ReadCount:
        return ReadCount(0 if actor.person is None else await queries.mark_read(actor.person, _moment(data.until)))


def _moment(text: str) -> datetime:
    """Raises Invalid for a day that no calendar has."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Invalid({"until": "is no moment; write it as 2026-11-30T09:00:00Z"}) from None
