"""What callers send and get about matches of statement lines with postings."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatehouse_chassis.base.fields import Sentence
from gatehouse_ledger.enumerators import ExpenseFunction, MatchedBy, MatchKind, MatchReason

MOST = 50


class OpenLine(msgspec.Struct, frozen=True):
    """A line that isn't matched yet."""

    id: UUID
    booked_on: date
    amount: int
    text: str
    reference: str


class OpenPosting(msgspec.Struct, frozen=True):
    """A posting of the bank's account that was found on no statement yet."""

    id: UUID
    entry_id: UUID
    booked_on: date
    amount: int
    memo: str


class LearnedRule(msgspec.Struct, frozen=True):
    """How lines with these words were booked."""

    id: UUID
    words: str
    incoming: bool
    counter_account_id: UUID
    fund_id: UUID
    function: ExpenseFunction
    program_id: UUID | None
    uses: int


class LineBooking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How what no posting explains is booked: the other side of the entry. `memo`: the line's text unless given."""

    counter_account_id: UUID
    fund_id: UUID
    function: ExpenseFunction = "none"
    program_id: UUID | None = None
    memo: Sentence | UnsetType = UNSET


class LineSuggestion(msgspec.Struct, frozen=True):
    """What a line may be. `score`: 0 to 100; `rest`: what would have to be booked, such as fees; `booking`: how."""

    line: OpenLine
    kind: MatchKind
    score: int
    reasons: list[MatchReason]
    lines: list[OpenLine]
    postings: list[OpenPosting]
    rest: int
    booking: LineBooking | None = None
    rule_id: UUID | None = None


class LineQueue(msgspec.Struct, frozen=True):
    """Lines to reconcile: those with a suggestion first, the surest at the top. `open_lines`: how many in all."""

    account_id: UUID
    open_lines: int
    suggestions: list[LineSuggestion]
    others: list[OpenLine]


class NewMatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lines and postings that are the same money. What the postings don't explain is booked as `booking` says."""

    account_id: UUID
    line_ids: Annotated[list[UUID], Meta(min_length=1, max_length=MOST)]
    posting_ids: Annotated[list[UUID], Meta(max_length=MOST)] = []
    booking: LineBooking | None = None


class MatchRecord(msgspec.Struct, frozen=True):
    """A match as the table has it."""

    id: UUID
    version: int
    account_id: UUID
    kind: MatchKind
    matched_by: MatchedBy
    score: int
    reasons: list[MatchReason]
    line_ids: list[UUID]
    posting_ids: list[UUID]
    entry_id: UUID | None
    rule_id: UUID | None
    undone_at: datetime | None
    undone_by: UUID | None
    created_at: datetime
    created_by: UUID | None


class RuleRecord(msgspec.Struct, frozen=True):
    id: UUID
    version: int
    account_id: UUID
    words: str
    incoming: bool
    counter_account_id: UUID
    fund_id: UUID
    function: ExpenseFunction
    program_id: UUID | None
    uses: int
    archived_at: datetime | None
    created_at: datetime
    changed_at: datetime
