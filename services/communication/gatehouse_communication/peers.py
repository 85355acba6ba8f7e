"""What other services answer, as far as it is used here. A test compares it with their OpenAPI."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class PersonContact(Struct, kw_only=True, frozen=True):
    """Where a person is written to, and how they are called."""

    id: UUID
    name: str
    email: str
    preferred_name: str | None = None
    archived_at: datetime | None = None
    time_zone: str | None = None
    intro_scheduled_for: datetime | None = None


class ConfirmLink(Struct, kw_only=True, frozen=True):
    """A link by which a stranger says that an application is theirs, and who they say they are."""

    name: str
    email: str
    url: str
    expires_at: datetime


class InvitationLink(Struct, kw_only=True, frozen=True):
    """A link by which an invited person signs in, once."""

    url: str
    expires_at: datetime


class ReceiptMail(Struct, kw_only=True, frozen=True):
    """Whom a receipt goes to, and a new link for its donor. `email` None: they have no address."""

    name: str
    email: str | None
    number: str
    of_year: int | None
    valid: bool
    url: str
    until: datetime


class GiftMail(Struct, kw_only=True, frozen=True):
    """Who gave, and whether thanks are still due: a gift with a receipt is thanked for by that."""

    name: str
    email: str | None
    due: bool


class PulseLink(Struct, kw_only=True, frozen=True):
    """A link by which a mentor says that they are still with us."""

    url: str


class ProposedTimes(Struct, kw_only=True, frozen=True):
    """When two who were introduced both have time."""

    times: list[datetime]


class PlannedMeeting(Struct, kw_only=True, frozen=True):
    """An encounter, as far as its time goes."""

    id: UUID
    member_id: UUID
    mentor_id: UUID
    state: str
    planned_from: datetime
