"""What other services answer, as far as it is used here. A test compares it with their OpenAPI."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct


class KnownPerson(Struct, kw_only=True, frozen=True):
    """Whom an address belongs to, and how they stand."""

    id: UUID
    status: str


class InvitationOfPerson(Struct, kw_only=True, frozen=True):
    """How far somebody has come whom this service invites."""

    id: UUID | None
    state: Literal["invited", "signed_in"]


class HostContact(Struct, kw_only=True, frozen=True):
    """How person calls who holds an introduction."""

    name: str


class IntroducedPerson(Struct, kw_only=True, frozen=True):
    """A person, as far as their introduction goes."""

    id: UUID
    version: int
    status: str | None
    intro_scheduled_for: datetime | None
    intro_held_at: datetime | None


class Candidate(Struct, kw_only=True, frozen=True):
    """A person, as far as matching looks at them."""

    id: UUID
    version: int
    name: str
    status: str | None
    status_changed_at: datetime | None
    mastery: str
    specialty: str
    time_zone: str | None


class Candidates(Struct, kw_only=True, frozen=True):
    """A page of people."""

    items: list[Candidate]


class OpenMentorship(Struct, kw_only=True, frozen=True):
    """Who mentors whom now."""

    id: UUID
    mentor_id: UUID
    member_id: UUID


class OpenMentorships(Struct, kw_only=True, frozen=True):
    """A page of them."""

    items: list[OpenMentorship]
    total: int | None = None
