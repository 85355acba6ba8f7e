"""What callers send and get about a year's budget. Amounts are minor units of USD, and positive for either kind."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from gatehouse_ledger.entry.structs import MOST_MONEY
from gatehouse_ledger.enumerators import AccountType


class BudgetRow(msgspec.Struct, frozen=True):
    """What was meant and what happened, of an account and a program. `program_id` None: of none."""

    account_id: UUID
    code: str
    account: str
    type: AccountType
    program_id: UUID | None
    program: str | None
    budget: int
    actual: int


class BudgetTotal(msgspec.Struct, frozen=True):
    """`left`: of expenses what can still be spent, of income what is still to come."""

    name: str
    budget: int
    actual: int
    left: int


class BudgetReport(msgspec.Struct, frozen=True):
    """A year's budget against what was booked until a day. `programs`: expenses by program, those of none last."""

    year: int
    to_on: date
    rows: list[BudgetRow]
    programs: list[BudgetTotal]
    income: BudgetTotal
    expenses: BudgetTotal


class BudgetLineSetting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an account should come to in the year; 0 where nothing is meant."""

    account_id: UUID
    program_id: UUID | None = None
    amount: Annotated[int, Meta(ge=0, le=MOST_MONEY, description="Minor units (cents)", examples=[12_000_000])]


class BudgetLine(msgspec.Struct, frozen=True):
    id: UUID
    version: int
    year: int
    account_id: UUID
    program_id: UUID | None
    amount: int
