"""The jobs of one service in its database: what is due, who runs it, and how it went.

    await enqueue(DB, "send_mail", due_at=tomorrow, key=str(mail_id), arguments={"mail_id": str(mail_id)})

Inside a transaction the work is there exactly if the change is. The same key again is the same piece of work, with the
new time. Only `runner.py` claims and finishes.
"""
# ruff: noqa: S608 - the names of schema and table come from the code; what callers send goes as parameters

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from gatehouse_catalog.jobs import Schedule
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.data.statements import arg
from gatehouse_chassis.jobs.structs import FailingWork, JobClaim, JobState
from gatehouse_chassis.jobs.table import job_table

NEEDS = {"job": "1.1.0"}
"""The collection that this code needs, as `[database.needs]` says it."""
LONGEST_KEY = 200
LONGEST_ERROR = 500
MOST_SHOWN = 200
STOPPED = "The task that ran it stopped before it had finished."


class Look(msgspec.Struct, frozen=True):
    """All jobs, and how many seconds it is until one may be claimed (None: nothing is due, ever)."""

    states: list[JobState]
    wait: float | None


class _Known(msgspec.Struct, frozen=True):
    name: str
    schedule: str | None


class _Found(JobState, frozen=True, kw_only=True):
    wait: float | None


class JobQueue:
    """All SQL about jobs. A time that is None is what the database's clock says."""

    def __init__(self, database: Database) -> None:
        table = job_table(database)
        job = table._meta.get_formatted_tablename()
        column = {column._meta.name: column for column in table._meta.columns}
        self.database = database
        self.listeners: list[Callable[[], None]] = []
        now = "coalesce($1::timestamptz, now())"
        # By hand: a conflict changes the row only where its schedule is another.
        self._declare = database.prepare_sql(
            f"insert into {job} as known (name, schedule, due_at, arguments) values ($1, $2, $3, '{{}}') "
            "on conflict (name, key) do update "
            "set schedule = excluded.schedule, due_at = case when known.due_at < excluded.due_at "
            "then known.due_at else excluded.due_at end where known.schedule is distinct from excluded.schedule"
        )
        self._known = database.prepare(
            table.select(column["name"], column["schedule"]).where(column["key"] == ""), _Known
        )
        # By hand: a conflict counts as a new piece of work, with the time of the clock.
        self._add = database.prepare_sql(
            f"insert into {job} (name, key, due_at, arguments, created_request) values ($1, $2, "
            "coalesce($3, now()), $4, $5) on conflict (name, key) do update set due_at = excluded.due_at, "
            "arguments = excluded.arguments, failures = 0, last_error = null, created_at = now(), "
            "created_request = excluded.created_request, "
            "discarded_at = null, discarded_by = null, discarded_reason = null"
        )
        # By hand: the row before and after its change, which nobody else holds.
        self._claim = database.prepare_sql(
            f"with due as (select id, lease is not null as taken_over from {job} where due_at <= {now} "
            f"and name = any($2) and (leased_until is null or leased_until <= {now}) "
            "order by due_at limit 1 for update skip locked) "
            f"update {job} as one set lease = $3, leased_until = {now} + $4::interval, started_at = {now}, "
            "failures = failures + taken_over::int, "
            f"failed_at = case when taken_over then {now} else failed_at end, "
            "last_error = case when taken_over then $5 else last_error end "
            "from due where one.id = due.id returning one.id, name, key, arguments, due_at, created_at, failures, "
            f"taken_over, {now} as now",
            JobClaim,
        )
        # By hand: a time that may be the clock's.
        self._renew = database.prepare_sql(
            f"update {job} set leased_until = {now} + $4::interval where id = $2 and lease = $3"
        )
        free = "lease = null, leased_until = null"
        well = f"failures = 0, last_error = null, succeeded_at = {now}, milliseconds = $4"
        # By hand: a time that may be the clock's.
        self._succeed = database.prepare_sql(
            f"update {job} set {free}, {well}, due_at = $5 where id = $2 and lease = $3 and key = ''"
        )
        # By hand: a piece of work goes, unless it was enqueued again meanwhile, and its job's own row says when.
        self._remove = database.prepare_sql(
            f"with gone as (delete from {job} where id = $2 and lease = $3 and created_at = $5 returning name), "
            f"kept as (update {job} set {free} where id = $2 and lease = $3 and created_at <> $5 returning name) "
            f"update {job} set {well} where key = '' and name in (select name from gone union select name from kept)"
        )
        # By hand: a time that may be the clock's.
        self._fail = database.prepare_sql(
            f"update {job} set {free}, failures = failures + 1, failed_at = {now}, milliseconds = $4, "
            "last_error = $5, due_at = $6 where id = $2 and lease = $3"
        )
        released = table.update({column["lease"]: None, column["leased_until"]: None}, force=True)
        self._free = database.prepare(released.where((column["id"] == arg(1)) & (column["lease"] == arg(2))))
        # By hand: a time that may be the clock's.
        self._hasten = database.prepare_sql(
            f"update {job} set due_at = {now} where name = $2 and key = '' and schedule is not null "
            f"and (leased_until is null or leased_until <= {now}) returning true"
        )
        runs = f"leased_until > {now}"
        kept = "discarded_at is null"
        # By hand: aggregates of some of a group's rows.
        self._look = database.prepare_sql(
            f"select name, max(schedule) as schedule, count(*) filter (where key <> '' and {kept}) as waiting, "
            f"min(started_at) filter (where {runs}) as running_since, min(due_at) as next_at, "
            f"greatest(0, extract(epoch from {now} - min(due_at) filter (where not coalesce({runs}, false))))::float8 "
            f"as overdue_seconds, coalesce(max(failures) filter (where {kept}), 0) as failures, "
            "max(succeeded_at) as succeeded_at, "
            "max(failed_at) as failed_at, max(milliseconds) filter (where key = '') as milliseconds, "
            f"(array_agg(last_error order by failed_at desc) filter (where last_error is not null and {kept}))[1] "
            "as last_error, '' as help, "
            "extract(epoch from min(greatest(due_at, leased_until)) filter (where due_at is not null) "
            f"- {now})::float8 as wait from {job} group by name order by name",
            _Found,
        )

        # By hand: the order, by what isn't a column.
        self._failing = database.prepare_sql(
            f"select {', '.join(FailingWork.__struct_fields__)} from {job} "
            f"where key <> '' and (failures > 0 or not ({kept})) order by not ({kept}), failures desc, failed_at desc "
            f"limit {MOST_SHOWN}",
            FailingWork,
        )
        # By hand: a time that may be the clock's.
        self._discard = database.prepare_sql(
            f"update {job} set {free}, due_at = null, discarded_at = {now}, discarded_by = $3, discarded_reason = $4 "
            f"where id = $2 and key <> '' and failures > 0 and {kept} "
            f"and (leased_until is null or leased_until <= {now})"
        )

    async def declare(self, schedules: Mapping[str, Schedule | None], now: datetime) -> None:
        """A row for each job. One whose schedule is another now is due by the new one, unless it is due sooner."""
        known = {row.name: row.schedule for row in await self._known.all()}
        for name, schedule in schedules.items():
            text = schedule.text if schedule else None
            if name not in known or known[name] != text:
                await self._declare.execute(name, text, schedule.first(now) if schedule else None)

    async def add(self, name: str, due_at: datetime | None, key: str, arguments: Mapping[str, Any]) -> None:
        await self._add.execute(name, key, due_at, dict(arguments), request_id()[:200])
        self.database.after_commit(self.wake)

    def wake(self) -> None:
        """The runner of this process looks at once."""
        for listener in self.listeners:
            listener()

    async def claim(
        self, names: Sequence[str], lease: UUID, length: timedelta, now: datetime | None
    ) -> JobClaim | None:
        return await self._claim.one(now, list(names), lease, length, STOPPED)

    async def renew(self, id: UUID, lease: UUID, length: timedelta, now: datetime | None) -> bool:
        """False: another task has it."""
        return await self._renew.execute(now, id, lease, length) == 1

    async def succeed(
        self, claim: JobClaim, lease: UUID, milliseconds: int, next_at: datetime | None, now: datetime | None
    ) -> None:
        if claim.key:
            await self._remove.execute(now, claim.id, lease, milliseconds, claim.created_at)
        else:
            await self._succeed.execute(now, claim.id, lease, milliseconds, next_at)

    async def fail(
        self, claim: JobClaim, lease: UUID, milliseconds: int, error: str, next_at: datetime, now: datetime | None
    ) -> None:
        await self._fail.execute(now, claim.id, lease, milliseconds, error[:LONGEST_ERROR], next_at)

    async def free(self, claim: JobClaim, lease: UUID) -> None:
        """It is due again at once, for whichever task is next."""
        await self._free.execute(claim.id, lease)

    async def hasten(self, name: str, now: datetime | None) -> bool:
        """Due now. False: it runs already, or has no schedule."""
        hastened = await self._hasten.value(now, name) is not None
        self.wake()
        return hastened

    async def failing(self) -> list[FailingWork]:
        """What failed most often first, then what was discarded. At most 200."""
        return await self._failing.all()

    async def discard(self, id: UUID, *, by: UUID, reason: str, now: datetime | None) -> bool:
        """False: it isn't there, hasn't failed, is discarded already, or runs."""
        return await self._discard.execute(now, id, by, reason) == 1

    async def look(self, names: Sequence[str], now: datetime | None) -> Look:
        found = await self._look.all(now)
        waits = [one.wait for one in found if one.wait is not None and one.name in names]
        fields = JobState.__struct_fields__
        states = [JobState(**{field: getattr(one, field) for field in fields}) for one in found]
        return Look(states, min(waits, default=None))


@lru_cache(maxsize=64)
def queue_of(database: Database) -> JobQueue:
    """The queue of a database; one for each."""
    return JobQueue(database)


async def enqueue(
    database: Database,
    name: str,
    *,
    key: str,
    due_at: datetime | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> None:
    """Work for the job `name`, due at `due_at` (default: now), in the transaction that is open.

    Args:
        key: What it is about, such as an id; the same key again moves it to the new time. 1 to 200 characters.
        arguments: Ids and words of enumerators; never what somebody wrote.
    """
    if not 0 < len(key) <= LONGEST_KEY:
        message = f"a job's key has 1 to {LONGEST_KEY} characters, not {len(key)}"
        raise ValueError(message)
    await queue_of(database).add(name, due_at, key, arguments or {})
