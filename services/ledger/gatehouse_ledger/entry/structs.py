"""What callers send and get about journal entries."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatehouse_chassis.base.fields import Sentence
from gatehouse_ledger.enumerators import AccountType, EntrySource, ExpenseFunction

# As the table's check: exact in the floating point numbers of a browser (2^53), and so are sums of a thousand.
MOST_MONEY = 10**15
Amount = Annotated[
    int,
    Meta(
        ge=-MOST_MONEY,
        le=MOST_MONEY,
        description="Minor units (cents); a debit is positive",
        examples=[12_500, -12_500],
    ),
]


class NewPosting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One side of a new entry. Its currency is that of the account."""

    account_id: UUID
    fund_id: UUID
    amount: Amount
    function: ExpenseFunction = "none"
    program_id: UUID | None = None


class NewJournalEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The postings of each fund add up to zero in each currency."""

    booked_on: date
    memo: Sentence
    postings: Annotated[list[NewPosting], Meta(min_length=2, max_length=200)]
    source: Literal["manual", "opening"] = "manual"


class Reversal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`booked_on`: the day of the entry itself, unless another is given."""

    booked_on: date | UnsetType = UNSET
    memo: Sentence | UnsetType = UNSET


class Posting(msgspec.Struct, frozen=True):
    id: UUID
    account_id: UUID
    fund_id: UUID
    program_id: UUID | None
    function: ExpenseFunction
    amount: int
    currency: str


class JournalEntry(msgspec.Struct, frozen=True):
    """An entry never changes, so its version is always 1."""

    id: UUID
    version: int
    period_id: UUID
    booked_on: date
    memo: str
    source: EntrySource
    reverses_id: UUID | None
    reversed_by_id: UUID | None
    postings: list[Posting]
    posted_at: datetime
    posted_by: UUID | None


class ChartAccount(msgspec.Struct, frozen=True):
    """What the rules need to know of an account that is posted to."""

    id: UUID
    code: str
    name: str
    type: AccountType
    currency: str


class ChartFund(msgspec.Struct, frozen=True):
    id: UUID
    name: str


class Chart(msgspec.Struct, frozen=True):
    """Of the accounts, funds and programs that an entry names, those that are there and aren't archived."""

    accounts: dict[UUID, ChartAccount]
    funds: dict[UUID, str]
    programs: frozenset[UUID]
