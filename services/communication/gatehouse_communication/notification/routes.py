"""What happened to the caller, over HTTP."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post
from msgspec import Meta

from gatehouse_chassis import Actor
from gatehouse_chassis.base.fields import Moment, refuse_odd_times
from gatehouse_chassis.http.etags import versioned
from gatehouse_chassis.http.guards import signed_in
from gatehouse_chassis.lists.listing import Page
from gatehouse_communication.notification import queries
from gatehouse_communication.notification.queries import NOTIFICATION, NOTIFICATIONS
from gatehouse_communication.notification.structs import Notification, ReadCount


class ReadUntil(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`until`: what came later stays unread."""

    until: Annotated[Moment, Meta(description="When the list was shown")]


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
        refuse_odd_times(data)
        return ReadCount(0 if actor.person is None else await queries.mark_read(actor.person, data.until))
