"""Which times can be offered and taken. Pure functions."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from gatehouse_chassis.base.problems import Conflict, Invalid
from gatehouse_intake.slot.structs import Slot

NOTICE = timedelta(hours=2)
"""Who holds an introduction hears of it so long before."""
FURTHEST = timedelta(days=90)


def refuse_times(begins: Iterable[datetime], now: datetime) -> None:
    """Raises Invalid for times that are past, or too far ahead."""
    errors = {
        f"begins.{number}": "Choose a time within the next 90 days."
        for number, one in enumerate(begins)
        if not now < one < now + FURTHEST
    }
    if errors:
        raise Invalid(errors)


def refuse_taking(slot: Slot, now: datetime) -> None:
    if slot.state != "open":
        raise Conflict("Somebody else took this time, or it is cancelled. Choose another.")
    if slot.begins_at < now + NOTICE:
        raise Conflict("This time is too close. Choose another.")


def refuse_cancelling(slot: Slot, now: datetime) -> None:
    if slot.state == "cancelled":
        raise Conflict("This time is cancelled already.")
    if slot.begins_at <= now:
        raise Conflict("This time has passed.")
