"""When a series occurs: at the same time on the wall, whatever the clocks do. Pure functions.

A time that a spring change skips is shown by the clock an hour later; one that an autumn change repeats is the first of
the two (PEP 495, fold=0).
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from gatehouse_chassis.base.problems import Invalid
from gatehouse_encounter.series.structs import NewSeries, Occurrence, SeriesRecord

WEEK = timedelta(days=7)
FARTHEST = date(2199, 1, 1)
EARLIEST = date(2000, 1, 1)


def zone_of(name: str) -> ZoneInfo:
    """Raises Invalid for a zone that nobody knows."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Invalid({"time_zone": f"{name} is no time zone; write an IANA name such as Europe/Berlin"}) from None


def minute_of_day(local_time: str) -> int:
    hours, _, minutes = local_time.partition(":")
    return int(hours) * 60 + int(minutes)


def local_time(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def refuse_series(new: NewSeries, zone: str) -> None:
    zone_of(zone)
    if not EARLIEST <= new.starts_on < FARTHEST:
        raise Invalid({"starts_on": "a day from the year 2000 on"})


def days_of(series: SeriesRecord) -> Iterator[date]:
    """The days of a series, from its first on."""
    first = series.starts_on
    if series.rhythm != "monthly":
        step = WEEK if series.rhythm == "weekly" else 2 * WEEK
        day = first
        while day < FARTHEST:
            yield day
            day += step
        return
    week = (first.day - 1) // 7
    year, month = first.year, first.month
    while year < FARTHEST.year:
        day = _weekday_of_month(year, month, first.weekday(), week)
        if day >= first:
            yield day
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


def _weekday_of_month(year: int, month: int, weekday: int, week: int) -> date:
    """The first, second ... such weekday of a month, and the last where there is no fifth."""
    begins = date(year, month, 1)
    day = begins + timedelta(days=(weekday - begins.weekday()) % 7 + 7 * week)
    return day if day.month == month else day - WEEK


def occurrences(series: SeriesRecord, after: datetime, count: int) -> list[Occurrence]:
    """The next `count` that begin after `after`."""
    zone = ZoneInfo(series.time_zone)
    hour, minute = divmod(series.minute_of_day, 60)

    def all_of_them() -> Iterator[Occurrence]:
        for day in days_of(series):
            begins = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)
            if begins > after:
                yield Occurrence(begins, begins + timedelta(minutes=series.minutes))

    return list(islice(all_of_them(), count))
