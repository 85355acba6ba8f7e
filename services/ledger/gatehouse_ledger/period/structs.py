"""What callers get about the months of the books."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from gatehouse_ledger.enumerators import PeriodState


class PeriodRecord(msgspec.Struct, frozen=True):
    """A month as the table has it."""

    id: UUID
    version: int
    starts_on: date
    state: PeriodState
    prepared_at: datetime | None
    prepared_by: UUID | None
    closed_at: datetime | None
    closed_by: UUID | None


class AccountingPeriod(msgspec.Struct, frozen=True):
    """A month: who prepared and closed it, and how many entries it has."""

    id: UUID
    version: int
    starts_on: date
    state: PeriodState
    prepared_at: datetime | None
    prepared_by: UUID | None
    closed_at: datetime | None
    closed_by: UUID | None
    entries: int
