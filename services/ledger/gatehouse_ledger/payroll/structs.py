"""A payroll provider's register: what a run cost, by function. Amounts are minor units of USD."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from gatehouse_ledger.enumerators import ExpenseFunction

Column = Annotated[str, Meta(min_length=1, max_length=200)]


class PayrollColumns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which column of the register is what. `function`: a column with the words program, management, fundraising."""

    gross: Column
    withheld: Column
    net: Column
    employer_cost: Column
    function: Column | None = None


class NewPayrollRegister(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`content`: the CSV, in UTF-8. Rows without a function count for `otherwise`. Columns not named aren't read."""

    paid_on: date
    content: Annotated[bytes, Meta(max_length=2_000_000)]
    columns: PayrollColumns
    otherwise: ExpenseFunction = "program"
    bank_account_id: UUID
    fund_id: UUID
    program_id: UUID | None = None


class PayrollRegister(msgspec.Struct, frozen=True):
    id: UUID
    version: int
    paid_on: date
    rows: int
    gross: int
    withheld: int
    net: int
    employer_cost: int
    entry_id: UUID
    created_at: datetime
    created_by: UUID | None


class PayrollRow(msgspec.Struct, frozen=True):
    function: ExpenseFunction
    gross: int
    withheld: int
    net: int
    employer_cost: int
