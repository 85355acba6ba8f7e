"""From the books to the lines of Form 990-EZ, and who gets a Form 1099-NEC. Pure functions: no database, no HTTP.

The lines are those of Form 990-EZ (2025), Parts I and II, in whole cents. What the chart keeps apart goes to the line
that the form's instructions name; an account that isn't listed here goes to "other" of its kind, so nothing is left
out: line 9 is all income, line 17 all expenses, line 25 all assets.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Literal

from gatehouse_ledger.enumerators import ThresholdName
from gatehouse_ledger.report.structs import PostedSum
from gatehouse_ledger.tax.structs import Form990Workbook, Form1099Row, FormLine, PaidInYear, TaxThreshold

INCOME = {
    "1": ("Contributions, gifts and grants", ("4010", "4020", "4030", "4040", "4300")),
    "2": ("Program service revenue", ("4100",)),
    "4": ("Investment income", ("4400",)),
    "6": ("Fundraising events, gross", ("4200",)),
}
EXPENSES = {
    "10": ("Grants and similar amounts paid", ("5600",)),
    "12": ("Salaries, other compensation and employee benefits", ("5010", "5020", "5030")),
    "13": ("Professional fees and other payments to contractors", ("5100", "5700")),
    "14": ("Occupancy, rent, utilities and maintenance", ("5200",)),
}
AT_THE_END = frozenset({"22", "24", "26"})
"""Lines of what there is at the end of the year: all that was posted until then."""
BEGINNING = date(2000, 1, 1)
CASH = ("1010", "1020", "1050", "1090")


def threshold(thresholds: Sequence[TaxThreshold], name: ThresholdName, year: int) -> TaxThreshold:
    """The one that holds in a year: the latest that began. Raises LookupError for a year before all."""
    held = [one for one in thresholds if one.name == name and one.from_year <= year]
    if not held:
        raise LookupError(f"no {name} is known for {year}")
    return max(held, key=lambda one: one.from_year)


def form_990(
    sums: Sequence[PostedSum], former_receipts: Sequence[int], limits: Mapping[ThresholdName, int], year: int
) -> Form990Workbook:
    """`sums`: of the year. `former_receipts`: the gross receipts of the years before it that the books have."""
    lines = [*_part_one(sums), *_part_two(sums)]
    of = {line.line: line.amount for line in lines}
    receipts = of["9"]
    years = [receipts, *former_receipts]
    normal = sum(years) // len(years)
    form, why = _form(receipts, normal, of["25"], limits)
    return Form990Workbook(year, form, why, receipts, normal, of["25"], lines)


def gross_receipts(sums: Sequence[PostedSum]) -> int:
    return -sum(one.within for one in sums if one.type == "income")


def _form(
    receipts: int, normal: int, assets: int, limits: Mapping[ThresholdName, int]
) -> tuple[Literal["990-N", "990-EZ", "990"], str]:
    if normal <= limits["form_990_n_receipts"]:
        return "990-N", "Gross receipts are normally at most what Form 990-N allows."
    if receipts < limits["form_990_ez_receipts"] and assets < limits["form_990_ez_assets"]:
        return "990-EZ", "Gross receipts and total assets are below what Form 990-EZ allows."
    return "990", "Gross receipts or total assets are more than Form 990-EZ allows; this workbook has its lines only."


def _part_one(sums: Sequence[PostedSum]) -> list[FormLine]:
    lines = [*_grouped(sums, "income", INCOME, "8", "Other revenue", -1)]
    income = sum(line.amount for line in lines)
    lines.append(FormLine("9", "Total revenue", income, []))
    spent = _grouped(sums, "expense", EXPENSES, "16", "Other expenses", 1)
    expenses = sum(line.amount for line in spent)
    lines += [*spent, FormLine("17", "Total expenses", expenses, [])]
    before = -sum(one.before for one in sums if one.type in ("income", "expense", "net_assets"))
    adjusted = [one for one in sums if one.type == "net_assets" and one.within]
    other = -sum(one.within for one in adjusted)
    return [
        *lines,
        FormLine("18", "Excess or deficit for the year", income - expenses, []),
        FormLine("19", "Net assets at the beginning of the year", before, []),
        FormLine("20", "Other changes in net assets", other, sorted({one.account_id for one in adjusted})),
        FormLine("21", "Net assets at the end of the year", before + income - expenses + other, []),
    ]


def _part_two(sums: Sequence[PostedSum]) -> list[FormLine]:
    """At the end of the year, so both what was there before and what came within it."""
    cash = _line("22", "Cash, savings and investments", sums, lambda one: one.code in CASH, whole=True)
    rest = _line("24", "Other assets", sums, lambda one: one.type == "asset" and one.code not in CASH, whole=True)
    owed = _line("26", "Total liabilities", sums, lambda one: one.type == "liability", sign=-1, whole=True)
    assets = cash.amount + rest.amount
    return [
        cash,
        rest,
        FormLine("25", "Total assets", assets, []),
        owed,
        FormLine("27", "Net assets or fund balances", assets - owed.amount, []),
    ]


def _grouped(
    sums: Sequence[PostedSum],
    type: str,
    groups: Mapping[str, tuple[str, tuple[str, ...]]],
    other: str,
    words: str,
    sign: int,
) -> list[FormLine]:
    named = {code for _, codes in groups.values() for code in codes}
    lines = [
        _line(number, name, sums, lambda one, codes=codes: one.type == type and one.code in codes, sign=sign)
        for number, (name, codes) in groups.items()
    ]
    return [*lines, _line(other, words, sums, lambda one: one.type == type and one.code not in named, sign=sign)]


def _line(
    number: str,
    words: str,
    sums: Sequence[PostedSum],
    belongs: Callable[[PostedSum], bool],
    *,
    sign: int = 1,
    whole: bool = False,
) -> FormLine:
    found = [one for one in sums if belongs(one) and (one.within or (whole and one.before))]
    amount = sign * sum(one.within + (one.before if whole else 0) for one in found)
    return FormLine(number, words, amount, sorted({one.account_id for one in found}))


def form_1099(paid: Sequence[PaidInYear], limit: int) -> list[Form1099Row]:
    """Who was paid, the most first. Exempt payees are never over the threshold."""
    rows = []
    for one in paid:
        reportable = one.total - one.elsewhere
        over = reportable >= limit and not one.exempt
        rows.append(Form1099Row(one.payee_id, one.name, one.w9_on_file, one.exempt, one.total, reportable, over))
    return sorted(rows, key=lambda row: (-row.reportable, row.name))
