"""The hours of a week in which something runs that schedules start and stop. Pure."""

import re
from collections.abc import Iterable

DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_CRON = re.compile(r"cron\((\d+) (\d+) \? \* (\S+) \*\)")
MINUTES_A_DAY = 1440


def hours_a_week(actions: Iterable[tuple[str, bool]]) -> float:
    """Hours a week, of (`cron(0 7 ? * MON-FRI *)`, starts it); all 168 where nothing ever stops it.

    Raises ValueError for an expression of another kind.
    """
    moments = sorted((minute, starts) for expression, starts in actions for minute in minutes_of_week(expression))
    if not any(not starts for _, starts in moments):
        return len(DAYS) * 24.0
    running, total = moments[-1][1], 0
    since = moments[-1][0] - len(DAYS) * MINUTES_A_DAY
    for minute, starts in moments:
        total += minute - since if running else 0
        running, since = starts, minute
    return total / 60


def minutes_of_week(expression: str) -> list[int]:
    """The minutes of the week at which a schedule fires, counted from Monday 00:00 of its time zone."""
    found = _CRON.fullmatch(expression)
    if found is None:
        raise ValueError(f"{expression} isn't a schedule by days of the week, as in cron(0 7 ? * MON-FRI *)")
    minute, hour, days = int(found[1]), int(found[2]), found[3]
    return [day * MINUTES_A_DAY + hour * 60 + minute for day in _days(days)]


def _days(text: str) -> list[int]:
    if text == "*":
        return list(range(len(DAYS)))
    numbers = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers += range(DAYS.index(first), DAYS.index(last or first) + 1)
    return numbers
