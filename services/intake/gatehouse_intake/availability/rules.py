"""When two people both have time. Pure functions.

Hours are on each one's own wall, so they are laid on a real week first: what is an evening in Oslo is a morning in
Denver, by rules that change twice a year, and not on the same days.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from gatehouse_chassis.base.problems import Invalid
from gatehouse_intake.availability.structs import NewAvailability, WeeklyWindow

EARLIEST, LATEST = 7 * 60, 22 * 60
"""Nobody is asked to meet before 07:00 or after 22:00 on their own wall."""
SHORTEST = timedelta(minutes=30)
DAYS = 7
WHENEVER = tuple(WeeklyWindow(weekday=day, begins=EARLIEST, ends=LATEST) for day in range(DAYS))
"""Of who hasn't said when they have time."""


class Hours(msgspec.Struct, frozen=True):
    """A stretch of time, in UTC."""

    begins_at: datetime
    ends_at: datetime


def refuse_windows(new: NewAvailability) -> None:
    """Raises Invalid for a time zone that doesn't exist, and for hours that end before they begin."""
    errors = {}
    if zone_of(new.time_zone) is None:
        errors["time_zone"] = "isn't a time zone; give a name such as Europe/Berlin"
    for number, one in enumerate(new.windows):
        if one.ends <= one.begins:
            errors[f"windows.{number}"] = "ends after it begins, on the same day"
    if errors:
        raise Invalid(errors)


def zone_of(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def hours_from(first: date, zone: ZoneInfo, windows: Sequence[WeeklyWindow]) -> list[Hours]:
    """The windows as they fall in the seven days from `first`, between 07:00 and 22:00, in order and joined."""
    found = []
    for number in range(DAYS):
        day = first + timedelta(days=number)
        for one in windows:
            begins, ends = max(one.begins, EARLIEST), min(one.ends, LATEST)
            if one.weekday == day.weekday() and begins < ends:
                found.append(Hours(_moment(day, begins, zone), _moment(day, ends, zone)))
    return _joined(found)


def in_both(one: Sequence[Hours], other: Sequence[Hours]) -> list[Hours]:
    """What two have in common, as far as it lasts for half an hour."""
    shared = (
        Hours(max(mine.begins_at, theirs.begins_at), min(mine.ends_at, theirs.ends_at))
        for mine in one
        for theirs in other
    )
    return sorted((hours for hours in shared if hours.ends_at - hours.begins_at >= SHORTEST), key=_begin)


def _joined(found: Iterable[Hours]) -> list[Hours]:
    joined: list[Hours] = []
    for hours in sorted(found, key=_begin):
        if joined and hours.begins_at <= joined[-1].ends_at:
            joined[-1] = Hours(joined[-1].begins_at, max(joined[-1].ends_at, hours.ends_at))
        else:
            joined.append(hours)
    return joined


def _begin(hours: Hours) -> datetime:
    return hours.begins_at


def _moment(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """On the wall, whatever the clocks do: an hour that a day doesn't have is the one after it."""
    return datetime.combine(day, time(minute // 60, minute % 60), zone).astimezone(UTC)
