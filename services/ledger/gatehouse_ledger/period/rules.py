"""In which order months are closed, and by whom. Pure functions: no database, no HTTP."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from gatehouse_chassis.base.problems import Conflict, Forbidden
from gatehouse_ledger.period.structs import PeriodRecord


def named(month: date) -> str:
    """`May 2026`."""
    return month.strftime("%B %Y")


def refuse_preparing(period: PeriodRecord, earlier_open: date | None, open_lines: int) -> None:
    """Raises Conflict unless the month is open and reconciled, and every earlier one is closed."""
    if period.state != "open":
        raise Conflict(f"{named(period.starts_on)} is {period.state} already.")
    if earlier_open is not None:
        raise Conflict(f"Close {named(earlier_open)} first: months are closed in their order.")
    if open_lines:
        lines = "One line" if open_lines == 1 else f"{open_lines:,} lines"
        raise Conflict(f"{lines} of bank statements in {named(period.starts_on)} aren't reconciled yet.")


def refuse_closing(period: PeriodRecord, account: UUID, involved: Collection[UUID]) -> None:
    """Raises Conflict unless the month is prepared, Forbidden for who prepared it or worked on it themselves."""
    if period.state != "closing":
        wanted = "is closed already" if period.state == "closed" else "isn't prepared; prepare it first"
        raise Conflict(f"{named(period.starts_on)} {wanted}.")
    if account == period.prepared_by or account in involved:
        raise Forbidden(
            f"You worked on {named(period.starts_on)} yourself. Another person of finance or of the board closes it."
        )
