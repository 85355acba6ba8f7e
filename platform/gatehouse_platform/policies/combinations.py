"""Options that are each right and exclude one another. Each check names its source; AWS refuses many only later."""

import datetime
from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from gatehouse_platform.offline.graph import Graph, RecordedResource, is_known
from gatehouse_platform.offline.hours import minutes_of_week
from gatehouse_platform.policies.violation import Violation, violation

NAME = "options agree"
DATABASE = "aws:rds/instance:Instance"
SCHEDULE = "aws:scheduler/schedule:Schedule"
ACTION = "aws:appautoscaling/scheduledAction:ScheduledAction"
# What RDS needs at most to start a small instance.
LEAD_MINUTES = 15
WEEK_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY, WEEK = 24 * 60, 7 * 24 * 60


def options_agree(graph: Graph) -> Iterable[Violation]:
    """No pair of options that AWS or its provider refuses, or that makes one of them void."""
    yield from _databases(graph)
    yield from _services(graph)
    yield from _windows(graph)
    yield from _order(graph)


def _databases(graph: Graph) -> Iterator[Violation]:
    """Source: RDS User Guide, Overview of blue/green deployments, limitations: "don't support managing master user
    passwords with AWS Secrets Manager". The provider makes nearly every change by blue/green when it is enabled.
    """
    for instance in graph.of_type(DATABASE):
        green = (instance.properties.get("blueGreenUpdate") or {}).get("enabled")
        if instance.properties.get("manageMasterUserPassword") and green:
            fix = "Remove blue_green_update; changes are made in place."
            yield violation(NAME, instance, "blueGreenUpdate", "excludes manageMasterUserPassword.", fix)


def _services(graph: Graph) -> Iterator[Violation]:
    """Source: terraform-provider-aws, ecs/service.go: "force_new_deployment should be true when
    capacity_provider_strategy is being updated".
    """
    for service in graph.of_type("aws:ecs/service:Service"):
        given = service.properties
        if given.get("capacityProviderStrategies") and given.get("forceNewDeployment") is not True:
            fix = "Set force_new_deployment=True."
            yield violation(NAME, service, "forceNewDeployment", "isn't true beside capacity strategies.", fix)


def _windows(graph: Graph) -> Iterator[Violation]:
    """Source: RDS User Guide, Managing automated backups: "Your DB instance must be in the available state"."""
    stopped = _stopped_minutes(graph)
    for instance in graph.of_type(DATABASE):
        for key in ("backupWindow", "maintenanceWindow"):
            window = instance.properties.get(key)
            if stopped and is_known(window) and stopped & _window_minutes(str(window)):
                fix = "Move it into the hours in which the database runs (config/off_hours.py)."
                yield violation(NAME, instance, key, f"({window} UTC) is when schedules have stopped it.", fix)


def _order(graph: Graph) -> Iterator[Violation]:
    """A database takes minutes to start: tasks that start with it fail, and their deployment is rolled back."""
    starts = [schedule for schedule in graph.of_type(SCHEDULE) if _calls(schedule, "startDBInstance")]
    for action in graph.of_type(ACTION):
        if int(action.properties["scalableTargetAction"]["maxCapacity"]) == 0:
            continue
        for start in starts:
            early = minutes_of_week(start.properties["scheduleExpression"])
            for minute in minutes_of_week(action.properties["schedule"]):
                if not any(LEAD_MINUTES <= (minute - each) % WEEK < DAY for each in early):
                    fix = f"Start the database at least {LEAD_MINUTES} minutes earlier."
                    yield violation(NAME, action, "schedule", "starts tasks before the database is up.", fix)
                    break


def _stopped_minutes(graph: Graph) -> set[int]:
    """Minutes of the week in UTC in which schedules have stopped the database, in either half of the year."""
    stopped: set[int] = set()
    schedules = [schedule for schedule in graph.of_type(SCHEDULE) if _calls(schedule, "DBInstance")]
    if not any(_calls(schedule, "startDBInstance") for schedule in schedules):
        return stopped  # parked: nothing changes that a backup would keep
    for month in (1, 7):
        moments = []
        for schedule in schedules:
            zone = ZoneInfo(schedule.properties["scheduleExpressionTimezone"])
            offset = datetime.datetime(2026, month, 15, tzinfo=zone).utcoffset() or datetime.timedelta()
            starts = _calls(schedule, "startDBInstance")
            for minute in minutes_of_week(schedule.properties["scheduleExpression"]):
                moments.append(((minute - int(offset.total_seconds() // 60)) % WEEK, starts))
        moments.sort()
        for (minute, starts), (until, _) in zip(moments, [*moments[1:], (moments[0][0] + WEEK, True)], strict=True):
            if not starts:
                stopped.update(each % WEEK for each in range(minute, until))
    return stopped


def _calls(schedule: RecordedResource, call: str) -> bool:
    target = schedule.properties["target"]
    return isinstance(target, dict) and call in str(target.get("arn"))


def _window_minutes(window: str) -> set[int]:
    """The minutes of the week of `hh:mm-hh:mm` (every day) or `ddd:hh:mm-ddd:hh:mm`."""
    parts = [end.split(":") for end in window.split("-")]
    clocks = [(int(part[-2]) * 60 + int(part[-1])) for part in parts]
    if len(parts[0]) == 3:
        first, last = (WEEK_DAYS.index(part[0]) * DAY + clock for part, clock in zip(parts, clocks, strict=True))
        return {minute % WEEK for minute in range(first, last if last > first else last + WEEK)}
    length = (clocks[1] - clocks[0]) % DAY
    # RDS makes the backup on each day; on the days in which the instance is stopped there is nothing new to keep.
    return {day * DAY + clocks[0] + minute for day in range(5) for minute in range(length)}
