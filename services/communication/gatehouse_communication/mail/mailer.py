"""The port through which mails leave, and how a handover can end."""

from email.message import EmailMessage
from typing import Protocol
from uuid import UUID

import msgspec


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """A message, ready to leave."""

    delivery_id: UUID
    person_id: UUID | None
    address: str
    message: EmailMessage


class MailRefused(Exception):
    """The mail server refused this mail for good. The text is its code, never what somebody wrote."""


class MailNotAccepted(Exception):
    """The mail server certainly didn't accept it; it may later."""


class MailUnknown(Exception):
    """The mail server may have accepted it: nobody can tell."""


class Mailer(Protocol):
    async def send(self, handover: Handover) -> str:
        """What the mail server calls it. Raises MailRefused, MailNotAccepted, MailUnknown."""
        ...
