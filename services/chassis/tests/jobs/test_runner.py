"""Jobs as the tasks of a service run them, on a clock that the tests set."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from gatehouse_catalog import find_root
from gatehouse_catalog.jobs import schedule_of
from gatehouse_catalog.structs import Job
from gatehouse_chassis import ServiceContext
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.jobs.queue import enqueue
from gatehouse_chassis.jobs.runner import JobRunner, pause_after
from gatehouse_chassis.jobs.structs import DeclaredJob, JobRun, ListedJob

FOLDER = find_root(Path(__file__)) / "services" / "person"
HOURLY = schedule_of(Job(help="h", every="1h"))


class House:
    """Tasks of one service, which share a database, a clock, and what their jobs did."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.service = ServiceContext.load(FOLDER, {"GATEHOUSE_ENVIRONMENT": "local"})
        self.runs: list[JobRun] = []
        self.fails = False
        self.opened: list[Database] = []

    async def handle(self, run: JobRun) -> None:
        self.runs.append(run)
        if self.fails:
            raise ValueError("Mara Lindgren wrote this")

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)

    async def task(self, schedule=HOURLY, handler=None, **options) -> JobRunner:
        """Another task of the service."""
        database = Database("person")
        await database.open(self.url, application_name="test", max_size=3)
        self.opened.append(database)
        jobs = {"sweep": DeclaredJob(handler=handler or self.handle, schedule=schedule, help="Sweeps")}
        return JobRunner(self.service, database, jobs, clock=lambda: self.now, **options)

    async def state(self, task: JobRunner) -> ListedJob:
        (state,) = await task.states()
        return state


@pytest.fixture
async def house(postgres, database_url: str) -> AsyncGenerator[House]:
    house = House(postgres.role_url(database_url, "person_service"))
    await (await house.task())._database.execute("delete from person.job")
    yield house
    for database in house.opened:
        await database.close()


