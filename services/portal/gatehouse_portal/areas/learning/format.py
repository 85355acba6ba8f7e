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


def hours_between(low: float, high: float) -> str:
    """`5 to 9 h`, `40 to 70 min`, `about 5 h`."""
    if high < 90:
        first, last = (5 * max(round(one / 5), 1) for one in (low, high))
        return f"about {first} min" if first == last else f"{first} to {last} min"
    first, last = f"{low / 60:.{0 if low >= 180 else 1}f}", f"{high / 60:.0f}"
    return f"about {last} h" if float(first) == float(last) else f"{float(first):g} to {last} h"


def load_words(over: float) -> str:
    """What a likelihood of being too much means. Lamp from 0.5, red from 0.8 (design: domain, defaults)."""
    if over >= 0.8:
        return "very probably too much"
    if over >= 0.5:
        return "probably too much"
    return "it should fit" if over >= 0.2 else "it fits"


def in_ten(over: float) -> str:
    """`7 in 10`."""
    tenths = round(over * 10)
    return "less than 1 in 10" if tenths == 0 else "more than 9 in 10" if tenths == 10 else f"{tenths} in 10"


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
    "hours_between": hours_between,
    "in_ten": in_ten,
    "load_words": load_words,
    "earliest": earliest,
    "filtered": filtered,
    "month_name": month_name,
    "action_label": action_label,
    "sentence_start": sentence_start,
}
