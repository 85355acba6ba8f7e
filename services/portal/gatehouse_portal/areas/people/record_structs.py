"""What person and identity answer about one person, as far as their record shows it."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class RecordedPerson(Struct, frozen=True, kw_only=True):
    """Somebody as coordinators and staff see them."""

    id: UUID
    version: int
    name: str
    preferred_name: str | None = None
    email: str | None = None
    phone: str | None = None
    location: str | None = None
    time_zone: str | None = None
    mastery: str
    specialty: str
    status: str | None = None
    status_reason: str | None = None
    status_changed_at: datetime | None = None


class PersonDetails(Struct, frozen=True, kw_only=True):
    """What is typed about somebody, as person takes it."""

    name: str
    email: str
    preferred_name: str | None
    phone: str | None
    location: str | None
    time_zone: str | None
    mastery: str
    specialty: str


class AccountOfPerson(Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    email: str
    status: str
    roles: list[str] = []
    last_sign_in_at: datetime | None = None
    archived_at: datetime | None = None


class InvitationInList(Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    account_id: UUID
    roles: list[str] = []
    expires_at: datetime | None = None
    used_at: datetime | None = None
    withdrawn_at: datetime | None = None
    created_at: datetime

    @property
    def is_open(self) -> bool:
        return self.used_at is None and self.withdrawn_at is None


class Grant(Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    role: str
    reason: str
    created_at: datetime
    revoked_at: datetime | None = None
    revoked_reason: str | None = None
