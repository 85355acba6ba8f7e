"""What callers get about the period that is planned, and about how much time a member has for it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct


class CommitmentRow(Struct, kw_only=True, frozen=True):
    """From `stated_at` on, until the next one. `meets_every_days`: null where nobody has said."""

    id: UUID
    minutes_per_week: int
    meets_every_days: int | None
    stated_at: datetime
    stated_by: UUID | None


class Period(Struct, kw_only=True, frozen=True):
    """From `committed_at` to `ends_at`, counted in days of the member's `time_zone`."""

    id: UUID
    committed_at: datetime
    committed_by: UUID | None
    ends_at: datetime
    time_zone: str
    assignment_ids: list[UUID]
    withdrawn_at: datetime | None


class PeriodRecord(Period, kw_only=True, frozen=True):
    """With what undoing it needs."""

    before: Any
    committed_version: int


class PresentPeriod(Period, kw_only=True, frozen=True):
    """`capacity_minutes`: how much time the member has for learning in it, by what they said from when on."""

    capacity_minutes: int


class Planning(Struct, kw_only=True, frozen=True):
    """The member's commitment, the period that was committed last, and what the next one would have room for.

    Without a word of anybody: 6 hours a week, periods of 7 days, and `stated_at` null.
    """

    minutes_per_week: int
    meets_every_days: int | None
    stated_at: datetime | None
    stated_by: UUID | None
    usual_days: int
    usual_capacity_minutes: int
    period: PresentPeriod | None
