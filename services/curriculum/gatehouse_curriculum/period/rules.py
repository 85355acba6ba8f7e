"""How long a period lasts and how much time a member has in it. Pure functions: no database, no HTTP, no clock.

Days are days of the member's own calendar: a week is seven of them also when clocks change meanwhile, and has the same
capacity. So lengths are differences of wall clocks, and the end of a period is at the beginning's time of day.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from gatehouse_chassis.base.problems import Invalid
from gatehouse_curriculum.period.structs import CommitmentRow, Period, Planning, PresentPeriod

# The institute's defaults, until somebody says something else (design: domain, "Defaults where the user left it open").
MINUTES_PER_WEEK = 360
USUAL_DAYS = 7
LONGEST_DAYS = 90
WEEK = timedelta(days=7)
OTHERWISE = "UTC"


def zone_of(name: str | None) -> ZoneInfo:
    """The time zone of this name; UTC where nobody gave one or there is none of this name."""
    try:
        return ZoneInfo(name or OTHERWISE)
    # ZoneInfoNotFoundError is a KeyError; a name may also be that of a folder (`Europe`), or lead out of it.
    except (KeyError, ValueError, OSError):
        return ZoneInfo(OTHERWISE)


def end_after(begin: datetime, days: int, zone: tzinfo) -> datetime:
    """So many days later at the same time of day; in UTC. A time that clocks skip on that day is an hour later."""
    wall = begin.astimezone(zone) + timedelta(days=days)
    return wall.astimezone(UTC)


def end_on(begin: datetime, day: date, zone: tzinfo) -> datetime:
    """On that day of the member's calendar. Raises Invalid unless it is 1 to 90 days after the beginning's."""
    days = (day - begin.astimezone(zone).date()).days
    if not 1 <= days <= LONGEST_DAYS:
        raise Invalid({"until": f"a day after today, within {LONGEST_DAYS} days"})
    return end_after(begin, days, zone)


def usual_days(commitments: Sequence[CommitmentRow]) -> int:
    return (commitments[-1].meets_every_days if commitments else None) or USUAL_DAYS


def capacity(begin: datetime, end: datetime, zone: tzinfo, commitments: Sequence[CommitmentRow]) -> int:
    """Minutes for learning from `begin` to `end`. `commitments`: from the first on, each until the next one."""
    wanted, since = MINUTES_PER_WEEK, begin
    minutes = 0.0
    for commitment in commitments:
        if commitment.stated_at >= end:
            break
        if commitment.stated_at > since:
            minutes += wanted * (_wall(commitment.stated_at, zone) - _wall(since, zone)) / WEEK
            since = commitment.stated_at
        wanted = commitment.minutes_per_week
    minutes += wanted * (_wall(end, zone) - _wall(since, zone)) / WEEK
    return max(round(minutes), 0)


def planning_of(commitments: Sequence[CommitmentRow], period: Period | None) -> Planning:
    last = commitments[-1] if commitments else None
    minutes = last.minutes_per_week if last else MINUTES_PER_WEEK
    days = usual_days(commitments)
    return Planning(
        minutes_per_week=minutes,
        meets_every_days=last.meets_every_days if last else None,
        stated_at=last.stated_at if last else None,
        stated_by=last.stated_by if last else None,
        usual_days=days,
        usual_capacity_minutes=round(minutes * days / USUAL_DAYS),
        period=None if period is None else _present(period, commitments),
    )


def _present(period: Period, commitments: Sequence[CommitmentRow]) -> PresentPeriod:
    room = capacity(period.committed_at, period.ends_at, zone_of(period.time_zone), commitments)
    values = {name: getattr(period, name) for name in Period.__struct_fields__}
    return PresentPeriod(**values, capacity_minutes=room)


def _wall(moment: datetime, zone: tzinfo) -> datetime:
    """What the clock on the wall shows."""
    return moment.astimezone(zone).replace(tzinfo=None)
