"""Runs the jobs of a service: each task of it claims what is due, and says while it works that it still lives.

A claim is a lease. Its task renews it three times as often as it would run out, each time with a connection for one
statement only, and stops working when it can't. So of two tasks one runs a job, and a job whose task was killed is
another's as soon as the lease is over. What fails is tried again after a pause that doubles, up to an hour.
"""

import asyncio
import contextlib
import re
import time
import traceback
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import structlog

from gatehouse_catalog.errors import nearest
from gatehouse_chassis.base.context import RequestContext, current
from gatehouse_chassis.base.problems import ApiProblem, Conflict, NotFound
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.jobs.queue import queue_of
from gatehouse_chassis.jobs.structs import Clock, DeclaredJob, JobClaim, JobRun, ListedJob, listed
from gatehouse_chassis.metrics.jobs import JobMetrics
from gatehouse_chassis.service.service import ServiceContext

LEASE = timedelta(seconds=30)
# Seconds between two looks at least, where a row is due and somebody holds a lock on it.
SHORTEST_SLEEP = 0.1
AT_ONCE = 2  # jobs of one task, so that a long one doesn't hold up the others; each uses a connection of the pool
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
# Seconds that jobs get to finish when the service stops. With the drain it stays below ECS's stop timeout of 60.
GRACE = 10.0

_SERVICE_CODE = re.compile(r"/gatehouse_(?!chassis/)\w+/")

log = structlog.get_logger()


def pause_after(failures: int) -> timedelta:
    """How long to wait after so many failures in a row."""
    return min(FIRST_PAUSE * 2 ** min(failures - 1, 10), LONGEST_PAUSE)


class LeaseLost(Exception):
    """Another task may run the job by now."""


