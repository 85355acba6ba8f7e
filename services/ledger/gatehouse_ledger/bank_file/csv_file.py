"""CSV as banks export it. Which column is what says a mapping: one that a person gave, or one guessed from the header.

A guess is shown before anything is imported, and a file whose columns can't be guessed is refused with their names.
"""

import csv
import io
import re
from collections.abc import Sequence
from datetime import date

from gatehouse_ledger.bank_file.structs import (
    MOST_LINES,
    BankLine,
    BankStatement,
    CsvMapping,
    DateOrder,
    FileRefused,
)
from gatehouse_ledger.bank_file.values import decoded, minor_units, one_line, parted, written_day

MOST_COLUMNS = 200
HEADER_WITHIN = 30  # rows; banks put the account's name and the days above
SAMPLE = 2_000
_WORDS = re.compile(r"[^a-z]+")
# Names of columns, as US and European banks give them; the first that is there counts.
_DAYS = ("posting date", "posted date", "booking date", "date posted", "transaction date", "post date", "buchungstag")
_DAYS += ("booked", "date", "value date", "valuta", "datum")
_AMOUNTS = ("amount", "transaction amount", "betrag", "net amount", "amount usd", "value")
_PAID_IN = ("credit", "credits", "deposit", "deposits", "paid in", "credit amount", "haben", "money in")
_PAID_OUT = ("debit", "debits", "withdrawal", "withdrawals", "paid out", "debit amount", "soll", "money out")
_TEXTS = ("payee", "name", "description", "details", "memo", "transaction description", "narrative", "purpose")
_TEXTS += ("beguenstigter zahlungspflichtiger", "verwendungszweck")
_REFERENCES = ("check number", "check no", "check", "cheque number", "reference", "reference number", "slip", "ref")
_IDS = ("transaction id", "id", "fitid", "bank reference", "transaction reference")
_BALANCES = ("balance", "running balance", "running bal", "ledger balance", "available balance", "saldo")


class ColumnsUnknown(FileRefused):
    """No mapping was given, and the header doesn't tell. `header`: the names from which a person can choose."""

    def __init__(self, header: list[str]) -> None:
        super().__init__(
            "Which column is the date and which the amount isn't clear. Say so once; the next file is read by itself."
        )
        self.header = header


class CsvTable:
    """The rows of a file below its header. `first`: the number of the first row, for messages."""

    def __init__(self, header: list[str], rows: list[list[str]], first: int) -> None:
        self.header = header
        self.rows = rows
        self.first = first
        self.places: dict[str, int] = {}
        for place, name in enumerate(header):
            self.places.setdefault(name, place)


def table(content: bytes, wanted: CsvMapping | None = None) -> CsvTable:
    """Finds the delimiter and the header: the row with the columns of `wanted`, else one that names a date."""
    text = decoded(content).replace("\x00", "")
    rows = _rows(text)
    for number, row in enumerate(rows[:HEADER_WITHIN]):
        header = [one_line(cell) for cell in row]
        if (wanted.day in header) if wanted else _is_header(header):
            return CsvTable(header, rows[number + 1 :], number + 2)
    if wanted is not None:
        raise FileRefused(f"No row of the file names the column “{wanted.day}”. Say again which column is what.")
    first = next((row for row in rows if len(row) > 1), None)
    if first is None:
        raise FileRefused("The file is no statement of a bank: CSV, OFX, camt.053 or MT940 is read.")
    raise ColumnsUnknown([one_line(cell) for cell in first if one_line(cell)])


def _rows(text: str) -> list[list[str]]:
    delimiter = max(",;\t|", key=lambda one: _regularity(text[:20_000], one))
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if any(row):
                rows.append(row)
            if len(row) > MOST_COLUMNS:
                raise FileRefused(f"Row {len(rows)} has {len(row):,} columns; no bank's file has. Choose another file.")
            if len(rows) > MOST_LINES + HEADER_WITHIN:
                raise FileRefused(f"The file has more than {MOST_LINES:,} lines. Split it by month.")
    except csv.Error:
        raise FileRefused(f"Row {len(rows) + 1} can't be read as CSV. Download the file from the bank again.") from None
    return rows


