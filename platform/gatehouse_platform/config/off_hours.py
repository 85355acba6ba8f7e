"""Off hours: when tasks and database are stopped, and the backup and maintenance windows that fit. Pure arithmetic.

AWS takes no backup of a stopped instance and does no maintenance on it ("Your DB instance must be in the available
state for automated backups to occur", RDS User Guide, Managing automated backups), so both windows are in the hours in
which the database runs. RDS reads windows in UTC, schedules have a time zone: a window fits with and without summer
time.
"""

import datetime
from zoneinfo import ZoneInfo

import msgspec

from gatehouse_platform.config.settings import Shutdown

# Starting an instance takes RDS some minutes; services start after it and stop before it.
DATABASE_LEAD_MINUTES, DATABASE_LAG_MINUTES = 30, 15
# Two windows of an hour each, in either half of the year, and the hour by which summer time moves them.
LEAST_AWAKE_MINUTES = 240
DAY = 24 * 60


class DatabaseWindows(msgspec.Struct, frozen=True):
    """In UTC, as RDS writes them."""

    backup: str
    maintenance: str


def database_hours(shutdown: Shutdown) -> tuple[str, str]:
    """When the database starts (on weekdays) and stops (every day): before the first task, after the last."""
    return _clock(_minutes(shutdown.start) - DATABASE_LEAD_MINUTES), _clock(
        _minutes(shutdown.stop) + DATABASE_LAG_MINUTES
    )


def database_windows(shutdown: Shutdown | None) -> DatabaseWindows:
    """At night where the database always runs; else in the last hours before it stops."""
    if shutdown is None:
        return DatabaseWindows("01:00-02:00", "sun:02:30-sun:03:30")
    _, end = awake_utc(shutdown)
    maintenance, backup = _range(end - 150), _range(end - 75)
    first, last = maintenance.split("-")
    return DatabaseWindows(backup, f"wed:{first}-wed:{last}")


def middle_of_day(shutdown: Shutdown | None) -> str:
    """When people work and the database surely runs, in the time zone of the schedule."""
    if shutdown is None:
        return "14:00"
    return _clock((_minutes(shutdown.start) + _minutes(shutdown.stop)) // 2)


def awake_utc(shutdown: Shutdown) -> tuple[int, int]:
    """The minutes of a weekday in UTC between which tasks and database run all year, with and without summer time."""
    zone = ZoneInfo(shutdown.timezone)
    offsets = [
        int((datetime.datetime(2026, month, 15, tzinfo=zone).utcoffset() or datetime.timedelta()).total_seconds() // 60)
        for month in (1, 7)
    ]
    return _minutes(shutdown.start) - min(offsets), _minutes(shutdown.stop) - max(offsets)


def _range(start: int) -> str:
    return f"{_clock(start)}-{_clock(start + 60)}"


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _clock(minutes: int) -> str:
    hours, rest = divmod(minutes % DAY, 60)
    return f"{hours:02}:{rest:02}"
