"""What callers get about what happened to them."""

from datetime import datetime
from uuid import UUID

import msgspec

from gatehouse_communication.enumerators import NotificationKind


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened. `about_id`: the person it is about, or for `roles_changed` the account."""

    id: UUID
    version: int
    kind: NotificationKind
    about_id: UUID
    read_at: datetime | None
    created_at: datetime


class ReadCount(msgspec.Struct, frozen=True):
    """How many were unread until now."""

    read: int