def _regularity(text: str, delimiter: str) -> int:
    """How many delimiters most rows have."""
    counts = sorted(line.count(delimiter) for line in text.splitlines()[:50] if line.strip())
    return counts[len(counts) // 2] if counts else 0


def _is_header(header: Sequence[str]) -> bool:
    names = {_plain(name) for name in header}
    return not names.isdisjoint(_DAYS) and not names.isdisjoint((*_AMOUNTS, *_PAID_IN, *_PAID_OUT))


def _plain(name: str) -> str:
    return _WORDS.sub(" ", name.lower().replace("ü", "ue").replace("ä", "ae").replace("ö", "oe")).strip()


def guessed(found: CsvTable) -> CsvMapping:
    """The mapping that the header and the first rows suggest. Raises ColumnsUnknown."""
    by_name: dict[str, str] = {}
    for name in found.header:
        by_name.setdefault(_plain(name), name)

    def first(names: Sequence[str]) -> str | None:
        return next((by_name[name] for name in names if name in by_name), None)

    day, amount, paid_in, paid_out = first(_DAYS), first(_AMOUNTS), first(_PAID_IN), first(_PAID_OUT)
    if day is None or (amount is None and paid_in is None and paid_out is None):
        raise ColumnsUnknown(found.header)
    used = {day, amount, paid_in, paid_out}
    texts = [name for plain in _TEXTS if (name := by_name.get(plain)) is not None and name not in used]
    numbers = [amount] if amount else [one for one in (paid_in, paid_out) if one]
    return CsvMapping(
        day=day,
        day_order=_order(found, day),
        amount=amount,
        paid_in=None if amount else paid_in,
        paid_out=None if amount else paid_out,
        text=texts[:6],
        reference=first(_REFERENCES),
        bank_id=first(_IDS),
        balance=first(_BALANCES),
        decimal_comma=_has_decimal_comma(found, numbers),
    )


def _order(found: CsvTable, column: str) -> DateOrder:
    """The order in which the days of the sample make sense; month first where that leaves two, as US banks do."""
    place = found.places[column]
    days = [parts for row in found.rows[:SAMPLE] if len(row) > place and (parts := parted(row[place])) is not None]
    if any(first > 31 for first, _, _ in days):
        return "ymd"
    if any(isinstance(middle, int) and middle > 12 for _, middle, _ in days):
        return "mdy"
    return "dmy" if any(isinstance(middle, str) or first > 12 for first, middle, _ in days) else "mdy"


def _has_decimal_comma(found: CsvTable, columns: Sequence[str]) -> bool:
    texts = [
        row[found.places[column]].strip()
        for row in found.rows[:SAMPLE]
        for column in columns
        if len(row) > found.places[column]
    ]
    comma = sum(bool(re.search(r",[0-9]{1,2}-?$", text)) for text in texts)
    return comma > sum(bool(re.search(r"[.][0-9]{1,2}-?$", text)) for text in texts)


def read(content: bytes, mapping: CsvMapping | None, currency: str) -> list[BankStatement]:
    found = table(content, mapping)
    mapping = mapping or guessed(found)
    named = [mapping.day, mapping.amount, mapping.paid_in, mapping.paid_out, mapping.balance, mapping.reference]
    missing = [name for name in (*named, mapping.bank_id, *mapping.text) if name and name not in found.places]
    if missing:
        raise FileRefused(f"The file has no column “{missing[0]}”. Say again which column is what.")
    if (mapping.amount is None) == (mapping.paid_in is None and mapping.paid_out is None):
        raise FileRefused("Say which column is the amount, or which are what was paid in and out; not both.")
    lines: list[BankLine] = []
    balances: list[int] = []
    for number, row in enumerate(found.rows, found.first):
        line = _line(row, found.places, mapping, currency, f"Row {number}")
        if line is None:
            continue
        lines.append(line)
        if mapping.balance is not None:
            text = _cell(row, found.places, mapping.balance)
            if text:
                where = f"Row {number}, {mapping.balance}"
                balances.append(minor_units(text, currency, where, decimal_comma=mapping.decimal_comma))
    if not lines:
        raise FileRefused("The file has no lines below its header.")
    return [_statement(lines, balances if len(balances) == len(lines) else [])]


def _cell(row: list[str], places: dict[str, int], column: str) -> str:
    place = places[column]
    return row[place].strip() if place < len(row) else ""


def _line(row: list[str], places: dict[str, int], mapping: CsvMapping, currency: str, where: str) -> BankLine | None:
    """None for rows that are no line: without a day and an amount, such as a bank's total."""
    day = _cell(row, places, mapping.day)
    columns = [(mapping.amount, 1), (mapping.paid_in, 1), (mapping.paid_out, -1)]
    given = [(text, sign, column) for column, sign in columns if column and (text := _cell(row, places, column))]
    if not given and (not day or parted(day) is None):
        return None
    if not given:
        raise FileRefused(f"{where} has a day and no amount.")
    amount = 0
    for text, sign, column in given:
        value = minor_units(text, currency, f"{where}, {column}", decimal_comma=mapping.decimal_comma)
        # Some banks write what was paid out as a negative number already.
        amount += -abs(value) if sign < 0 else value
    texts = dict.fromkeys(one_line(_cell(row, places, column)) for column in mapping.text)
    return BankLine(
        written_day(day, mapping.day_order, f"{where}, {mapping.day}"),
        amount,
        " · ".join(filter(None, texts)),
        one_line(_cell(row, places, mapping.reference)) if mapping.reference else "",
        one_line(_cell(row, places, mapping.bank_id)) if mapping.bank_id else "",
    )


def _statement(lines: list[BankLine], balances: list[int]) -> BankStatement:
    opening = closing = broken_at = None
    if balances:
        down, up = _breaks(lines, balances), _breaks(lines[::-1], balances[::-1])
        newest_first = up is None if down is not None else lines[0].booked_on > lines[-1].booked_on
        if newest_first:
            lines, balances, broken_at = lines[::-1], balances[::-1], up
        else:
            broken_at = down
        opening, closing = balances[0] - lines[0].amount, balances[-1]
    days: list[date] = [line.booked_on for line in lines]
    return BankStatement(
        format="csv",
        account="",
        currency=None,
        from_on=min(days),
        to_on=max(days),
        opening=opening,
        closing=closing,
        lines=lines,
        broken_at=broken_at,
    )


def _breaks(lines: Sequence[BankLine], balances: Sequence[int]) -> int | None:
    """The first line (from 1) whose balance isn't the one before plus its amount."""
    for number in range(1, len(lines)):
        if balances[number] != balances[number - 1] + lines[number].amount:
            return number + 1
    return None
