"""Tables of figures as CSV and as PDF: one content for both. Pure functions: no database, no HTTP."""

import csv
import io
import re
from datetime import date

import msgspec

from gatehouse_ledger.document.rules import Issuer, dollars, long_day
from gatehouse_ledger.document.structs import DocumentBlock, DocumentContent, DocumentRow, Letterhead
from gatehouse_ledger.entry.rules import decimal

# What a spreadsheet takes for a formula (OWASP, CSV injection).
_FORMULA = re.compile(r"^[=+\-@\t\r]")


class SheetRow(msgspec.Struct, frozen=True):
    """Words, then amounts in minor units; None where there is none. `sum`: whether it adds up those above it."""

    words: list[str]
    amounts: list[int | None]
    sum: bool = False


class Sheet(msgspec.Struct, frozen=True):
    """`columns`: those of the words, then those of the amounts. `notes`: what stands below, in the PDF only."""

    title: str
    columns: list[str]
    rows: list[SheetRow]
    currency: str = "USD"
    notes: list[str] = []


def csv_of(sheet: Sheet) -> bytes:
    """With a header, exact amounts with a point, and nothing that a spreadsheet would calculate."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(sheet.columns)
    for row in sheet.rows:
        amounts = ["" if amount is None else decimal(amount, sheet.currency) for amount in row.amounts]
        writer.writerow([*map(_inert, row.words), *amounts])
    return out.getvalue().encode()


def document_of(sheet: Sheet, issuer: Issuer, day: date) -> DocumentContent:
    """`day`: on which it was read from the books."""
    texts = len(sheet.columns) - (len(sheet.rows[0].amounts) if sheet.rows else 0)
    rows = [
        DocumentRow([*row.words, *(_shown(one, sheet.currency) for one in row.amounts)], row.sum) for row in sheet.rows
    ]
    if not rows:  # a table that is only a header isn't accessible, and typst refuses it
        rows = [DocumentRow(["None", *([""] * (len(sheet.columns) - 1))], False)]
    notes = [DocumentBlock("small", note) for note in sheet.notes]
    return DocumentContent(
        title=sheet.title,
        letterhead=Letterhead(issuer.name, issuer.lines),
        to=[],
        blocks=[
            DocumentBlock("table", columns=sheet.columns, rows=rows, texts=texts),
            *notes,
            DocumentBlock("small", f"Read from the books on {long_day(day)}. Amounts are in {sheet.currency}."),
        ],
        footer=f"{issuer.name} · {sheet.title}",
        signer=[],
    )


def _shown(amount: int | None, currency: str) -> str:
    if amount is None:
        return ""
    return dollars(amount) if currency == "USD" else decimal(amount, currency)


def _inert(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text
