"""What an entry needs to be right. Pure functions: no database, no HTTP."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

from gatehouse_chassis.base.problems import Conflict, Invalid
from gatehouse_ledger.entry.structs import Chart, JournalEntry, NewPosting
from gatehouse_ledger.enumerators import EntrySource

EARLIEST, LATEST = date(2000, 1, 1), date(2199, 12, 31)
# Currencies whose minor unit isn't a hundredth (ISO 4217), as far as the books may meet them.
DIGITS = {"JPY": 0, "KRW": 0, "CLP": 0, "ISK": 0, "VND": 0, "BHD": 3, "JOD": 3, "KWD": 3, "OMR": 3, "TND": 3}

WITHOUT_NAMES: dict[EntrySource, str] = {
    "manual": "Entry",
    "opening": "Opening balance",
    "statement": "Line of a bank statement",
    "reversal": "Reversal",
}
"""What the board reads instead of a memo."""


def shown(amount: int, currency: str) -> str:
    """`-1,234.50 USD`."""
    digits = DIGITS.get(currency, 2)
    whole, rest = divmod(abs(amount), 10**digits)
    return f"{'-' if amount < 0 else ''}{whole:,}{f'.{rest:0{digits}}' if digits else ''} {currency}"


def decimal(amount: int, currency: str) -> str:
    """`-1200.00`: exact, with a point and without separators."""
    digits = DIGITS.get(currency, 2)
    whole, rest = divmod(abs(amount), 10**digits)
    return f"{'-' if amount < 0 else ''}{whole}{f'.{rest:0{digits}}' if digits else ''}"


def refuse_day(day: date, field: str = "booked_on") -> None:
    if not EARLIEST <= day <= LATEST:
        raise Invalid({field: f"lies outside the years {EARLIEST.year} to {LATEST.year}"})


def refuse_entry(postings: Sequence[NewPosting], chart: Chart) -> None:
    """Raises Invalid, naming each posting that is wrong and each fund that doesn't balance."""
    errors: dict[str, str] = {}
    for number, posting in enumerate(postings):
        errors |= {f"postings.{number}.{field}": text for field, text in _wrong(posting, chart).items()}
    if not errors:
        rest: Counter[tuple[str, str]] = Counter()
        for posting in postings:
            rest[chart.funds[posting.fund_id], chart.accounts[posting.account_id].currency] += posting.amount
        off = [f"{fund} is {shown(amount, currency)} off" for (fund, currency), amount in rest.items() if amount]
        if off:
            errors["postings"] = f"don't add up to zero in each fund: {'; '.join(off)}"
    if errors:
        raise Invalid(errors)


def _wrong(posting: NewPosting, chart: Chart) -> dict[str, str]:
    errors: dict[str, str] = {}
    account = chart.accounts.get(posting.account_id)
    if account is None:
        errors["account_id"] = "there is no such account, or it is archived"
    elif account.type == "expense" and posting.function == "none":
        errors["function"] = f"{account.code} is an expense: say program, management or fundraising"
    elif account.type != "expense" and posting.function != "none":
        errors["function"] = f"{account.code} is no expense, so it has no function: leave it out"
    if posting.fund_id not in chart.funds:
        errors["fund_id"] = "there is no such fund, or it is archived"
    if posting.program_id is not None and posting.program_id not in chart.programs:
        errors["program_id"] = "there is no such program, or it is archived"
    if posting.amount == 0:
        errors["amount"] = "is zero; leave the posting out"
    return errors


def reversed_postings(entry: JournalEntry) -> list[NewPosting]:
    """The postings that take an entry back. Raises Conflict for one that was taken back, or is such an entry itself."""
    if entry.reversed_by_id is not None:
        raise Conflict(f"Entry {entry.reversed_by_id} has reversed this one already.")
    if entry.source == "reversal":
        raise Conflict("This entry reverses another. To undo that, post the first entry again.")
    return [
        NewPosting(
            account_id=one.account_id,
            fund_id=one.fund_id,
            amount=-one.amount,
            function=one.function,
            program_id=one.program_id,
        )
        for one in entry.postings
    ]
