"""Series by the clock on the wall, and as iCalendar."""

import random
from datetime import UTC, date, datetime, time, timedelta
from typing import get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from gatehouse_encounter.encounter.calendar import Appointment, calendar
from gatehouse_encounter.enumerators import SeriesRhythm
from gatehouse_encounter.series.rules import days_of, occurrences
from gatehouse_encounter.series.structs import SeriesRecord

from .conftest import Headers, Pair


def series(zone: str, starts_on: date, rhythm: SeriesRhythm = "weekly", minute: int = 17 * 60) -> SeriesRecord:
    return SeriesRecord(UUID(int=1), 1, UUID(int=2), UUID(int=3), rhythm, starts_on, minute, 60, zone, None)


@pytest.mark.parametrize(
    ("zone", "starts_on", "utc_hours"),
    [
        ("America/New_York", date(2026, 10, 22), [21, 21, 22, 22]),  # clocks change on 2026-11-01
        ("Europe/Berlin", date(2026, 10, 15), [15, 15, 16, 16]),  # on 2026-10-25
        ("Europe/Berlin", date(2027, 3, 18), [16, 16, 15, 15]),  # on 2027-03-28
        ("Asia/Kolkata", date(2026, 10, 22), [11, 11, 11, 11]),
    ],
)
def test_a_weekly_series_keeps_its_time_on_the_wall(zone: str, starts_on: date, utc_hours: list[int]) -> None:
    begins = [one.begins_at for one in occurrences(series(zone, starts_on), datetime(2026, 1, 1, tzinfo=UTC), 4)]
    assert [moment.hour for moment in begins] == utc_hours
    assert {moment.astimezone(ZoneInfo(zone)).strftime("%H:%M %A") for moment in begins} == {"17:00 Thursday"}


def test_a_time_that_spring_skips_is_an_hour_later_and_one_that_autumn_repeats_the_first() -> None:
    skipped = occurrences(series("Europe/Berlin", date(2027, 3, 28), minute=150), datetime(2027, 1, 1, tzinfo=UTC), 1)
    assert skipped[0].begins_at == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    twice = occurrences(series("Europe/Berlin", date(2026, 10, 25), minute=150), datetime(2026, 1, 1, tzinfo=UTC), 1)
    assert twice[0].begins_at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_monthly_series_is_on_the_same_weekday_of_the_same_week() -> None:
    def first(day: date, count: int) -> list[str]:
        days = days_of(series("UTC", day, "monthly"))
        return [next(days).isoformat() for _ in range(count)]

    assert first(date(2026, 11, 10), 3) == ["2026-11-10", "2026-12-08", "2027-01-12"]
    assert first(date(2026, 10, 30), 3) == ["2026-10-30", "2026-11-27", "2026-12-25"]


def test_any_series_is_at_its_time_on_the_wall_over_all_changes_of_clocks() -> None:
    """Of many zones, both hemispheres and half-hour changes among them; times that the clock skips are shown later."""
    draw = random.Random(1101)
    zones = ("America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca")
    zones += ("Asia/Kathmandu", "Pacific/Auckland", "America/St_Johns", "Africa/Cairo", "UTC", "Pacific/Apia")
    skipped = changed = 0
    for number in range(400):
        zone = ZoneInfo(zones[number % len(zones)])
        minute = draw.choice((draw.randrange(1440), draw.randrange(0, 240)))
        first = date(2026, 1, 1) + timedelta(days=draw.randrange(730))
        rhythm = draw.choice(get_args(SeriesRhythm))
        found = occurrences(series(zone.key, first, rhythm, minute), datetime(2026, 1, 1, tzinfo=UTC), 60)
        walls = [one.begins_at.astimezone(zone) for one in found]
        assert [one.begins_at for one in found] == sorted({one.begins_at for one in found})
        assert {one.ends_at - one.begins_at for one in found} == {timedelta(minutes=60)}
        for wall in walls:
            if wall.hour * 60 + wall.minute == minute:
                assert (wall.date() - first).days % 7 == 0
                assert rhythm != "two_weeks" or (wall.date() - first).days % 14 == 0
                assert wall.fold == 0
                continue
            skipped += 1  # only where that day has no such time
            asked = datetime.combine(wall.date(), time(*divmod(minute, 60)), zone)
            assert asked.astimezone(UTC).astimezone(zone) == wall
            assert asked.replace(fold=1).utcoffset() != asked.utcoffset()
        changed += len({wall.utcoffset() for wall in walls}) > 1
    assert (skipped > 0, changed > 200) == (True, True)


async def test_a_series_over_http(pair: Pair, coordinator: Headers) -> None:
    new = {
        "member_id": pair.member,
        "mentor_id": pair.mentor,
        "rhythm": "weekly",
        "starts_on": "2026-10-22",
        "local_time": "17:00",
        "time_zone": "America/New_York",
    }
    assert (await pair.send("POST", "/series", pair.as_member, new)).status_code == 403
    for wrong in ({"time_zone": "Mars/Olympus"}, {"local_time": "25:00"}, {"starts_on": "0001-01-01"}):
        assert (await pair.send("POST", "/series", pair.as_mentor, {**new, **wrong})).status_code == 400, wrong
    made = await pair.send("POST", "/series", pair.as_mentor, new)
    assert (made.status_code, made.json()["local_time"]) == (201, "17:00")
    assert (await pair.send("POST", "/series", coordinator, new)).status_code == 409
    path = f"/series/{made.json()['id']}"
    found = (await pair.send("GET", f"{path}/occurrences?count=3", pair.as_member)).json()
    zone = ZoneInfo("America/New_York")
    assert {datetime.fromisoformat(one["begins_at"]).astimezone(zone).strftime("%H:%M") for one in found} == {"17:00"}
    text = (await pair.send("GET", "/calendar", pair.as_member)).text
    assert text.count("BEGIN:VEVENT") == 26
    assert (await pair.send("POST", f"{path}/end", pair.as_mentor, version=1)).json()["ended_at"]
    assert (await pair.send("GET", f"{path}/occurrences", pair.as_member)).json() == []


def test_other_programs_accept_the_calendar() -> None:
    icalendar = pytest.importorskip("icalendar")
    at = datetime(2026, 11, 1, 22, tzinfo=UTC)
    found = [Appointment(UUID(int=number), 3, at, at.replace(hour=23), at, number or None) for number in range(2)]
    read = icalendar.Calendar.from_ical(calendar(found))
    events = read.walk("VEVENT")
    assert [event.decoded("DTSTART") for event in events] == [at, at]
    assert len({str(event["UID"]) for event in events}) == 2
    assert not read.errors
    assert all(not event.errors for event in events)
