"""Which lines of a statement are new, and whether its balances and lines agree. Pure: no database, no HTTP."""

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence

import msgspec

from gatehouse_ledger.bank_file.structs import BankLine, BankStatement
from gatehouse_ledger.entry.rules import shown
from gatehouse_ledger.enumerators import StatementState
from gatehouse_ledger.statement.structs import LastBalance

Key = tuple[bytes, int]
"""A line's identity and occurrence."""


class Closure(msgspec.Struct, frozen=True):
    """`difference`: closing less what the lines lead to. `why`: for people, where it isn't proven."""

    state: StatementState
    difference: int = 0
    why: str = ""


def identity(line: BankLine) -> bytes:
    """The same for two lines that nothing tells apart. NUL parts the fields: no text of a line has one."""
    fields = (line.booked_on.isoformat(), str(line.amount), line.text, line.reference, line.bank_id)
    return hashlib.sha256("\x00".join(fields).encode("utf-8", "surrogatepass")).digest()


def keys(statements: Sequence[BankStatement]) -> list[list[Key]]:
    """Of each statement its lines' keys. Alike lines of a file are counted, so that two of them stay two, and the same
    file, or one that overlaps it, finds them again."""
    seen: Counter[bytes] = Counter()
    found: list[list[Key]] = []
    for statement in statements:
        of_statement: list[Key] = []
        for line in statement.lines:
            name = identity(line)
            seen[name] += 1
            of_statement.append((name, seen[name]))
        found.append(of_statement)
    return found


def closure(statement: BankStatement, currency: str, known: Collection[int], last: LastBalance | None) -> Closure:
    """Whether opening + lines = closing; a file without an opening balance is compared with the statement before it.

    `known`: the places of lines that were imported before; `last`: what the bank's newest balance and the lines since
    then come to, for files without an opening balance.
    """
    if statement.broken_at is not None:
        return _broken(statement, statement.broken_at, currency)
    if statement.closing is None:
        return Closure("unproven", 0, "The file gives no balance at its end.")
    if statement.opening is not None:
        return _by_itself(statement, statement.opening, statement.closing, currency)
    if last is None:
        return Closure("unproven", 0, "The format has no balance at its beginning, and no statement came before it.")
    if last.to_on > statement.to_on:
        return Closure("unproven", 0, f"A later balance, of {last.to_on}, is known already.")
    fresh = sum(line.amount for place, line in enumerate(statement.lines) if place not in known)
    expected = last.closing + last.since + fresh
    why = (
        f"The balance of {last.to_on} and the lines since then lead to {shown(expected, currency)}, the bank says "
        f"{shown(statement.closing, currency)}: a statement between them may be missing."
    )
    difference = statement.closing - expected
    return Closure("unproven", difference, why) if difference else Closure("proven")


def _broken(statement: BankStatement, number: int, currency: str) -> Closure:
    """Of a file whose running balance breaks: what follows the break is off by as much."""
    line = statement.lines[number - 1]
    expected = (statement.opening or 0) + sum(one.amount for one in statement.lines)
    where = f"line {number} ({line.booked_on}, {shown(line.amount, currency)})"
    why = f"Its lines contradict each other: the running balance breaks at {where}."
    return Closure("quarantined", (statement.closing or 0) - expected or line.amount or 1, why)


def _by_itself(statement: BankStatement, opening: int, closing: int, currency: str) -> Closure:
    expected = opening + sum(line.amount for line in statement.lines)
    if expected == closing:
        return Closure("proven")
    why = (
        f"It is {shown(closing - expected, currency)} off: what it begins with and its lines lead to "
        f"{shown(expected, currency)}, and it says {shown(closing, currency)}."
    )
    return Closure("quarantined", closing - expected, why)


def wrong_currency(statement: BankStatement, currency: str) -> str:
    """Why a statement isn't of an account in `currency`; empty where it may be."""
    if statement.currency in (None, currency):
        return ""
    return f"The statement is in {statement.currency}, the account in {currency}. Choose the account that it is of."
