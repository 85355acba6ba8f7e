"""How long a period lasts and what room it has, whatever clocks do meanwhile."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_chassis.base.problems import Invalid
from gatehouse_curriculum.period import rules
from gatehouse_curriculum.period.structs import CommitmentRow

# Clocks that change by an hour, by half an hour, at midnight, never; and one that skipped a whole day.
ZONES = ["Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Africa/Lagos", "Pacific/Apia"]
zones = st.sampled_from([ZoneInfo(name) for name in ZONES])
moments = st.integers(1_293_840_000, 1_924_992_000).map(lambda second: datetime.fromtimestamp(second, UTC))
days = st.integers(1, rules.LONGEST_DAYS)
minutes = st.integers(0, 4_800)


def said(minutes: int, at: datetime, every: int | None = None) -> CommitmentRow:
    return CommitmentRow(id=UUID(int=1), minutes_per_week=minutes, meets_every_days=every, stated_at=at, stated_by=None)


@given(moments, days, zones)
def test_a_period_ends_on_its_day_at_the_same_time_of_day(begin: datetime, count: int, zone: ZoneInfo) -> None:
    end = rules.end_after(begin, count, zone)
    wall, before = (moment.astimezone(zone).replace(tzinfo=None) for moment in (end, begin))
    skipped = wall - (before + timedelta(days=count))
    assert skipped == timedelta(0) or not exists(before + timedelta(days=count), zone)
    assert end > begin


def exists(wall: datetime, zone: ZoneInfo) -> bool:
    """Whether the clock shows that time on that day."""
    return wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) == wall


@given(moments, days, zones, minutes)
def test_a_week_has_the_same_room_whatever_clocks_do(
    begin: datetime, count: int, zone: ZoneInfo, per_week: int
) -> None:
    end = rules.end_after(begin, count, zone)
    room = rules.capacity(begin, end, zone, [said(per_week, begin - timedelta(days=1))])
    skipped = 0 if exists(begin.astimezone(zone).replace(tzinfo=None) + timedelta(days=count), zone) else 1
    assert abs(room - per_week * count / 7) <= 0.5 + skipped * per_week / 7


@given(moments, days, zones, minutes, minutes, st.floats(0, 1))
def test_what_is_said_meanwhile_counts_from_then_on(
    begin: datetime, count: int, zone: ZoneInfo, first: int, then: int, share: float
) -> None:
    end = rules.end_after(begin, count, zone)
    middle = begin + (end - begin) * share
    before, after = said(first, begin - timedelta(days=1)), said(then, middle)
    room = rules.capacity(begin, end, zone, [before, after])
    parts = rules.capacity(begin, middle, zone, [before]) + rules.capacity(middle, end, zone, [after])
    # Within the hour that clocks repeat, a part's wall clock can run backwards.
    assert abs(room - parts) <= 1 + max(first, then) / 168
    least, most = sorted(rules.capacity(begin, end, zone, [said(one, begin)]) for one in (first, then))
    assert least - 2 - most / 168 <= room <= most + 2 + most / 168


@given(moments, days, zones, minutes)
def test_more_hours_and_more_days_never_give_less_room(
    begin: datetime, count: int, zone: ZoneInfo, per_week: int
) -> None:
    def room(minutes: int, days: int) -> int:
        return rules.capacity(begin, rules.end_after(begin, days, zone), zone, [said(minutes, begin)])

    assert 0 <= room(per_week, count) <= room(per_week + 60, count)
    assert room(per_week, count) <= room(per_week, count + 1)


def test_clocks_that_change_within_the_week_change_nothing() -> None:
    zone = ZoneInfo("Europe/Oslo")
    for begin in (datetime(2026, 3, 25, 17, tzinfo=UTC), datetime(2026, 10, 21, 16, tzinfo=UTC)):
        end = rules.end_after(begin, 7, zone)
        assert end - begin != timedelta(days=7)
        assert rules.capacity(begin, end, zone, []) == rules.MINUTES_PER_WEEK == 360


def test_until_somebody_says_something_else_it_is_six_hours_and_seven_days() -> None:
    planning = rules.planning_of([], None)
    assert (planning.minutes_per_week, planning.usual_days, planning.usual_capacity_minutes) == (360, 7, 360)
    assert (planning.meets_every_days, planning.stated_at, planning.period) == (None, None, None)
    planning = rules.planning_of([said(360, datetime.now(UTC)), said(600, datetime.now(UTC), 14)], None)
    assert (planning.minutes_per_week, planning.usual_days, planning.usual_capacity_minutes) == (600, 14, 1_200)


@pytest.mark.parametrize(
    ("day", "fits"),
    [
        (date(2026, 11, 30), False),  # it is that day already where the member lives
        (date(2026, 12, 1), True),
        (date(2027, 2, 28), True),
        (date(2027, 3, 1), False),
        (date(1, 1, 1), False),
        (date(9999, 12, 31), False),
    ],
)
def test_the_next_meeting_is_on_a_day_of_the_members_calendar(day: date, fits: bool) -> None:
    begin, zone = datetime(2026, 11, 29, 23, tzinfo=UTC), ZoneInfo("Asia/Tokyo")
    if fits:
        assert rules.end_on(begin, day, zone).astimezone(zone).date() == day
    else:
        with pytest.raises(Invalid):
            rules.end_on(begin, day, zone)


@pytest.mark.parametrize("name", [None, "", "Nowhere/Atlantis", "Europe", "../../etc/passwd", "a" * 300, "a\x00b"])
def test_a_zone_that_is_none_is_utc(name: str | None) -> None:
    assert rules.zone_of(name).key == "UTC"
