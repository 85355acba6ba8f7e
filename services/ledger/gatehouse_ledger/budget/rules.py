"""Sums of a budget, and its table. Pure functions: no database, no HTTP."""

from collections.abc import Iterable, Sequence
from datetime import date

from gatehouse_ledger.budget.structs import BudgetReport, BudgetRow, BudgetTotal
from gatehouse_ledger.document.rules import long_day
from gatehouse_ledger.document.sheet import Sheet, SheetRow

NO_PROGRAM = "No program"


def report(year: int, to_on: date, rows: Sequence[BudgetRow]) -> BudgetReport:
    spent = [row for row in rows if row.type == "expense"]
    names = sorted({row.program for row in spent if row.program is not None})
    programs = [_total(name, (row for row in spent if row.program == name)) for name in names]
    rest = [row for row in spent if row.program is None]
    if rest:
        programs.append(_total(NO_PROGRAM, rest))
    income = _total("Income", (row for row in rows if row.type == "income"))
    return BudgetReport(year, to_on, list(rows), programs, income, _total("Expenses", spent))


def sheet(found: BudgetReport) -> Sheet:
    def row(words: list[str], budget: int, actual: int, *, sum: bool = False) -> SheetRow:
        return SheetRow(words, [budget, actual, budget - actual], sum)

    rows: list[SheetRow] = []
    for type, total in (("income", found.income), ("expense", found.expenses)):
        rows += [
            row([f"{one.code} {one.account}", one.program or ""], one.budget, one.actual)
            for one in found.rows
            if one.type == type
        ]
        rows.append(row([total.name, ""], total.budget, total.actual, sum=True))
    rows += [row([f"Expenses: {one.name}", ""], one.budget, one.actual) for one in found.programs]
    title = f"Budget of {found.year} against the books until {long_day(found.to_on)}"
    return Sheet(title, ["Account", "Program", "Budget", "Actual", "Left"], rows)


def _total(name: str, rows: Iterable[BudgetRow]) -> BudgetTotal:
    listed = list(rows)
    budget, actual = sum(row.budget for row in listed), sum(row.actual for row in listed)
    return BudgetTotal(name, budget, actual, budget - actual)