class JobRunner:
    """The jobs of one running service, by name.

    `paused` is for tests: nothing runs by itself, and `run_due` runs what is due.
    """

    def __init__(
        self,
        service: ServiceContext,
        database: Database,
        jobs: Mapping[str, DeclaredJob],
        metrics: JobMetrics | None = None,
        *,
        clock: Clock = lambda: None,
        lease: timedelta = LEASE,
    ) -> None:
        self.clock = clock
        self.paused = False
        self._service = service
        self._database = database
        self._queue = queue_of(database)
        self._jobs = dict(jobs)
        self._lease = lease
        # Twice in each lease, so that every task knows when another's is over.
        self._longest_sleep = lease.total_seconds() / 2
        self._metrics = metrics or JobMetrics(service.name)
        self._woken = asyncio.Event()
        self._declared = False
        self._stopping = False
        self._reason = ""
        self._running: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None

    # What the service's routes ask

    async def states(self) -> list[ListedJob]:
        """All jobs, by name."""
        await self._declare()
        look = await self._queue.look(list(self._jobs), self.clock())
        failing = await self._queue.failing()
        helps = {name: job.help for name, job in self._jobs.items()}
        gone = "Not in service.toml any more: nothing runs it"
        return [
            listed(state, helps.get(state.name, gone), [work for work in failing if work.name == state.name])
            for state in look.states
        ]

    async def discard(self, id: UUID, *, by: UUID, reason: str) -> None:
        """A piece of work that fails is never done. The same key enqueued again is new work. Raises Conflict."""
        if not await self._queue.discard(id, by=by, reason=reason, now=self.clock()):
            raise Conflict("Only work that has failed can be discarded, while it isn't running. See the list again.")

    async def run_now(self, name: str) -> None:
        """Makes a job due. Raises NotFound, or Conflict while it runs and where it has no schedule."""
        if name not in self._jobs:
            raise NotFound(f"There is no job {name}. {nearest(name, self._jobs)}")
        if self._jobs[name].schedule is None:
            raise Conflict(f"{name} has no schedule: it runs only what the service puts into its queue.")
        await self._declare()
        if not await self._queue.hasten(name, self.clock()):
            raise Conflict(f"{name} is running already; wait until it has finished.")

    # Its life

    def start(self) -> None:
        if not self.paused:
            self._queue.listeners.append(self._woken.set)
            self._loop = asyncio.create_task(self._look_and_run())

    def drain(self) -> None:
        """Claims nothing more."""
        self._stopping = True
        self._woken.set()

    async def stop(self) -> None:
        """Lets running jobs finish for GRACE seconds; what is left then is due again for another task."""
        self.drain()
        if self._loop is not None:
            self._queue.listeners.remove(self._woken.set)
            await self._loop
        if self._running:
            await asyncio.wait(self._running, timeout=GRACE)
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    async def run_due(self) -> int:
        """Runs what is due by the clock, one after the other, and nothing twice. Returns how many ran."""
        await self._declare()
        count = 0
        while (found := await self._claim()) is not None:
            await self._run(*found)
            count += 1
        return count

    async def _look_and_run(self) -> None:
        while not self._stopping:
            self._woken.clear()
            wait = self._longest_sleep
            try:
                await self._declare()
                await self._start_due()
                look = await self._queue.look(list(self._jobs), self.clock())
                self._metrics.saw(look.states)
                if len(self._running) < AT_ONCE and look.wait is not None:
                    wait = min(self._longest_sleep, max(SHORTEST_SLEEP, look.wait))
                self._reason = ""
            except Exception as error:  # the database is gone, or has no such collection yet: readiness says it too
                self._tell(error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._woken.wait()

    def _tell(self, error: Exception) -> None:
        """Once for each reason, and not at every look."""
        reason = type(error).__name__
        if reason != self._reason:
            log.warning("jobs wait for the database", reason=reason)
        self._reason = reason

    async def _declare(self) -> None:
        if self._declared:
            return
        now = self.clock() or await self._database.now()
        await self._queue.declare({name: job.schedule for name, job in self._jobs.items()}, now)
        self._declared = True

    async def _start_due(self) -> None:
        while len(self._running) < AT_ONCE and not self._stopping and (found := await self._claim()) is not None:
            if self._stopping:  # since the claim was on its way
                await self._queue.free(*found)
                return
            task = asyncio.create_task(self._run(*found))
            self._running.add(task)
            task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._woken.set()

    # One run

    async def _claim(self) -> tuple[JobClaim, UUID] | None:
        lease = uuid4()
        claim = await self._queue.claim(list(self._jobs), lease, self._lease, self.clock())
        return None if claim is None else (claim, lease)

    async def _run(self, claim: JobClaim, lease: UUID) -> None:
        """Runs one job and records how it went. Raises nothing but its own cancellation."""
        context = RequestContext(f"job-{claim.name}-{lease.hex[:12]}", trace_id=lease.hex, span_id=lease.hex[:16])
        token = current.set(context)
        started = time.monotonic()
        if claim.taken_over:
            log.warning("job taken over", job=claim.name, key=claim.key)
            self._metrics.ended(claim.name, "lost", 0.0)
        try:
            await self._work(claim, lease)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):  # without it the job waits until the lease is over
                await self._queue.free(claim, lease)
            self._metrics.ended(claim.name, "stopped", time.monotonic() - started)
            log.warning("job stopped", job=claim.name, key=claim.key)
            raise
        except LeaseLost:
            self._metrics.ended(claim.name, "lost", time.monotonic() - started)
            log.warning("job lost its lease", job=claim.name, key=claim.key)
        except Exception as error:
            await self._failed(claim, lease, time.monotonic() - started, error)
        else:
            await self._succeeded(claim, lease, time.monotonic() - started)
        finally:
            current.reset(token)

    async def _work(self, claim: JobClaim, lease: UUID) -> None:
        """The handler, until it ends or the lease can't be renewed."""
        run = JobRun(
            name=claim.name,
            key=claim.key,
            arguments=claim.arguments,
            due_at=claim.due_at,
            now=claim.now,
            failures=claim.failures,
            service=self._service,
        )
        work = asyncio.ensure_future(self._jobs[claim.name].handler(run))
        held = asyncio.create_task(self._hold(claim, lease))
        try:
            await asyncio.wait((work, held), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise LeaseLost
        finally:
            for task in (held, work):
                task.cancel()
            await asyncio.gather(held, work, return_exceptions=True)
        work.result()

    async def _hold(self, claim: JobClaim, lease: UUID) -> None:
        """Renews the lease; returns once it is another's, or too old to be certain."""
        beat = self._lease.total_seconds() / 3
        renewed = time.monotonic()
        while time.monotonic() - renewed < 2 * beat:
            await asyncio.sleep(beat)
            asked = time.monotonic()
            try:
                async with asyncio.timeout(beat):
                    mine = await self._queue.renew(claim.id, lease, self._lease, self.clock())
            except Exception as error:
                log.warning("lease not renewed", job=claim.name, reason=type(error).__name__)
                continue
            if not mine:
                return
            renewed = asked

    async def _succeeded(self, claim: JobClaim, lease: UUID, seconds: float) -> None:
        self._metrics.ended(claim.name, "succeeded", seconds)
        schedule = self._jobs[claim.name].schedule
        try:
            now = self.clock() or await self._database.now()
            next_at = schedule.following(claim.due_at, now) if schedule else None
            await self._queue.succeed(claim, lease, round(seconds * 1000), next_at, self.clock())
        except Exception as error:  # it is repeated when the lease is over
            log.error("job succeeded and wasn't recorded", job=claim.name, reason=type(error).__name__)
            return
        log.info("job succeeded", job=claim.name, key=claim.key, milliseconds=round(seconds * 1000))

    async def _failed(self, claim: JobClaim, lease: UUID, seconds: float, error: Exception) -> None:
        self._metrics.ended(claim.name, "failed", seconds)
        failures = claim.failures + 1
        log.error("job failed", job=claim.name, key=claim.key, failures=failures, exc_info=error)
        schedule = self._jobs[claim.name].schedule
        try:
            now = self.clock() or await self._database.now()
            again = now + pause_after(failures)
            if schedule and not claim.key:
                again = min(again, schedule.following(claim.due_at, now))
            await self._queue.fail(claim, lease, round(seconds * 1000), shown(error), again, self.clock())
        except Exception as unrecorded:  # it is repeated when the lease is over
            log.error("job failed and wasn't recorded", job=claim.name, reason=type(unrecorded).__name__)


def shown(error: Exception) -> str:
    """An error as operators read it: what and where. Its own text may hold people's data: only the log has it."""
    frames = traceback.extract_tb(error.__traceback__)
    # Of the service's own code the innermost; below it the chassis and libraries would all look alike.
    ours = [frame for frame in frames if _SERVICE_CODE.search(frame.filename)] or frames
    place = f" in {ours[-1].name} ({Path(ours[-1].filename).name}:{ours[-1].lineno})" if ours else ""
    said = f": {error.detail}" if isinstance(error, ApiProblem) and error.detail else ""
    return f"{type(error).__name__}{place}{said}"
