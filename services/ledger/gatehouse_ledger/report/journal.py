"""The books as a plain-text journal, as hledger and Ledger read it: a copy that needs no Gatehouse to be read.

2026-01-05 * Rent for January  ; entry: 019a...
    Expenses:5200 Rent and utilities:General fund  1200.00 USD  ; function: management
    Assets:1010 Checking:General fund  -1200.00 USD
"""

import itertools
import re
from collections.abc import Iterable, Iterator

from gatehouse_ledger.entry.rules import decimal
from gatehouse_ledger.enumerators import AccountType
from gatehouse_ledger.report.structs import JournalLine

ROOTS: dict[AccountType, str] = {
    "asset": "Assets",
    "liability": "Liabilities",
    "net_assets": "Equity",
    "income": "Revenues",
    "expense": "Expenses",
}
# What means something in a journal: a colon parts an account's name, two spaces end it, brackets make it virtual.
_SPECIAL = re.compile(r"[:;()\[\]]|[^\S ]")
_SPACES = re.compile(r" {2,}")


def journal(lines: Iterable[JournalLine]) -> Iterator[str]:
    """The text of each entry. `lines` are in order, those of one entry together."""
    for _, group in itertools.groupby(lines, lambda line: line.entry_id):
        postings = list(group)
        first = postings[0]
        yield (
            f"{first.booked_on.isoformat()} * {plain(first.memo) or '-'}  ; entry: {first.entry_id}\n"
            + "".join(map(_posting, postings))
            + "\n"
        )


def _posting(line: JournalLine) -> str:
    name = ":".join((ROOTS[line.type], plain(f"{line.code} {line.account}"), plain(line.fund)))
    tags = [f"function: {line.function}"] if line.function != "none" else []
    tags += [f"program: {plain(line.program)}"] if line.program else []
    comment = f"  ; {', '.join(tags)}" if tags else ""
    return f"    {name}  {decimal(line.amount, line.currency)} {line.currency}{comment}\n"


def plain(text: str) -> str:
    """Text without what a journal would take for something else."""
    return _SPACES.sub(" ", _SPECIAL.sub(" ", text)).strip(" *!|")
