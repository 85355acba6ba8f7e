"""What every format is read into, and how a CSV file's columns are told."""

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gatehouse_ledger.enumerators import StatementFormat

MOST_LINES = 200_000
LONGEST_TEXT = 500
MOST_MONEY = 10**15


class FileRefused(Exception):
    """The file can't be read. The text says where, why and what to do, for who dropped it."""


class BankLine(msgspec.Struct, frozen=True, gc=False):
    """A line of a statement. `amount`: minor units; what came in is positive.

    Attributes:
        reference: what the payer or payee gave: a check's number, an end-to-end id.
        bank_id: what the bank calls the line. Banks reuse such ids, so one alone says nothing.
    """

    booked_on: date
    amount: int
    text: str
    reference: str
    bank_id: str


class BankStatement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement as the file has it. `opening` and `closing` are None where the format or the bank gives none.

    `account`: the bank's number of the account, or empty; `broken_at`: the first line (from 1) whose running balance
    isn't the one before plus its amount, where the file has running balances.
    """

    format: StatementFormat
    account: str
    currency: str | None
    from_on: date
    to_on: date
    opening: int | None
    closing: int | None
    lines: list[BankLine]
    broken_at: int | None = None


DateOrder = Literal["ymd", "mdy", "dmy"]
Column = Annotated[str, Meta(min_length=1, max_length=200)]


class CsvMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which column of a CSV file is what, by the names in its header. Either `amount`, or `paid_in` and `paid_out`."""

    day: Column
    day_order: DateOrder
    amount: Column | None = None
    paid_in: Column | None = None
    paid_out: Column | None = None
    text: Annotated[list[Column], Meta(max_length=6)] = []
    reference: Column | None = None
    bank_id: Column | None = None
    balance: Column | None = None
    decimal_comma: bool = False
