"""What callers get about the mailbox of the local environment."""

from datetime import datetime
from uuid import UUID

import msgspec


class MailboxEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A mail in the list."""

    id: UUID
    delivery_id: UUID
    recipient: str
    subject: str
    received_at: datetime


class StoredMail(MailboxEntry, frozen=True, kw_only=True):
    """A mail as it was stored."""

    message: bytes


class MailboxContent(MailboxEntry, frozen=True, kw_only=True):
    """A mail as a reader sees it: both parts, and the whole message as it would have left."""

    sender: str
    to: str
    text: str
    html: str
    source: str
