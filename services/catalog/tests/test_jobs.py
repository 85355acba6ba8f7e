"""When jobs are due: over both changes of the clock, after what was missed, and for every schedule allowed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatehouse_catalog.jobs import Daily, Every, job_problems, schedule_of
from gatehouse_catalog.structs import DatabaseEntry, Job, Service, Setting

SERVICE = Service(
    name="person",
    domain="people",
    summary="s",
    path="/api/person",
    port=8402,
    database=DatabaseEntry(schema="person"),
    settings={"institute_zone": Setting(type="text", default="America/Chicago")},
    folder=Path("services/person"),
)
ZONES = ["UTC", "Europe/Berlin", "America/Chicago", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]
MOMENTS = st.datetimes(datetime(2011, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - `timezones`


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def daily(at: str, zone: str) -> Daily:
    schedule = schedule_of(Job(help="h", at=at, zone=zone))
    assert isinstance(schedule, Daily)
    return schedule


def occurrences(schedule: Daily, since: str, count: int) -> list[str]:
    found, now = [], utc(since)
    for _ in range(count):
        now = schedule.first(now)
        found.append(now.isoformat()[:16])
    return found


@pytest.mark.parametrize(
    ("at", "since", "expected"),
    [
        # 29 March 2026, 02:00 becomes 03:00: 02:30 isn't there, and is 03:30 that day.
        ("02:30", "2026-03-27T12:00", ["2026-03-28T01:30", "2026-03-29T01:30", "2026-03-30T00:30"]),
        ("03:30", "2026-03-27T12:00", ["2026-03-28T02:30", "2026-03-29T01:30", "2026-03-30T01:30"]),
        # 25 October 2026, 03:00 becomes 02:00: 02:30 is there twice, and the first counts.
        ("02:30", "2026-10-23T12:00", ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]),
        # Between the two it is not due again.
        ("02:30", "2026-10-25T00:45", ["2026-10-26T01:30"]),
        ("02:30", "2026-10-25T01:30", ["2026-10-26T01:30"]),
        ("00:00", "2026-10-24T21:59", ["2026-10-24T22:00", "2026-10-25T23:00"]),
    ],
)
def test_a_daily_job_is_due_once_a_day_over_both_changes_of_the_clock(at, since, expected) -> None:
    assert occurrences(daily(at, "Europe/Berlin"), since, len(expected)) == expected


@given(MOMENTS, st.times(), st.sampled_from(ZONES))
@example(utc("2026-03-29T00:59"), datetime(2026, 1, 1, 2, 30).time(), "Europe/Berlin")  # noqa: DTZ001 - its time only
def test_the_next_time_is_the_first_after_now_that_shows_on_the_clock(now, at, zone) -> None:
    text = f"{at:%H:%M}"
    schedule = daily(text, zone)
    moment = schedule.first(now)
    assert now < moment <= now + timedelta(hours=49)
    shown = moment.astimezone(ZoneInfo(zone))
    # A time that the clock skips is later that day by as much as it skips.
    skipped = datetime.combine(shown.date(), schedule.at, ZoneInfo(zone)).astimezone(UTC) == moment
    assert f"{shown:%H:%M}" == text or skipped or zone == "Pacific/Apia"  # Samoa had no 30 December 2011
    assert schedule.first(moment) > moment


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=400)), st.integers(10, 31_622_400))
def test_what_was_missed_is_left_out_and_the_rhythm_stays(due, late, seconds) -> None:
    schedule = schedule_of(Job(help="h", every=f"{seconds}s"))
    assert isinstance(schedule, Every)
    following = schedule.following(due, due + late)
    assert due + late < following <= due + late + schedule.interval
    assert (following - due) % schedule.interval == timedelta(0)


@given(
    st.builds(
        Job,
        help=st.just("h"),
        every=st.none() | st.sampled_from(["1h", "24h", "10s", "soon", "1s", "-1h", ""]),
        at=st.none() | st.sampled_from(["03:30", "23:59", "3:30", "24:00", "03:30:10", ""]),
        zone=st.none() | st.sampled_from([*ZONES, "Berlin", "", "/etc/localtime"]),
    )
)
def test_what_the_catalog_lets_through_has_a_schedule_and_what_it_refuses_a_fix(job: Job) -> None:
    problems = list(job_problems(SERVICE, "sweep", job))
    for problem in problems:
        assert problem.file == "services/person/service.toml"
        assert problem.key.startswith("jobs.sweep")
        assert problem.fix
    if not problems:
        schedule = schedule_of(job, "America/Chicago")
        assert (schedule is None) == (job.every is None and job.at is None)
        assert schedule is None or schedule.first(utc("2026-01-01T00:00")) > utc("2026-01-01T00:00")


def test_the_zone_is_the_institute_s_unless_the_job_names_one() -> None:
    job = Job(help="h", at="03:30")
    named = msgspec.structs.replace(job, zone="Europe/Berlin")
    found = [schedule_of(one, "America/Chicago") for one in (job, named)]
    assert [str(one and one.text) for one in found] == ["at 03:30 America/Chicago", "at 03:30 Europe/Berlin"]
