"""What communication answers, as far as pages show it. Fields that aren't named here are skipped."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class MailboxEntry(Struct, frozen=True, kw_only=True):
    id: UUID
    recipient: str
    subject: str
    received_at: datetime


class MailboxContent(MailboxEntry, frozen=True, kw_only=True):
    sender: str
    to: str
    text: str
    html: str
    source: str


class Delivery(Struct, frozen=True, kw_only=True):
    """A mail that somebody has to look at."""

    id: UUID
    version: int
    person_id: UUID | None = None
    about_id: UUID | None = None
    kind: str
    state: str
    address: str | None = None
    error: str | None = None
    created_at: datetime


class Notification(Struct, frozen=True, kw_only=True):
    id: UUID
    kind: str
    about_id: UUID
    read_at: datetime | None = None
    created_at: datetime


class Person(Struct, frozen=True, kw_only=True):
    """As person answers it."""

    id: UUID
    name: str
    mentor_id: UUID | None = None


class ReadCount(Struct, frozen=True):
    read: int
