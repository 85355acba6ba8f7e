"""Who reads a text, and from when on it can't be hidden any more. Pure functions."""

from datetime import datetime

from gatehouse_chassis.base.problems import Conflict
from gatehouse_encounter.enumerators import Audience, EncounterState

SUMMARY, NOTES, PRIVATE_NOTES = "summary", "notes", "private_notes"
FREE: dict[str, Audience] = {SUMMARY: "shared", NOTES: "shared", PRIVATE_NOTES: "author_only"}
"""Texts of every encounter beside those of its script, and who reads them."""
LONGEST_SUMMARY = 255


def refuse_audience(key: str, before: Audience, after: Audience, read_at: datetime | None) -> None:
    """Raises Conflict for what others read already, and for texts that are what they are."""
    if before == after:
        return
    if key in FREE:
        raise Conflict("Who reads this text doesn't change.")
    if after == "author_only" and read_at is not None:
        raise Conflict("The member has read this already, so it can't be hidden any more.")


def refuse_writing(state: EncounterState) -> None:
    """Texts of an encounter are written while it is open."""
    if state == "planned":
        raise Conflict("This encounter hasn't begun.")
    if state != "open":
        raise Conflict("This encounter is over. Amend it, with a reason, where something is wrong.")


def summary_of(text: str) -> str | None:
    """A text as the one line that lists show."""
    line = " ".join(text.split())
    if not line:
        return None
    return line if len(line) <= LONGEST_SUMMARY else line[: LONGEST_SUMMARY - 1].rstrip() + "…"
