"""The statements as tables for CSV and PDF. Pure functions: no database, no HTTP."""

from collections.abc import Sequence

from gatehouse_ledger.document.rules import long_day
from gatehouse_ledger.document.sheet import Sheet, SheetRow
from gatehouse_ledger.enumerators import AccountType
from gatehouse_ledger.report.rules import difference, total
from gatehouse_ledger.report.structs import (
    FunctionalExpenses,
    RestrictedAmount,
    StatementOfActivities,
    StatementOfPosition,
    StatementRow,
)

RESTRICTED = ["Account", "Without donor restrictions", "With donor restrictions", "Total"]


def activities(report: StatementOfActivities) -> Sheet:
    other = difference(difference(report.net_assets_after, report.net_assets_before), report.change)
    rows = [
        *_rows(report.rows, "income"),
        _row("Income", report.income, sum=True),
        *_rows(report.rows, "expense"),
        _row("Expenses", report.expenses, sum=True),
        _row("Change in net assets", report.change, sum=True),
        _row("Net assets at the beginning", report.net_assets_before),
        *([_row("Posted to net assets themselves", other)] if other != RestrictedAmount(0, 0, 0) else []),
        _row("Net assets at the end", report.net_assets_after, sum=True),
    ]
    title = f"Statement of activities from {long_day(report.from_on)} to {long_day(report.to_on)}"
    return Sheet(title, RESTRICTED, rows, report.currency)


def position(report: StatementOfPosition) -> Sheet:
    rows = [
        *_rows(report.rows, "asset"),
        _row("Assets", report.assets, sum=True),
        *_rows(report.rows, "liability"),
        _row("Liabilities", report.liabilities, sum=True),
        _row("Net assets", report.net_assets, sum=True),
        _row("Liabilities and net assets", total([report.liabilities, report.net_assets]), sum=True),
    ]
    return Sheet(f"Statement of financial position on {long_day(report.as_of)}", RESTRICTED, rows, report.currency)


def functional_expenses(report: FunctionalExpenses) -> Sheet:
    rows = [
        SheetRow([f"{row.code} {row.account}"], [row.program, row.management, row.fundraising, row.total])
        for row in report.rows
    ]
    totals: list[int | None] = [report.program, report.management, report.fundraising, report.total]
    title = f"Functional expenses from {long_day(report.from_on)} to {long_day(report.to_on)}"
    columns = ["Account", "Program", "Management and general", "Fundraising", "Total"]
    return Sheet(title, columns, [*rows, SheetRow(["Total"], totals, sum=True)], report.currency)


def _rows(rows: Sequence[StatementRow], type: AccountType) -> list[SheetRow]:
    return [_row(f"{row.code} {row.account}", row.amount) for row in rows if row.type == type]


def _row(words: str, amount: RestrictedAmount, *, sum: bool = False) -> SheetRow:
    return SheetRow([words], [amount.without_restrictions, amount.with_restrictions, amount.total], sum)
