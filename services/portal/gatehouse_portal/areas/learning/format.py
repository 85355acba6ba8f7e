"""What a curriculum says, as people read it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from gatehouse_portal.areas.learning.actions import ACTIONS


def hours(minutes: float) -> str:
    """`6 h`, `2.5 h`, `40 min`."""
    if 0 < minutes < 60:
        return f"{round(minutes)} min"
    return f"{round(minutes / 60, 1):g} h"


def earliest(now: datetime) -> str:
    """The first day for the next meeting, for <input type=date>: tomorrow in UTC."""
    return (now + timedelta(days=1)).date().isoformat()


def month_name(month: str) -> str:
    """`May 2026` of `2026-05`."""
    return f"{datetime.strptime(month, '%Y-%m').replace(tzinfo=UTC):%B %Y}" if month else ""


def filtered(asked: Mapping[str, str], **changes: str | int | None) -> str:
    """The home's address with these filters of the timeline; None takes one away."""
    kept = {name: str(value) for name, value in {**asked, **changes}.items() if value}
    return f"/?{urlencode(kept)}#done" if kept else "/#done"


def action_label(action: str) -> str:
    """The button of one of ACTIONS."""
    return ACTIONS[action].label


def sentence_start(text: str) -> str:
    return text[:1].upper() + text[1:]


FILTERS: dict[str, Callable[..., Any]] = {
    "hours": hours,
    "earliest": earliest,
    "filtered": filtered,
    "month_name": month_name,
    "action_label": action_label,
    "sentence_start": sentence_start,
}
