"""What person and curriculum answer about people, as far as lists show it. Fields that aren't named are skipped."""

from datetime import date, datetime
from uuid import UUID

from msgspec import Struct


class Person(Struct, frozen=True, kw_only=True):
    """Whoever sees only the public part of somebody gets no status, address or mentor."""

    id: UUID
    name: str
    mastery: str
    specialty: str
    status: str | None = None
    email: str | None = None
    joined_on: date | None = None
    status_changed_at: datetime | None = None
    intro_reminder_at: datetime | None = None


class AccountInList(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    email: str
    person_id: UUID | None = None
    created_at: datetime


class CurriculumInList(Struct, frozen=True, kw_only=True):
    person_id: UUID
    completed_count: int = 0
    now_count: int = 0
    next_count: int = 0
    later_count: int = 0
    changed_at: datetime | None = None
