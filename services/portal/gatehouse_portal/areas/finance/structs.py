"""What ledger answers, as far as pages show it. Fields that aren't named here are skipped."""

from datetime import date, datetime
from uuid import UUID

from msgspec import Struct


class Reconciliation(Struct, frozen=True, kw_only=True):
    account_id: UUID
    code: str
    name: str
    currency: str
    statement_on: date | None = None
    statement: int | None = None
    books: int
    open_lines: int
    open_lines_sum: int
    oldest_open: date | None = None
    open_postings: int
    open_postings_sum: int


class AccountingPeriod(Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    starts_on: date
    state: str
    prepared_at: datetime | None = None
    prepared_by: UUID | None = None
    closed_at: datetime | None = None
    entries: int


class ImportedStatement(Struct, frozen=True, kw_only=True):
    id: UUID
    account_id: UUID
    file_name: str
    format: str
    from_on: date
    to_on: date
    closing: int | None = None
    state: str
    difference: int
    lines: int
    new_lines: int


class CsvMapping(Struct, frozen=True, kw_only=True):
    """Which column of a CSV file is what; ledger's own, sent back as the form has it."""

    day: str
    day_order: str
    amount: str | None = None
    paid_in: str | None = None
    paid_out: str | None = None
    text: list[str] = []
    reference: str | None = None
    bank_id: str | None = None
    balance: str | None = None
    decimal_comma: bool = False


class ImportRequest(Struct, frozen=True):
    mapping: CsvMapping | None = None


class NewBankFile(Struct, frozen=True, kw_only=True):
    account_id: UUID
    name: str
    content: bytes


class ShownLine(Struct, frozen=True, kw_only=True):
    booked_on: date
    amount: int
    text: str
    known: bool


class ShownStatement(Struct, frozen=True, kw_only=True):
    format: str
    bank_account: str
    from_on: date
    to_on: date
    opening: int | None = None
    closing: int | None = None
    state: str
    difference: int
    why: str
    lines: int
    new_lines: int
    known_lines: int
    sample: list[ShownLine]


class BankFile(Struct, frozen=True, kw_only=True):
    id: UUID
    account_id: UUID
    name: str
    currency: str
    refused: str
    columns: list[str]
    mapping: CsvMapping | None = None
    statements: list[ShownStatement]


class ImportOutcome(Struct, frozen=True, kw_only=True):
    account_id: UUID
    statements: int
    quarantined: int
    new_lines: int
    known_lines: int
    matched: int


class OpenLine(Struct, frozen=True, kw_only=True):
    id: UUID
    booked_on: date
    amount: int
    text: str
    reference: str = ""


class OpenPosting(Struct, frozen=True, kw_only=True):
    id: UUID
    booked_on: date
    amount: int
    memo: str


class LineBooking(Struct, frozen=True, kw_only=True):
    counter_account_id: UUID
    fund_id: UUID
    function: str = "none"
    program_id: UUID | None = None


class LineSuggestion(Struct, frozen=True, kw_only=True):
    line: OpenLine
    kind: str
    score: int
    reasons: list[str]
    lines: list[OpenLine]
    postings: list[OpenPosting]
    rest: int
    booking: LineBooking | None = None


class LineQueue(Struct, frozen=True, kw_only=True):
    open_lines: int
    suggestions: list[LineSuggestion]
    others: list[OpenLine]


class NewMatch(Struct, frozen=True, kw_only=True):
    account_id: UUID
    line_ids: list[UUID]
    posting_ids: list[UUID] = []
    booking: LineBooking | None = None


class MatchRecord(Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    account_id: UUID


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
    donor_id: UUID
    received_on: date
    fund_id: UUID
    kind: str = "money"
    amount: int = 0
    in_kind_text: str | None = None
    goods_value: int = 0
    goods_text: str | None = None
    entry_id: UUID | None = None
    deposit: GiftDeposit | None = None


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


class JournalEntry(Struct, frozen=True, kw_only=True):
    id: UUID
    booked_on: date
    memo: str


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


class QuarterValue(Struct, frozen=True, kw_only=True):
    ends_on: date
    value: int | None = None


class BoardFigure(Struct, frozen=True, kw_only=True):
    key: str
    name: str
    definition: str
    unit: str
    source: str
    quarters: list[QuarterValue]

    @property
    def value(self) -> int | None:
        return self.quarters[-1].value


class BoardFigures(Struct, frozen=True, kw_only=True):
    ends_on: date
    as_of: datetime
    figures: list[BoardFigure]


class BoardPack(Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    ends_on: date
    state: str
    comment: str | None = None
    frozen_at: datetime | None = None
    created_by: UUID | None = None


class NewBoardPack(Struct, frozen=True, kw_only=True, omit_defaults=True):
    ends_on: date
    comment: str | None = None


class Restatement(Struct, frozen=True, kw_only=True):
    key: str
    frozen: int | None = None
    now: int | None = None


class ShownPack(Struct, frozen=True, kw_only=True):
    pack: BoardPack
    figures: BoardFigures
    restated: list[Restatement]
