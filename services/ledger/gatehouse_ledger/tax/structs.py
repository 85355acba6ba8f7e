"""What the year's tax forms ask, prepared and never filed. Amounts are minor units of USD."""

from datetime import date
from typing import Literal
from uuid import UUID

import msgspec

from gatehouse_ledger.enumerators import ThresholdName


class TaxThreshold(msgspec.Struct, frozen=True):
    name: ThresholdName
    from_year: int
    amount: int
    source: str


class FormLine(msgspec.Struct, frozen=True):
    """A line of Form 990-EZ. `account_ids`: whose postings it adds up; none for a sum of other lines."""

    line: str
    words: str
    amount: int
    account_ids: list[UUID]


class Form990Workbook(msgspec.Struct, frozen=True):
    """`form`: the smallest that the figures allow. `normal_receipts`: the average of this year and the two before."""

    year: int
    form: Literal["990-N", "990-EZ", "990"]
    why: str
    gross_receipts: int
    normal_receipts: int
    total_assets: int
    lines: list[FormLine]


class FigurePosting(msgspec.Struct, frozen=True):
    """A posting behind a figure. `memo`: for finance only, as it may name a person."""

    entry_id: UUID
    booked_on: date
    memo: str
    code: str
    account: str
    fund: str
    amount: int


class Form1099Row(msgspec.Struct, frozen=True):
    """`reportable`: what wasn't paid by card or through a payment service, which report themselves."""

    payee_id: UUID
    name: str
    w9_on_file: bool
    exempt: bool
    total: int
    reportable: int
    over: bool


class Form1099List(msgspec.Struct, frozen=True):
    year: int
    threshold: int
    source: str
    rows: list[Form1099Row]


class LargeDonor(msgspec.Struct, frozen=True):
    """A donor whom Schedule B names. It is private: it is never given to the public, nor to the board."""

    donor_id: UUID
    name: str
    address: str | None
    money: int
    things: int


class ScheduleB(msgspec.Struct, frozen=True):
    """`threshold`: the general rule; more than two of a hundred of all gifts isn't looked at."""

    year: int
    threshold: int
    donors: list[LargeDonor]


class PaidInYear(msgspec.Struct, frozen=True):
    """What a payee was paid in a year: in all, and of it what others report."""

    payee_id: UUID
    name: str
    w9_on_file: bool
    exempt: bool
    total: int
    elsewhere: int
