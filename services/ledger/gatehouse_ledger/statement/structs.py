"""What callers send and get about files of banks, statements and their lines."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from gatehouse_chassis.base.fields import Word
from gatehouse_ledger.bank_file.structs import CsvMapping
from gatehouse_ledger.enumerators import StatementFormat, StatementState


class NewBankFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file as it came from the bank; `content` is its bytes in base64."""

    account_id: UUID
    name: Word
    content: Annotated[bytes, Meta(max_length=64_000_000)]


class ShownLine(msgspec.Struct, frozen=True):
    """A line of a file that wasn't imported yet. `known`: it is there already."""

    booked_on: date
    amount: int
    text: str
    known: bool


class ShownStatement(msgspec.Struct, frozen=True):
    """What an import of one statement would do.

    `difference`: closing less what the lines lead to; `why`: in words, where it isn't proven. `bank_account`: the last
    four characters of the bank's number of the account. `sample`: its first lines.
    """

    format: StatementFormat
    bank_account: str
    from_on: date
    to_on: date
    opening: int | None
    closing: int | None
    state: StatementState
    difference: int
    why: str
    lines: int
    new_lines: int
    known_lines: int
    sample: list[ShownLine]


class BankFile(msgspec.Struct, frozen=True):
    """A file that waits to be imported, as an import would read it now.

    `refused`: why it can't be read, or empty. `columns`: of a CSV file, the names in its header; `mapping`: how they
    are read. Where `mapping` is null and there are columns, somebody has to say which is what.
    """

    id: UUID
    version: int
    account_id: UUID
    name: str
    currency: str
    refused: str
    columns: list[str]
    mapping: CsvMapping | None
    statements: list[ShownStatement]


class ImportRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`mapping`: which column is what, for a CSV file; it is kept for later files of the account with this header."""

    mapping: CsvMapping | None = None


class ImportOutcome(msgspec.Struct, frozen=True):
    """What an import did. `matched`: lines that were certain, and are reconciled already."""

    account_id: UUID
    statements: int
    quarantined: int
    new_lines: int
    known_lines: int
    matched: int


class ImportedStatement(msgspec.Struct, frozen=True):
    """A statement never changes, so its version is always 1."""

    id: UUID
    version: int
    account_id: UUID
    file_name: str
    number: int
    format: StatementFormat
    from_on: date
    to_on: date
    opening: int | None
    closing: int | None
    state: StatementState
    difference: int
    lines: int
    new_lines: int
    imported_at: datetime
    imported_by: UUID | None


class StatementLine(msgspec.Struct, frozen=True):
    id: UUID
    account_id: UUID
    statement_id: UUID
    seq: int
    booked_on: date
    amount: int
    text: str
    reference: str
    bank_id: str
    match_id: UUID | None


class StagedFile(msgspec.Struct, frozen=True):
    """A row of bank_file."""

    id: UUID
    version: int
    account_id: UUID
    name: str
    sha256: str
    content: bytes


class BankAccount(msgspec.Struct, frozen=True):
    """What an import needs to know of the account."""

    id: UUID
    currency: str
    bank: bool


class LastBalance(msgspec.Struct, frozen=True):
    """The newest balance that a bank gave, and what the lines since then add up to."""

    to_on: date
    closing: int
    since: int


class Reconciliation(msgspec.Struct, frozen=True):
    """How far a bank's account is reconciled. `books`: its balance in the books; `statement`: by its newest statement.

    `open_lines` and `open_postings` are what isn't matched yet, with their sums; `oldest_open`: the first line's day.
    """

    account_id: UUID
    code: str
    name: str
    currency: str
    statement_on: date | None
    statement: int | None
    books: int
    open_lines: int
    open_lines_sum: int
    oldest_open: date | None
    open_postings: int
    open_postings_sum: int
