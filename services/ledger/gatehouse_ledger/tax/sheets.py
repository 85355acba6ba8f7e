"""The year's tax forms as tables for CSV and PDF. Pure functions: no database, no HTTP."""

from collections.abc import Sequence

from gatehouse_ledger.document.rules import dollars
from gatehouse_ledger.document.sheet import Sheet, SheetRow
from gatehouse_ledger.tax.structs import FigurePosting, Form990Workbook, Form1099List, Form1099Row, FormLine, ScheduleB


def form_990(workbook: Form990Workbook) -> Sheet:
    rows = [SheetRow([line.line, line.words], [line.amount], sum=not line.account_ids) for line in workbook.lines]
    notes = [
        f"The year takes Form {workbook.form}. {workbook.why}",
        f"Gross receipts {dollars(workbook.gross_receipts)}, normally {dollars(workbook.normal_receipts)}; "
        f"total assets {dollars(workbook.total_assets)}.",
    ]
    return Sheet(f"Form 990-EZ workbook of {workbook.year}", ["Line", "What it is", "Amount"], rows, notes=notes)


def form_990_postings(year: int, lines: Sequence[tuple[FormLine, Sequence[FigurePosting]]]) -> Sheet:
    """Each line's postings: as many rows as the figure has."""
    columns = ["Line", "Entry", "Day", "Memo", "Account", "Fund", "Amount"]
    rows = [SheetRow([line.line, *_words(one)], [one.amount]) for line, postings in lines for one in postings]
    return Sheet(f"Postings of Form 990-EZ of {year}", columns, rows)


def form_1099(found: Form1099List) -> Sheet:
    rows = [
        SheetRow([row.name, _form(row), "On file" if row.w9_on_file else "Missing"], [row.reportable, row.total])
        for row in found.rows
    ]
    notes = [f"From {dollars(found.threshold)} on: {found.source}."]
    columns = ["Contractor", "Form", "W-9", "Reported by us", "Paid in all"]
    return Sheet(f"Form 1099-NEC list of {found.year}", columns, rows, notes=notes)


def schedule_b(found: ScheduleB) -> Sheet:
    rows = [SheetRow([donor.name, donor.address or "", str(donor.things)], [donor.money]) for donor in found.donors]
    notes = [f"Donors of {dollars(found.threshold)} or more. It is private, and is not given to the public."]
    return Sheet(f"Schedule B list of {found.year}", ["Donor", "Address", "Things", "Money"], rows, notes=notes)


def _words(one: FigurePosting) -> list[str]:
    return [str(one.entry_id), str(one.booked_on), one.memo, f"{one.code} {one.account}", one.fund]


def _form(row: Form1099Row) -> str:
    return "Gets one" if row.over else "Exempt" if row.exempt else "Below"
