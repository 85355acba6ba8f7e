"""What ledger answers about the year's tax forms, as far as pages show it.

Fields that aren't named here are skipped.
"""

from datetime import date
from uuid import UUID

from msgspec import Struct


class FormLine(Struct, frozen=True, kw_only=True):
    line: str
    words: str
    amount: int
    account_ids: list[UUID]


class Form990Workbook(Struct, frozen=True, kw_only=True):
    year: int
    form: str
    why: str
    gross_receipts: int
    normal_receipts: int
    total_assets: int
    lines: list[FormLine]


class FigurePosting(Struct, frozen=True, kw_only=True):
    entry_id: UUID
    booked_on: date
    memo: str
    code: str
    account: str
    fund: str
    amount: int


class Form1099Row(Struct, frozen=True, kw_only=True):
    payee_id: UUID
    name: str
    w9_on_file: bool
    exempt: bool
    total: int
    reportable: int
    over: bool


class Form1099List(Struct, frozen=True, kw_only=True):
    year: int
    threshold: int
    rows: list[Form1099Row]


class LargeDonor(Struct, frozen=True, kw_only=True):
    donor_id: UUID
    name: str
    address: str | None = None
    money: int
    things: int


class ScheduleB(Struct, frozen=True, kw_only=True):
    year: int
    threshold: int
    donors: list[LargeDonor]


class FunctionalRow(Struct, frozen=True, kw_only=True):
    account_id: UUID
    code: str
    account: str
    program: int
    management: int
    fundraising: int
    total: int


class FunctionalExpenses(Struct, frozen=True, kw_only=True):
    from_on: date
    to_on: date
    currency: str
    rows: list[FunctionalRow]
    program: int
    management: int
    fundraising: int
    total: int
