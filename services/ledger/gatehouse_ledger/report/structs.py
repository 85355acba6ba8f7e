"""What callers get about the books as a whole. Amounts are minor units of the report's currency."""

from datetime import date
from uuid import UUID

import msgspec

from gatehouse_ledger.enumerators import AccountType, ExpenseFunction, Restriction


class PostedSum(msgspec.Struct, frozen=True):
    """What was posted to an account in a fund, by function: one row of the query that every report is made of.

    `before`: until the day before the report begins; `within`: in its days. Debits are positive.
    """

    account_id: UUID
    code: str
    account: str
    type: AccountType
    fund_id: UUID
    fund: str
    restriction: Restriction
    program: str | None
    function: ExpenseFunction
    before: int
    within: int


class TrialBalanceRow(msgspec.Struct, frozen=True):
    account_id: UUID
    code: str
    account: str
    type: AccountType
    fund_id: UUID
    fund: str
    debit: int
    credit: int


class TrialBalance(msgspec.Struct, frozen=True):
    """Every account with what it has in each fund. Debits equal credits, as a whole and in each fund."""

    as_of: date
    currency: str
    rows: list[TrialBalanceRow]
    debit: int
    credit: int


class RestrictedAmount(msgspec.Struct, frozen=True):
    """An amount by whether donors restricted it."""

    without_restrictions: int
    with_restrictions: int
    total: int


class StatementRow(msgspec.Struct, frozen=True):
    account_id: UUID
    code: str
    account: str
    type: AccountType
    amount: RestrictedAmount


class StatementOfActivities(msgspec.Struct, frozen=True):
    """Income and expenses of some days, and how they changed the net assets (FASB ASC 958-225). Both are positive."""

    from_on: date
    to_on: date
    currency: str
    rows: list[StatementRow]
    income: RestrictedAmount
    expenses: RestrictedAmount
    change: RestrictedAmount
    net_assets_before: RestrictedAmount
    net_assets_after: RestrictedAmount


class StatementOfPosition(msgspec.Struct, frozen=True):
    """What there is and what is owed on a day (FASB ASC 958-210): assets = liabilities + net assets, all positive."""

    as_of: date
    currency: str
    rows: list[StatementRow]
    assets: RestrictedAmount
    liabilities: RestrictedAmount
    net_assets: RestrictedAmount


class FunctionalRow(msgspec.Struct, frozen=True):
    account_id: UUID
    code: str
    account: str
    program: int
    management: int
    fundraising: int
    total: int


class FunctionalExpenses(msgspec.Struct, frozen=True):
    """Expenses of some days by nature and function, as Part IX of Form 990 asks for them."""

    from_on: date
    to_on: date
    currency: str
    rows: list[FunctionalRow]
    program: int
    management: int
    fundraising: int
    total: int
    by_program: dict[str, int]


class JournalLine(msgspec.Struct, frozen=True):
    """A posting with all that the exported journal says of it."""

    entry_id: UUID
    booked_on: date
    memo: str
    code: str
    account: str
    type: AccountType
    fund: str
    function: ExpenseFunction
    program: str | None
    amount: int
    currency: str
