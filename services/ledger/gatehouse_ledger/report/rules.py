"""Reports, made of sums of postings. Pure functions: no database, no HTTP.

In the books a debit is positive, so income, debts and net assets are negative there; reports turn them round.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

from gatehouse_ledger.enumerators import AccountType
from gatehouse_ledger.report.structs import (
    FunctionalExpenses,
    FunctionalRow,
    PostedSum,
    RestrictedAmount,
    StatementOfActivities,
    StatementOfPosition,
    StatementRow,
    TrialBalance,
    TrialBalanceRow,
)

CREDITS: frozenset[AccountType] = frozenset({"liability", "net_assets", "income"})
RESULT: frozenset[AccountType] = frozenset({"income", "expense"})


def trial_balance(sums: Sequence[PostedSum], as_of: date, currency: str) -> TrialBalance:
    """`sums`: from the beginning of the books to `as_of`."""
    first = {(one.code, one.fund, one.account_id, one.fund_id): one for one in sums}
    amounts: Counter[tuple[str, str, UUID, UUID]] = Counter()
    for one in sums:
        amounts[one.code, one.fund, one.account_id, one.fund_id] += one.before + one.within
    rows = [
        TrialBalanceRow(
            account_id=first[key].account_id,
            code=first[key].code,
            account=first[key].account,
            type=first[key].type,
            fund_id=first[key].fund_id,
            fund=first[key].fund,
            debit=max(amount, 0),
            credit=max(-amount, 0),
        )
        for key, amount in sorted(amounts.items())
        if amount
    ]
    return TrialBalance(
        as_of, currency, rows, debit=sum(row.debit for row in rows), credit=sum(row.credit for row in rows)
    )


def activities(sums: Sequence[PostedSum], from_on: date, to_on: date, currency: str) -> StatementOfActivities:
    of_result = [one for one in sums if one.type in RESULT]
    rows = _rows((one, one.within) for one in of_result)
    income = total(row.amount for row in rows if row.type == "income")
    expenses = total(row.amount for row in rows if row.type == "expense")
    change = difference(income, expenses)
    before = _split((one, -one.before) for one in sums if one.type in RESULT or one.type == "net_assets")
    # What was posted to net assets themselves within the days, such as opening balances.
    adjusted = _split((one, -one.within) for one in sums if one.type == "net_assets")
    after = total([before, change, adjusted])
    return StatementOfActivities(from_on, to_on, currency, rows, income, expenses, change, before, after)


def position(sums: Sequence[PostedSum], as_of: date, currency: str) -> StatementOfPosition:
    """`sums`: from the beginning of the books to `as_of`. Net assets include what wasn't carried forward yet."""
    rows = _rows((one, one.before + one.within) for one in sums if one.type in ("asset", "liability"))
    assets = total(row.amount for row in rows if row.type == "asset")
    liabilities = total(row.amount for row in rows if row.type == "liability")
    net = _split((one, -one.before - one.within) for one in sums if one.type in RESULT or one.type == "net_assets")
    return StatementOfPosition(as_of, currency, rows, assets, liabilities, net)


def functional_expenses(sums: Sequence[PostedSum], from_on: date, to_on: date, currency: str) -> FunctionalExpenses:
    by_account: dict[tuple[str, str, UUID], Counter[str]] = defaultdict(Counter)
    by_program: Counter[str] = Counter()
    for one in sums:
        if one.type == "expense":
            by_account[one.code, one.account, one.account_id][one.function] += one.within
            if one.function == "program":
                by_program[one.program or ""] += one.within
    rows = [
        FunctionalRow(id, code, name, of["program"], of["management"], of["fundraising"], sum(of.values()))
        for (code, name, id), of in sorted(by_account.items())
        if any(of.values())
    ]
    return FunctionalExpenses(
        from_on,
        to_on,
        currency,
        rows,
        program=sum(row.program for row in rows),
        management=sum(row.management for row in rows),
        fundraising=sum(row.fundraising for row in rows),
        total=sum(row.total for row in rows),
        by_program={name: amount for name, amount in sorted(by_program.items()) if amount},
    )


def _rows(amounts: Iterable[tuple[PostedSum, int]]) -> list[StatementRow]:
    of: dict[tuple[str, UUID], list[tuple[PostedSum, int]]] = defaultdict(list)
    for one, amount in amounts:
        of[one.code, one.account_id].append((one, -amount if one.type in CREDITS else amount))
    rows = []
    for _, parts in sorted(of.items()):
        first, amount = parts[0][0], _split(parts)
        if amount.without_restrictions or amount.with_restrictions:
            rows.append(StatementRow(first.account_id, first.code, first.account, first.type, amount))
    return rows


def _split(parts: Iterable[tuple[PostedSum, int]]) -> RestrictedAmount:
    free = restricted = 0
    for one, amount in parts:
        if one.restriction == "none":
            free += amount
        else:
            restricted += amount
    return RestrictedAmount(free, restricted, free + restricted)


def total(amounts: Iterable[RestrictedAmount]) -> RestrictedAmount:
    listed = list(amounts)
    free = sum(one.without_restrictions for one in listed)
    restricted = sum(one.with_restrictions for one in listed)
    return RestrictedAmount(free, restricted, free + restricted)


def difference(first: RestrictedAmount, second: RestrictedAmount) -> RestrictedAmount:
    return RestrictedAmount(
        first.without_restrictions - second.without_restrictions,
        first.with_restrictions - second.with_restrictions,
        first.total - second.total,
    )
