"""MT940 (SWIFT's customer statement). A file holds several messages, each a statement with both balances."""

import re
from datetime import date

from gatehouse_ledger.bank_file.structs import MOST_LINES, BankLine, BankStatement, FileRefused
from gatehouse_ledger.bank_file.values import decoded, minor_units, one_line, short_day

_FIELD = re.compile(r"^:([0-9]{2}[A-Z]?):", re.MULTILINE)
_BALANCE = re.compile(r"([CD])([0-9]{6})([A-Z]{3})([0-9.,]{1,20})")
# Value date, entry date, mark, funds code, amount, type, reference of the owner, of the bank, further text.
_ENTRY = re.compile(
    r"([0-9]{6})([0-9]{4})?(R?[CD])([A-Z])?([0-9]{1,15},[0-9]{0,4})([A-Z][A-Z0-9]{3})?([^\n]{0,60}?)(?://([^\n]{0,60}))?"
    r"(?:\n([^\x00]{0,200}))?"
)
# What German banks put between the parts of field 86.
_PART = re.compile(r"\?([0-9]{2})")


def is_mt940(head: str) -> bool:
    return (
        re.search(r"^:20:", head, re.MULTILINE) is not None
        and re.search(r"^:(25|60[FM]):", head, re.MULTILINE) is not None
    )


def read(content: bytes) -> list[BankStatement]:
    text = decoded(content).replace("\r\n", "\n").replace("\r", "\n")
    statements: list[BankStatement] = []
    fields: list[tuple[str, str]] = []
    count = 0
    for tag, value in _fields(text):
        if tag == "20" and any(name != "20" for name, _ in fields):
            statements.append(_statement(fields, len(statements) + 1))
            fields = []
        count += tag == "61"
        if count > MOST_LINES:
            raise FileRefused(f"The file has more than {MOST_LINES:,} lines. Split it by month.")
        fields.append((tag, value))
    if fields:
        statements.append(_statement(fields, len(statements) + 1))
    if not statements:
        raise FileRefused("The file has no statement. Download it from the bank again.")
    return statements


def _fields(text: str) -> list[tuple[str, str]]:
    marks = list(_FIELD.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    # A message ends with `-` or `-}`; what follows until the next field is no part of it.
    return [
        (mark[1], re.split(r"\n-", text[mark.end() : min(end, mark.end() + 5_000)], maxsplit=1)[0].strip("\n"))
        for mark, end in zip(marks, ends, strict=True)
    ]


def _statement(fields: list[tuple[str, str]], number: int) -> BankStatement:
    where = f"Statement {number}"
    account, opening, closing = "", None, None
    currency: str | None = None
    days: list[date] = []
    lines: list[BankLine] = []
    entry: re.Match[str] | None = None
    details = ""
    balances = {tag: value for tag, value in fields if tag[:2] in ("60", "62")}
    for tag, value in balances.items():
        amount, day, currency = _balance(value, f"{where}, field {tag}")
        days.append(day)
        if tag.startswith("60"):
            opening = amount
        else:
            closing = amount
    for tag, value in [*fields, ("61", "")]:
        if tag == "25":
            account = one_line(value)[:40]
        elif tag == "86" and entry is not None:
            details = value
        elif tag == "61":
            if entry is not None:
                lines.append(_line(entry, details, currency, f"{where}, line {len(lines) + 1}"))
            if not value:
                break
            entry, details = _ENTRY.fullmatch(value.strip()), ""
            if entry is None:
                raise FileRefused(f"{where}, line {len(lines) + 1}: “{one_line(value)[:60]}” can't be read.")
    days += [line.booked_on for line in lines]
    if not days:
        raise FileRefused(f"{where} has neither balances nor lines. Download the file from the bank again.")
    return BankStatement(
        format="mt940",
        account=account,
        currency=currency,
        from_on=min(days),
        to_on=max(days),
        opening=opening,
        closing=closing,
        lines=lines,
    )


def _balance(value: str, where: str) -> tuple[int, date, str]:
    match = _BALANCE.match(value.strip())
    if match is None:
        raise FileRefused(f"{where}: “{one_line(value)[:40]}” is no balance; one is such as C260131USD1234,50.")
    amount = minor_units(match[4].rstrip(",") or "0", match[3], where, decimal_comma=True)
    return (amount if match[1] == "C" else -amount), short_day(match[2], where), match[3]


def _line(entry: re.Match[str], details: str, currency: str | None, where: str) -> BankLine:
    valued = short_day(entry[1], where)
    booked = _entry_day(valued, entry[2], where) if entry[2] else valued
    amount = minor_units(entry[5].rstrip(","), currency, where, decimal_comma=True)
    # RC takes a credit back, RD a debit.
    sign = 1 if entry[3] in ("C", "RD") else -1
    text = one_line(_PART.sub(" ", details)) or one_line(entry[9] or "")
    return BankLine(booked, sign * amount, text, one_line(entry[7] or ""), one_line(entry[8] or ""))


def _entry_day(valued: date, text: str, where: str) -> date:
    """The booking day has no year: it is the one nearest to the value date."""
    candidates = []
    for year in (valued.year - 1, valued.year, valued.year + 1):
        try:
            candidates.append(date(year, int(text[:2]), int(text[2:])))
        except ValueError:
            continue
    if not candidates:
        raise FileRefused(f"{where}: “{text}” is no day; four digits are, such as 0105.")
    return min(candidates, key=lambda day: abs((day - valued).days))
