"""What callers get about mails that were sent or couldn't be."""

from datetime import datetime
from uuid import UUID

import msgspec

from gatehouse_communication.enumerators import MailKind, MailState, SkipReason


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One mail, and what became of it. `person_id` None: to somebody outside the institute.

    `template_number` 0: the words that come with the service; `message_id`: what the mail server calls it.
    """

    id: UUID
    version: int
    event_id: UUID
    person_id: UUID | None
    kind: MailKind
    about_id: UUID | None
    state: MailState
    skip_reason: SkipReason | None
    address: str | None
    locale: str | None
    template_number: int | None
    message_id: str | None
    tries: int
    error: str | None
    sent_at: datetime | None
    created_at: datetime
    changed_at: datetime
    changed_by: UUID | None


class Recipient(msgspec.Struct, frozen=True):
    """Whom a mail goes to. `id`: None for who isn't a person of the institute."""

    name: str
    email: str
    id: UUID | None = None
    preferred_name: str | None = None
    archived: bool = False
    time_zone: str | None = None
    intro_scheduled_for: datetime | None = None

    @property
    def called(self) -> str:
        return self.preferred_name or self.name
