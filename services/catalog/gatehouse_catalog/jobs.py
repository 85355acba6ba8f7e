"""When a job is due: the schedules that `[jobs]` may say, the problems of those it may not, and the next time of each.

A daily time is one of the wall clock. Where the clock goes forward over it, it is that much later that day; where the
clock goes back over it, the first of the two counts. So every day has exactly one. Pure: no clock is read here.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from gatehouse_catalog.errors import Problem
from gatehouse_catalog.structs import Job, Service, duration_seconds, problem_of

ZONE_SETTING = "institute_zone"
SHORTEST, LONGEST = timedelta(seconds=10), timedelta(days=366)
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")


class Every(msgspec.Struct, frozen=True):
    """Again and again, an interval after it was due."""

    interval: timedelta
    text: str

    def first(self, now: datetime) -> datetime:
        """When it is due for the first time."""
        return now + self.interval

    def following(self, due: datetime, now: datetime) -> datetime:
        """The next time after `now`. Those that were missed are left out, and the rhythm stays."""
        return due + self.interval * max(1, (now - due) // self.interval + 1)


class Daily(msgspec.Struct, frozen=True):
    """Once a day, at a time of the wall clock of a zone."""

    at: time
    zone: ZoneInfo
    text: str

    def first(self, now: datetime) -> datetime:
        """When it is due for the first time after `now`."""
        day = now.astimezone(self.zone).date() - timedelta(days=1)
        while True:
            moment = datetime.combine(day, self.at, self.zone).astimezone(UTC)
            if moment > now:
                return moment
            day += timedelta(days=1)

    def following(self, due: datetime, now: datetime) -> datetime:
        """The next time after `now`; those that were missed are left out."""
        del due
        return self.first(now)


Schedule = Every | Daily


def schedule_of(job: Job, institute_zone: str = "") -> Schedule | None:
    """None: it has no schedule. `institute_zone`: the setting's value. Raises ValueError for a zone that is unknown."""
    if job.every is not None:
        return Every(timedelta(seconds=duration_seconds(job.every)), f"every {job.every}")
    if job.at is None:
        return None
    name = job.zone or institute_zone
    return Daily(time.fromisoformat(job.at), zone_of(name), f"at {job.at} {name}")


def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises ValueError."""
    try:
        return ZoneInfo(name)
    except (LookupError, OSError, ValueError):
        message = f"{name!r} is no time zone: write an IANA name, such as Europe/Berlin"
        raise ValueError(message) from None


def job_problems(service: Service, name: str, job: Job) -> Iterator[Problem]:
    """What is wrong with one job."""
    key = f"jobs.{name}"
    if service.database is None:
        message = "needs a database: the service keeps in it what is due."
        yield problem_of(service, key, name, message, "Add [database], or remove the job.")
    if job.every is not None and job.at is not None:
        message = f"stands beside every = {job.every}: a job has one schedule."
        yield problem_of(service, f"{key}.at", job.at, message, "Remove one of the two.")
    if job.every is not None:
        yield from _interval_problems(service, f"{key}.every", job.every)
    if job.at is not None and not _TIME.fullmatch(job.at):
        yield problem_of(service, f"{key}.at", job.at, "is no time of day.", 'Write hours and minutes, as in "03:30".')
    yield from _zone_problems(service, key, job)


def _interval_problems(service: Service, key: str, text: str) -> Iterator[Problem]:
    try:
        seconds = duration_seconds(text)
    except ValueError:
        yield problem_of(service, key, text, "is not a duration.", "Write a number and a unit, as in 10m, 2h or 7d.")
        return
    if not SHORTEST.total_seconds() <= seconds <= LONGEST.total_seconds():
        yield problem_of(service, key, text, "is out of range.", "Write a duration from 10s to 366d.")


def _zone_problems(service: Service, key: str, job: Job) -> Iterator[Problem]:
    if job.zone is not None and job.at is None:
        message = "is about a time of day, and the job has no `at`."
        yield problem_of(service, f"{key}.zone", job.zone, message, "Remove it.")
    elif job.zone is not None:
        if _zone_problem(job.zone):
            message = "is no time zone."
            yield problem_of(service, f"{key}.zone", job.zone, message, "Write an IANA name, such as Europe/Berlin.")
    elif job.at is not None:
        setting = service.settings.get(ZONE_SETTING)
        if setting is None or setting.type != "text" or setting.default is None:
            message = f"has no zone, and the service has no setting {ZONE_SETTING}."
            fix = f'Add zone = "Europe/Berlin", or [settings.{ZONE_SETTING}] with type = "text" and a default.'
            yield problem_of(service, f"{key}.at", job.at, message, fix)
        elif _zone_problem(str(setting.default)):
            where, fix = f"settings.{ZONE_SETTING}.default", "Write an IANA name, such as Europe/Berlin."
            yield problem_of(service, where, setting.default, "is no time zone.", fix)


def _zone_problem(name: str) -> bool:
    try:
        zone_of(name)
    except ValueError:
        return True
    return False
