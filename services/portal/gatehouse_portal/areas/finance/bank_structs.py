"""What ledger answers about banks' files and the lines of their statements, as far as pages show it.

Fields that aren't named here are skipped.
"""

from datetime import date
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
