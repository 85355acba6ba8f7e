"""What partner answers, as far as pages show it. Fields that aren't named here are skipped."""

from datetime import date, datetime
from uuid import UUID

from msgspec import Struct


class Partner(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    kind: str
    status: str
    website: str | None = None
    summary: str | None = None
    since_on: date | None = None


class Contact(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    email: str | None = None
    phone: str | None = None
    title: str | None = None


class Money(Struct, frozen=True):
    """`amount` is in minor units (cents)."""

    amount: int
    currency: str


class Agreement(Struct, frozen=True, kw_only=True):
    id: UUID
    partner_id: UUID
    kind: str
    title: str
    status: str
    starts_on: date | None = None
    ends_on: date | None = None
    value: Money | None = None
    created_at: datetime | None = None
