"""When awards change, and what they are now. Pure functions: no database, no HTTP."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from gatehouse_chassis.base.problems import Conflict, Forbidden
from gatehouse_credential.award.structs import AwardRow, Standing


class Dated(Protocol):
    @property
    def state(self) -> str: ...
    @property
    def valid_until(self) -> datetime | None: ...


def standing_of(award: Dated, now: datetime) -> Standing:
    match award.state:
        case "issued":
            return "expired" if award.valid_until is not None and award.valid_until <= now else "valid"
        case "revoked":
            return "revoked"
        case "declined":
            return "declined"
    return "proposed"


def refuse_confirming(award: AwardRow, by: UUID) -> None:
    """Raises Conflict for what isn't proposed, Forbidden for who proposed it and for the member."""
    refuse_settled(award)
    if by == award.proposed_by:
        raise Forbidden("You proposed it: another person has to confirm it.")
    if by == award.person_id:
        raise Forbidden("Nobody confirms their own certificate.")


def refuse_settled(award: AwardRow) -> None:
    """Raises Conflict for what isn't proposed any more."""
    if award.state != "proposed":
        raise Conflict(f"This is {award.state} already.")


def refuse_revoking(award: AwardRow) -> None:
    if award.state != "issued":
        raise Conflict(f"Only an issued certificate can be revoked; this one is {award.state}.")


def refuse_showing(award: AwardRow) -> None:
    """Raises Conflict for what has no certificate."""
    if award.state not in ("issued", "revoked"):
        raise Conflict(f"This is {award.state}: there is no certificate to show.")


def months_later(at: datetime, months: int) -> datetime:
    """The same day so many months later, or the month's last."""
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    for day in range(at.day, 27, -1):
        try:
            return at.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return at.replace(year=year, month=month + 1, day=min(at.day, 28))
