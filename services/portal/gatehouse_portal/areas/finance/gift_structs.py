"""What ledger answers about donors, gifts and receipts, as far as pages show it.

Fields that aren't named here are skipped.
"""

from datetime import date, datetime
from uuid import UUID

from msgspec import Struct


class Donor(Struct, frozen=True, kw_only=True):
    id: UUID
    kind: str
    name: str
    email: str | None = None
    address: str | None = None


class NewDonor(Struct, frozen=True, kw_only=True, omit_defaults=True):
    kind: str
    name: str
    email: str | None = None
    address: str | None = None


class Gift(Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    donor_id: UUID
    received_on: date
    kind: str
    amount: int
    fund_id: UUID
    in_kind_text: str | None = None
    goods_value: int = 0
    goods_text: str | None = None
    refunded_on: date | None = None
    receipt_id: UUID | None = None
    changed_since: bool = False


class ListedGift(Gift, frozen=True, kw_only=True):
    donor: str
    fund: str


class GiftDeposit(Struct, frozen=True, kw_only=True):
    account_id: UUID
    income_account_id: UUID


class NewGift(Struct, frozen=True, kw_only=True, omit_defaults=True):
    donor_id: UUID | None = None
    new_donor: NewDonor | None = None
    received_on: date
    fund_id: UUID
    kind: str = "money"
    amount: int = 0
    in_kind_text: str | None = None
    goods_value: int = 0
    goods_text: str | None = None
    entry_id: UUID | None = None
    deposit: GiftDeposit | None = None
    acknowledge: str = "later"


class UnrecordedIncome(Struct, frozen=True, kw_only=True):
    entry_id: UUID
    booked_on: date
    memo: str
    fund_id: UUID
    amount: int
    rest: int


class Receipt(Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    year: int
    sequence: int
    kind: str
    state: str
    donor_id: UUID
    of_year: int | None = None
    amount: int
    substituted: str | None = None
    replaces_id: UUID | None = None
    void_reason: str | None = None
    issued_at: datetime

    @property
    def number(self) -> str:
        return f"{self.year}-{self.sequence:05}"


class YearEndDonor(Struct, frozen=True, kw_only=True):
    donor_id: UUID
    name: str
    has_email: bool
    has_address: bool
    gifts: int
    amount: int
    open: int
    changed: int
    statement_id: UUID | None = None
    outdated: bool = False


class YearEnd(Struct, frozen=True, kw_only=True):
    year: int
    ready: int
    without_address: int
    changed: int
    done: int
    donors: list[YearEndDonor]


class StatementsIssued(Struct, frozen=True, kw_only=True):
    issued: int
    without_address: int


class IssuedDonorLink(Struct, frozen=True, kw_only=True):
    url: str
    until: datetime


class DonorReceipt(Struct, frozen=True, kw_only=True):
    id: UUID
    number: str
    kind: str
    of_year: int | None = None
    amount: int
    issued_at: datetime


class DonorReceipts(Struct, frozen=True, kw_only=True):
    donor: str
    institute: str
    receipts: list[DonorReceipt]
    until: datetime