async def until(condition: Callable[[], object]) -> None:
    """Waits; the bound only ends a hang."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_job_is_due_an_interval_after_it_was_declared_and_again_after_that(house: House):
    task = await house.task()
    assert await task.run_due() == 0
    house.forward(minutes=59)
    assert await task.run_due() == 0
    house.forward(minutes=1)
    assert await task.run_due() == 1
    (run,) = house.runs
    assert (run.now, run.due_at, run.key, run.failures) == (house.now, house.now, "", 0)
    state = await house.state(task)
    assert state.next_at == house.now + timedelta(hours=1)
    assert (state.succeeded_at, state.failures, state.schedule) == (house.now, 0, "every 1h")


async def test_what_was_due_while_everything_was_down_runs_once_after_the_start(house: House):
    await (await house.task()).run_due()
    house.forward(days=3, minutes=20)
    tasks = [await house.task() for _ in range(3)]
    late = timedelta(days=3, minutes=20) - timedelta(hours=1)
    assert (await house.state(tasks[0])).overdue_seconds == late.total_seconds()
    assert sum(await asyncio.gather(*(task.run_due() for task in tasks))) == 1
    assert len(house.runs) == 1
    state = await house.state(tasks[0])
    assert (state.next_at, state.overdue_seconds) == (house.now + timedelta(minutes=40), 0), "the rhythm stays"


async def test_a_daily_job_that_was_missed_runs_on_waking_and_then_at_its_time(house: House):
    daily = schedule_of(Job(help="h", at="03:30", zone="Europe/Berlin"))
    house.now = datetime(2026, 3, 27, 12, tzinfo=UTC)
    task = await house.task(daily)
    await task.run_due()
    house.now = datetime(2026, 3, 28, 23, 0, tzinfo=UTC)  # the night in which the clock goes forward
    assert await task.run_due() == 1
    house.now = datetime(2026, 3, 29, 1, 29, tzinfo=UTC)
    assert await task.run_due() == 0
    house.now = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert await task.run_due() == 1


async def test_two_tasks_never_run_it_at_once_and_a_dead_one_is_taken_over_when_its_lease_is_over(house: House):
    dead, heir = await house.task(), await house.task()
    await dead.run_due()
    house.forward(hours=1)
    assert await dead._claim() is not None, "it begins, and is killed"
    house.forward(seconds=29)
    assert await heir.run_due() == 0
    assert (await house.state(heir)).running_since == house.now - timedelta(seconds=29)
    house.forward(seconds=1)
    assert await heir.run_due() == 1
    assert house.runs[0].failures == 1, "a run that vanished counts as one"
    assert (await house.state(heir)).failures == 0


async def test_a_job_that_works_longer_than_its_lease_keeps_it_and_one_that_lost_it_stops(house: House):
    begun, ended = asyncio.Event(), []

    async def slow(run: JobRun) -> None:
        begun.set()
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            ended.append("stopped")
            raise

    task = await house.task(handler=slow, lease=timedelta(milliseconds=150))
    other = await house.task()
    await task.run_due()
    house.forward(hours=1)
    work = asyncio.create_task(task.run_due())
    await begun.wait()
    house.forward(milliseconds=140)  # on the test's clock it would be over, were it not renewed meanwhile
    leased = "select leased_until from person.job where name = 'sweep'"
    before = await other._database.fetchval(leased)
    async with asyncio.timeout(60):
        while await other._database.fetchval(leased) == before:
            await asyncio.sleep(0.005)
    house.forward(milliseconds=140)
    assert await other.run_due() == 0
    await other._database.execute("update person.job set lease = dbm.uuid_v7()")  # as if the task had slept too long
    async with asyncio.timeout(60):
        assert await work == 1
    assert ended == ["stopped"]
    assert (await house.state(other)).succeeded_at is None


async def test_failures_are_seen_without_values_and_tried_again_after_growing_pauses(house: House):
    task = await house.task(schedule_of(Job(help="h", every="7d")))
    await task.run_due()
    house.forward(days=7)
    house.fails = True
    for count, pause in enumerate((1, 2, 4, 8), 1):
        assert await task.run_due() == 1
        state = await house.state(task)
        assert state.failures == count
        assert state.next_at == house.now + timedelta(minutes=pause)
        assert state.last_error is not None
        assert state.last_error.startswith("ValueError in handle (test_runner.py:")
        assert "Mara" not in state.last_error
        house.forward(minutes=pause, seconds=-1)
        assert await task.run_due() == 0
        house.forward(seconds=1)
    house.fails = False
    assert await task.run_due() == 1
    state = await house.state(task)
    assert (state.failures, state.last_error) == (0, None)
    assert state.failed_at is not None
    assert pause_after(1000) == timedelta(hours=1)


async def test_a_failing_job_is_tried_no_later_than_its_schedule_says(house: House):
    task = await house.task(schedule_of(Job(help="h", every="30s")))
    await task.run_due()
    house.forward(seconds=30)
    house.fails = True
    await task.run_due()
    assert (await house.state(task)).next_at == house.now + timedelta(seconds=30)


async def test_work_is_there_exactly_if_the_change_is_and_the_same_key_is_the_same_work(house: House):
    task = await house.task(schedule=None)
    database = task._database
    await task.states()
    with contextlib.suppress(ZeroDivisionError):
        async with database.transaction():
            await enqueue(database, "sweep", key="undone")
            raise ZeroDivisionError
    assert (await house.state(task)).waiting == 0
    due = house.now + timedelta(days=14)
    async with database.transaction():
        await enqueue(database, "sweep", key="mara", due_at=due, arguments={"person_id": "7"})
    await enqueue(database, "sweep", key="mara", due_at=due + timedelta(days=1), arguments={"person_id": "8"})
    assert (await house.state(task)).waiting == 1
    house.forward(days=14)
    assert await task.run_due() == 0
    house.forward(days=1)
    assert await task.run_due() == 1
    assert (house.runs[0].key, house.runs[0].arguments) == ("mara", {"person_id": "8"})
    state = await house.state(task)
    assert (state.waiting, state.next_at, state.succeeded_at) == (0, None, house.now)
    with pytest.raises(ValueError, match="1 to 200"):
        await enqueue(database, "sweep", key="")


async def test_work_that_fails_is_discarded_with_a_reason_until_it_is_enqueued_again(house: House):
    task = await house.task(schedule=None)
    await enqueue(task._database, "sweep", key="mara", due_at=house.now)
    await enqueue(task._database, "sweep", key="noah", due_at=house.now + timedelta(days=9))
    house.fails = True
    await task.run_due()
    (work,) = (await house.state(task)).failing
    assert (work.key, work.failures, work.discarded_at) == ("mara", 1, None)
    await task.discard(work.id, by=uuid4(), reason="Its person is gone")
    house.forward(days=1)
    assert await task.run_due() == 0
    state = await house.state(task)
    assert (state.failures, state.last_error, state.waiting, state.overdue_seconds) == (0, None, 1, 0)
    assert [(one.discarded_reason, one.due_at) for one in state.failing] == [("Its person is gone", None)]
    with pytest.raises(Conflict, match="Only work that has failed"):
        await task.discard(work.id, by=uuid4(), reason="Twice")
    house.fails = False
    await enqueue(task._database, "sweep", key="mara", due_at=house.now)
    assert await task.run_due() == 1
    assert (await house.state(task)).failing == []


async def test_what_runs_or_has_not_failed_is_not_discarded(house: House):
    task = await house.task(schedule=None)
    await enqueue(task._database, "sweep", key="mara", due_at=house.now)
    id = await task._database.fetchval("select id from person.job where key = 'mara'")
    with pytest.raises(Conflict):
        await task.discard(id, by=uuid4(), reason="Has not failed")
    house.fails = True
    await task.run_due()
    house.forward(minutes=1)
    assert await task._claim() is not None
    with pytest.raises(Conflict):
        await task.discard(id, by=uuid4(), reason="Runs now")


async def test_work_that_is_enqueued_again_while_it_runs_runs_again(house: House):
    async def again(run: JobRun) -> None:
        house.runs.append(run)
        if len(house.runs) == 1:
            await enqueue(task._database, "sweep", key="mara", due_at=house.now)

    task = await house.task(schedule=None, handler=again)
    await enqueue(task._database, "sweep", key="mara", due_at=house.now)
    assert await task.run_due() == 2
    assert (await house.state(task)).waiting == 0


async def test_run_now_runs_it_once_and_says_why_where_it_cannot(house: House):
    task = await house.task()
    await task.run_now("sweep")
    assert await task.run_due() == 1
    house.forward(hours=1)
    assert await task._claim() is not None
    with pytest.raises(Conflict, match="running already"):
        await task.run_now("sweep")
    with pytest.raises(NotFound, match='Did you mean "sweep"'):
        await task.run_now("swep")
    queue = await house.task(schedule=None)
    with pytest.raises(Conflict, match="no schedule"):
        await queue.run_now("sweep")


async def test_a_schedule_that_changed_counts_from_the_next_start_on(house: House):
    await (await house.task(schedule_of(Job(help="h", every="7d")))).states()
    task = await house.task(HOURLY)
    assert (await house.state(task)).next_at == house.now + timedelta(hours=1)
    longer = await house.task(schedule_of(Job(help="h", every="7d")))
    assert (await house.state(longer)).next_at == house.now + timedelta(hours=1), "what is due sooner stays due"


async def test_a_running_service_wakes_for_what_is_enqueued_and_stops_in_order(house: House):
    seen: list[str] = []
    go = asyncio.Event()

    async def handle(run: JobRun) -> None:
        seen.append(f"{run.key} {request_id()[:10]}")
        await go.wait()

    task = await house.task(schedule=None, handler=handle, lease=timedelta(minutes=20))
    task.start()
    async with task._database.transaction():
        await enqueue(task._database, "sweep", key="mara", due_at=house.now)
    await until(lambda: seen)
    task.drain()
    await enqueue(task._database, "sweep", key="noah", due_at=house.now)
    go.set()
    await task.stop()
    assert seen == ["mara job-sweep-"], "what runs finishes, and nothing more is claimed"
    assert (await house.state(await house.task(schedule=None))).waiting == 1


async def test_a_job_that_does_not_end_is_free_for_another_task_when_the_service_stops(house: House, monkeypatch):
    monkeypatch.setattr("gatehouse_chassis.jobs.runner.GRACE", 0.0)
    begun = asyncio.Event()

    async def endless(run: JobRun) -> None:
        begun.set()
        await asyncio.sleep(600)

    task, heir = await house.task(handler=endless), await house.task()
    await task.states()
    house.forward(hours=1)
    task.start()
    await begun.wait()
    await task.stop()
    assert await heir.run_due() == 1, "at once, and not when the lease is over"
    assert house.runs[0].failures == 0
