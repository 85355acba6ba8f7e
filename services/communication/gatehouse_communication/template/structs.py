"""What callers send and get about the words of mails."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from gatehouse_chassis.base.fields import END, Markdown, Word
from gatehouse_communication.enumerators import MailKind

Locale = Annotated[
    str, Meta(max_length=6, pattern=rf"^[a-z]{{2,3}}(?:-[A-Z]{{2}})?{END}", description="A language", examples=["en"])
]


class MailTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """A published version; the one with the highest number is in use."""

    id: UUID
    version: int
    kind: MailKind
    locale: str
    number: int
    subject: str
    body: str
    created_at: datetime
    created_by: UUID | None


class NewMailTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words to be used from now on."""

    kind: MailKind
    subject: Word
    body: Markdown
    locale: Locale = "en"
