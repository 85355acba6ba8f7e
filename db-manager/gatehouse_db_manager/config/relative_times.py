"""Times of test data that are counted from the day on which they are loaded, so that "tomorrow" is tomorrow.

"today+1d 17:00 Europe/Oslo"      a timestamp, by the clock on a wall there
"today-7d"                        a date; for a timestamp, midnight in UTC
"""

import datetime
import re
import zoneinfo
from collections.abc import Iterable
from typing import Any

_FORM = re.compile(r"today(?:(?P<days>[+-]\d{1,4})d)?(?: (?P<time>[0-2]\d:[0-5]\d)(?: (?P<zone>[A-Za-z_/+-]+))?)?")


def is_relative(base: str, value: Any) -> bool:
    """Whether a date's or timestamp's value is one of these."""
    if base not in ("date", "timestamp") or not isinstance(value, str) or not (found := _FORM.fullmatch(value)):
        return False
    try:
        _resolved(found, datetime.datetime.now(datetime.UTC))
    except (ValueError, OverflowError, zoneinfo.ZoneInfoNotFoundError):
        return False
    return base == "timestamp" or found["time"] is None


def resolved_rows(rows: Iterable[dict[str, Any]], now: datetime.datetime) -> list[dict[str, Any]]:
    """The rows with such times as they are at `now`."""
    return [{name: _value(value, now) for name, value in row.items()} for row in rows]


def _value(value: Any, now: datetime.datetime) -> Any:
    found = _FORM.fullmatch(value) if isinstance(value, str) else None
    return value if found is None else _resolved(found, now)


def _resolved(found: re.Match[str], now: datetime.datetime) -> str:
    zone = zoneinfo.ZoneInfo(found["zone"] or "UTC")
    day = now.astimezone(zone).date() + datetime.timedelta(days=int(found["days"] or 0))
    if found["time"] is None:
        return day.isoformat()
    time = datetime.time.fromisoformat(found["time"])
    return datetime.datetime.combine(day, time, zone).isoformat()
