"""What a check of an address must say. Pure functions: no database, no HTTP."""

from datetime import datetime, timedelta

from gatehouse_chassis.base.problems import Invalid
from gatehouse_topics.link_check.structs import NewLinkCheck

# Clocks of those who check may be ahead of ours.
AHEAD = timedelta(minutes=5)


def refuse_odd(new: NewLinkCheck, now: datetime) -> None:
    """Raises Invalid for a move that leads nowhere, and for a check that hasn't happened yet."""
    errors = {}
    if new.result == "moved" and new.final_url is None:
        errors["final_url"] = "is needed: where does the address lead now?"
    if new.checked_at is not None and new.checked_at > now + AHEAD:
        errors["checked_at"] = "lies in the future"
    if errors:
        raise Invalid(errors)
