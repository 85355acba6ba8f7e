"""When a mentor is asked whether they are still with us, and when silence pauses them. Pure functions."""

from datetime import datetime, timedelta
from typing import Any, Literal

from gatehouse_intake.mentor.structs import MentorCapacity

ASKED_EVERY = timedelta(days=30)
MOST_MISSED = 2
"""After so many questions without an answer they take nobody, until they or a coordinator say otherwise."""
HOURS_A_MEMBER = 4
MOST_AT_FIRST = 3
OR_MORE = 3
"""The highest answer that is offered stands for itself and for more."""

Step = Literal["ask", "pause"]


def members_for(hours_month: int) -> int:
    """How many members fit into what somebody offered: an hour a week each, at first three at most."""
    return max(1, min(hours_month // HOURS_A_MEMBER, MOST_AT_FIRST))


def members_said(answer: int, known: int) -> int:
    """How many members a mentor takes who answers the monthly question, and took `known` before."""
    return max(answer, known) if answer >= OR_MORE else answer


def is_answered(capacity: MentorCapacity) -> bool:
    return capacity.answered_at is not None and capacity.answered_at >= capacity.asked_at


def next_step(capacity: MentorCapacity, now: datetime) -> tuple[Step, dict[str, Any]] | None:
    """What to do about one now, and what changes. None: nothing yet."""
    if capacity.paused_at is not None or now - capacity.asked_at < ASKED_EVERY:
        return None
    missed = 0 if is_answered(capacity) else capacity.missed + 1
    if missed >= MOST_MISSED:
        return "pause", {"missed": missed, "paused_at": now, "pause": "silent", "seen_at": None, "answer_hash": None}
    return "ask", {"missed": missed, "asked_at": now}
