"""What ledger answers about the chart, the journal, its months and reports, as far as pages show it.

Fields that aren't named here are skipped.
"""

from datetime import date, datetime
from uuid import UUID

from msgspec import Struct


class AccountingPeriod(Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    starts_on: date
    state: str
    prepared_at: datetime | None = None
    prepared_by: UUID | None = None
    closed_at: datetime | None = None
    entries: int


class LedgerAccount(Struct, frozen=True, kw_only=True):
    id: UUID
    code: str
    name: str
    type: str
    currency: str


class Fund(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str


class Program(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str


class RestrictedAmount(Struct, frozen=True, kw_only=True):
    without_restrictions: int
    with_restrictions: int
    total: int


class StatementRow(Struct, frozen=True, kw_only=True):
    account_id: UUID
    code: str
    account: str
    type: str
    amount: RestrictedAmount


class StatementOfActivities(Struct, frozen=True, kw_only=True):
    from_on: date
    to_on: date
    currency: str
    rows: list[StatementRow]
    income: RestrictedAmount
    expenses: RestrictedAmount
    change: RestrictedAmount
    net_assets_before: RestrictedAmount
    net_assets_after: RestrictedAmount


class StatementOfPosition(Struct, frozen=True, kw_only=True):
    as_of: date
    currency: str
    rows: list[StatementRow]
    assets: RestrictedAmount
    liabilities: RestrictedAmount
    net_assets: RestrictedAmount


class NewPosting(Struct, frozen=True, kw_only=True, omit_defaults=True):
    account_id: UUID
    fund_id: UUID
    amount: int
    function: str = "none"
    program_id: UUID | None = None


class NewJournalEntry(Struct, frozen=True, kw_only=True):
    booked_on: date
    memo: str
    postings: list[NewPosting]
    source: str = "manual"


class JournalEntry(Struct, frozen=True, kw_only=True):
    id: UUID
    booked_on: date
    memo: str
