"""From a payroll register to one balanced entry. Nothing is computed that the provider didn't: rows are only added up.

Pure functions: no database, no HTTP.
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import get_args
from uuid import UUID

from gatehouse_chassis.base.problems import Invalid
from gatehouse_ledger.entry.rules import shown
from gatehouse_ledger.entry.structs import NewPosting
from gatehouse_ledger.enumerators import ExpenseFunction
from gatehouse_ledger.payroll.structs import NewPayrollRegister, PayrollColumns, PayrollRow

MOST_ROWS = 2_000
AMOUNT = re.compile(r"\$?([0-9]{1,3}(?:,[0-9]{3})*|[0-9]{1,12})(?:\.([0-9]{1,2}))?")
TOTAL = re.compile(r"(?:grand |sub-?)?totals?:?", re.IGNORECASE)
SALARIES, TAXES, OWED = "5010", "5020", "2100"
"""Accounts of the chart: salaries and wages, payroll taxes, payroll liabilities."""
FUNCTIONS: tuple[str, ...] = tuple(one for one in get_args(ExpenseFunction) if one != "none")


def read(content: bytes, columns: PayrollColumns, otherwise: ExpenseFunction) -> list[PayrollRow]:
    """Raises Invalid, naming the line of the file and its column. A line without any amount, as a title, is passed."""
    if otherwise == "none":
        raise Invalid({"otherwise": f"one of {', '.join(FUNCTIONS)}: pay is an expense"})
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid({"content": "isn't UTF-8; save the register as CSV in UTF-8"}) from None
    if "\x00" in text:
        raise Invalid({"content": "isn't a CSV file"})
    reader = csv.DictReader(io.StringIO(text))
    wanted = {field: name for field in columns.__struct_fields__ if (name := getattr(columns, field)) is not None}
    try:
        names = list(reader.fieldnames or [])
        missing = sorted(name for name in wanted.values() if name not in names)
        if missing:
            raise Invalid({"columns": f"the file has no column {', '.join(missing)}"})
        twice = sorted(name for name in set(wanted.values()) if names.count(name) > 1)
        if twice:
            raise Invalid({"columns": f"the file has several columns {', '.join(twice)}; rename all but one"})
        rows = [
            _row(line, reader.line_num, wanted, otherwise)
            for line in reader
            if any((line[wanted[field]] or "").strip() for field in ("gross", "net"))
        ]
    except csv.Error as error:
        raise Invalid({"content": f"isn't a CSV file: {error}"}) from None
    if not 1 <= len(rows) <= MOST_ROWS:
        raise Invalid({"content": f"has {len(rows):,} rows with amounts; a register has 1 to {MOST_ROWS:,}"})
    _refuse_total(rows)
    return rows


def _refuse_total(rows: Sequence[PayrollRow]) -> None:
    """A last line that adds up those above it is a total by another name. Of two lines, both may be people's."""
    *people, last = rows
    if len(people) > 1 and all(
        getattr(last, field) == sum(getattr(row, field) for row in people)
        for field in ("gross", "withheld", "net", "employer_cost")
    ):
        raise Invalid(
            {"content": "the last line adds up those above it, and would be booked again; take it out of the file"}
        )


def _row(line: dict[str, str], number: int, wanted: dict[str, str], otherwise: ExpenseFunction) -> PayrollRow:
    if any(isinstance(cell, str) and TOTAL.fullmatch(cell.strip()) for cell in line.values()):
        raise Invalid({"content": f"line {number} is a total, which would be booked again; take it out of the file"})

    def cents(field: str) -> int:
        text = (line[wanted[field]] or "").strip() or "0"
        found = AMOUNT.fullmatch(text)
        if found is None:
            raise Invalid({"content": f"line {number}: {wanted[field]} isn't an amount such as 1,234.50"})
        return int(found[1].replace(",", "")) * 100 + int((found[2] or "0").ljust(2, "0"))

    word = (line[wanted["function"]] or "").strip().lower() if "function" in wanted else ""
    if word and word not in FUNCTIONS:
        raise Invalid({"content": f"line {number}: {wanted['function']} isn't one of {', '.join(FUNCTIONS)}"})
    function = next((one for one in get_args(ExpenseFunction) if one == word), otherwise)
    row = PayrollRow(function, cents("gross"), cents("withheld"), cents("net"), cents("employer_cost"))
    if row.gross != row.withheld + row.net:
        off = shown(row.gross - row.withheld - row.net, "USD")
        raise Invalid({"content": f"line {number}: gross isn't what was withheld and paid; it is {off} off"})
    return row


def postings(new: NewPayrollRegister, rows: Sequence[PayrollRow], accounts: dict[str, UUID]) -> list[NewPosting]:
    """What was earned and what the employer owes on it, by function; paid to people, and owed for the rest."""
    spent: dict[tuple[str, ExpenseFunction], int] = defaultdict(int)
    for row in rows:
        spent[SALARIES, row.function] += row.gross
        spent[TAXES, row.function] += row.employer_cost
    owed, net = sum(row.withheld + row.employer_cost for row in rows), sum(row.net for row in rows)
    made = [
        NewPosting(
            account_id=accounts[code],
            fund_id=new.fund_id,
            amount=amount,
            function=function,
            program_id=new.program_id if function == "program" else None,
        )
        for (code, function), amount in sorted(spent.items())
        if amount
    ]
    for account_id, amount in ((new.bank_account_id, net), (accounts[OWED], owed)):
        if amount:
            made.append(NewPosting(account_id=account_id, fund_id=new.fund_id, amount=-amount))
    if len(made) < 2:
        raise Invalid({"content": "has no amount but zero"})
    return made
