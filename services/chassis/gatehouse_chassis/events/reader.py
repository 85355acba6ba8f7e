"""Follows one producer: reads its feed and hands each event to its handler, once.

A handler is `prepare(event)`, which may call other services, then `apply(event, prepared)`, which only writes. What it
writes, the inbox's row and the cursor are one transaction, which first locks the cursor and looks whether it still is
where this reader left it: so whatever is killed when, and however many tasks read, an event's effect is there once.

An event whose handler raises is parked at once and the cursor goes on; it is tried again after 1 s, 5 s, 30 s, 2 min,
10 min, 30 min and 2 h, and after eight failures waits for a person. Later events of its subject wait behind it. That
the database is away counts for nobody: then the reader waits.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import asyncpg
import msgspec
import structlog

from gatehouse_chassis.base.context import RequestContext, current
from gatehouse_chassis.base.problems import ApiProblem
from gatehouse_chassis.data.database import NotOpen
from gatehouse_chassis.data.database_errors import as_problem
from gatehouse_chassis.data.database_problems import Busy, ChangesRefused, ConnectionLost, Unreachable
from gatehouse_chassis.events.event import EventPage, FeedPosition, PublishedEvent
from gatehouse_chassis.events.store import EventStore, ParkedCounts
from gatehouse_chassis.events.wakeup import WakeUp

BATCH = 50
POLL = 1.0  # seconds: what a wake that was missed costs
LOOKS = (0.05, 0.1, 0.2)  # seconds after a wake that found nothing: the horizon trails
HANDLER_SECONDS = 30.0
LONGEST_PAUSE = 30.0
COUNTED_EVERY = 5.0

Apply = Callable[[PublishedEvent, Any], Awaitable[None]]
Prepare = Callable[[PublishedEvent], Awaitable[Any]]
ReadFeed = Callable[[FeedPosition, bool], Awaitable[EventPage]]
"""(after, whether to count what is left) -> the next page of the producer's feed."""

log = structlog.get_logger()


class EventHandler(msgspec.Struct, frozen=True):
    """`apply` writes in the transaction that it is called in; what it needs of other services, `prepare` asks first."""

    apply: Apply
    prepare: Prepare | None = None


class ReaderFigures(msgspec.Struct):
    """What /metrics shows of one producer; only of the task that reads its feed."""

    leads: bool = False
    backlog: int = 0
    lag_seconds: float = 0.0
    held_seconds: float = 0.0
    handled: int = 0
    failed: int = 0
    counts: ParkedCounts = ParkedCounts()


class CursorMoved(Exception):
    """Another task has read on."""


class TooManyParked(Exception):
    """Nothing more is parked: the handler is broken, and the reader waits until people have looked."""


class EventReader:
    """Of one producer. `handlers` by type."""

    def __init__(self, store: EventStore, handlers: Mapping[str, EventHandler], wakeup: WakeUp, read: ReadFeed) -> None:
        self.figures = ReaderFigures()
        self.producer = store.producer
        self._store = store
        self._handlers = dict(handlers)
        self._types = sorted(handlers)
        self._wakeup = wakeup
        self._heard = wakeup.heard[store.producer]
        self._read = read
        self._at: FeedPosition | None = None
        self._looks: list[float] = []
        self._woken = False
        self._counted_at = float("-inf")
        self._progress_at = asyncio.get_running_loop().time()
        self._stopping = False

    def stop(self) -> None:
        """It finishes what it is at, and returns from `run`."""
        self._stopping = True
        self._heard.set()

    async def run(self) -> None:
        failures = 0
        while not self._stopping:
            try:
                self.figures.leads = await self._wakeup.leads(self.producer)
                found = self.figures.leads and await self._round()
            except CursorMoved:
                self._at = None
                await self._sleep(LOOKS[0])
                continue
            except Exception as error:
                self._at, failures = None, failures + 1
                pause = min(LONGEST_PAUSE, 0.25 * 2 ** min(failures, 10))
                expected = isinstance(error, ApiProblem) or _is_away(error)
                log.warning(
                    "events can't be read",
                    producer=self.producer,
                    kind=type(error).__name__,
                    pause=pause,
                    exc_info=None if expected else error,
                )
                self.figures.lag_seconds = self._now() - self._progress_at
                await self._sleep(pause)
                continue
            failures = 0
            if not found:
                await self._wait()

    async def _round(self) -> bool:
        """One look into the feed and at what is due. Whether there was anything."""
        if self._at is None:
            self._at = await self._store.position(self._types)
        elif self._woken:  # maybe by a replay
            self._at = await self._store.current()
        self._woken = False
        count = self._now() - self._counted_at >= COUNTED_EVERY
        page = await self._read(self._at, count)
        self._measure(page)
        for batch in self._batches(page.events):
            if self._stopping:
                return True
            await self._handle(batch)
        retried = await self._retry_due()
        if count:
            self._counted_at = self._now()
            self.figures.counts = await self._store.counts()
        self._progress_at = self._now()
        if page.held_seconds and not self._looks:
            self._looks = list(LOOKS)
        return bool(page.events) or retried

    def _measure(self, page: EventPage) -> None:
        figures = self.figures
        figures.held_seconds = page.held_seconds
        figures.lag_seconds = page.held_seconds
        if page.events:
            first = page.events[0].at
            figures.lag_seconds = max(figures.lag_seconds, (_utcnow(first) - first).total_seconds())
        if page.left is not None:
            figures.backlog = page.left + len(page.events)

    def _batches(self, events: Sequence[PublishedEvent]) -> list[list[PublishedEvent]]:
        """Together what needs no preparation; each other one alone."""
        batches: list[list[PublishedEvent]] = []
        room = 0
        for event in events:
            alone = self._handlers[event.type].prepare is not None
            if alone or not room:
                batches.append([])
                room = BATCH
            batches[-1].append(event)
            room = 0 if alone else room - 1
        return batches

    async def _handle(self, batch: list[PublishedEvent]) -> None:
        """All of a batch in one transaction; where that fails, one by one."""
        try:
            await self._take(batch)
        except CursorMoved:
            raise
        except Exception as error:
            if _is_away(error):
                raise
            if len(batch) > 1:
                for event in batch:
                    await self._handle([event])
            else:
                await self._park(batch[0], error)

    async def _take(self, batch: list[PublishedEvent]) -> None:
        prepared = await self._prepared(batch[0]) if len(batch) == 1 else None
        store = self._store
        async with store.database.transaction():
            await self._lock_cursor()
            behind = await store.subjects_behind(event.subject_id for event in batch)
            new = await store.receive(event.id for event in batch if event.subject_id not in behind)
            for event in batch:
                if event.id in new:
                    await self._apply(event, prepared)
                elif event.subject_id in behind:
                    await self._refuse_flood()
                    await store.park_behind(event)
            await store.move(batch[-1].position)
        self._at = batch[-1].position
        self.figures.handled += len(new)

    async def _park(self, event: PublishedEvent, error: Exception) -> None:
        failure = described(error)
        async with self._store.database.transaction():
            await self._lock_cursor()
            await self._refuse_flood()
            await self._store.park_failed(event, failure)
            await self._store.move(event.position)
        self._at = event.position
        self._log_failure(event, failure, again=True)

    async def _lock_cursor(self) -> None:
        assert self._at is not None
        if not await self._store.locks(self._types, self._at):
            raise CursorMoved

    async def _refuse_flood(self) -> None:
        if not await self._store.has_room():
            raise TooManyParked

    async def _prepared(self, event: PublishedEvent) -> Any:
        prepare = self._handlers[event.type].prepare
        return None if prepare is None else await self._on_behalf(event, prepare(event))

    async def _apply(self, event: PublishedEvent, prepared: Any) -> None:
        await self._on_behalf(event, self._handlers[event.type].apply(event, prepared))

    async def _on_behalf(self, event: PublishedEvent, work: Awaitable[Any]) -> Any:
        """Logs and breadcrumbs name the request that made the change."""
        context = RequestContext(request_id=str(event.request_id or event.id), trace_id=event.trace_id or "")
        token = current.set(context)
        try:
            async with asyncio.timeout(HANDLER_SECONDS):
                return await work
        finally:
            current.reset(token)

    async def _retry_due(self) -> bool:
        due = await self._store.due()
        for id in due:
            if self._stopping:
                break
            event = await self._store.parked_event(id)
            if event is not None:
                await self._retry(event)
        return bool(due)

    async def _retry(self, event: PublishedEvent) -> None:
        store = self._store
        try:
            if event.type not in self._handlers:
                raise LookupError(event.type)
            prepared = await self._prepared(event)
            async with store.database.transaction():
                if not await store.take_due(event.id):
                    return
                if await store.receive([event.id]):
                    await self._apply(event, prepared)
                await store.finish(event)
            self.figures.handled += 1
        except Exception as error:
            if _is_away(error):
                raise
            failure = described(error)
            self._log_failure(event, failure, again=await store.failed_again(event.id, failure))

    def _log_failure(self, event: PublishedEvent, failure: str, *, again: bool) -> None:
        self.figures.failed += 1
        text = "an event's handler failed; it is tried again" if again else "an event is parked until somebody looks"
        log.error(text, producer=self.producer, type=event.type, event_id=str(event.id), failure=failure)

    async def _wait(self) -> None:
        """For a wake or a second; after a wake that found nothing, a little."""
        if self._looks and not self._heard.is_set():
            await self._sleep(self._looks.pop(0))
            return
        await self._sleep(POLL)

    async def _sleep(self, seconds: float) -> None:
        """Cut short by a wake."""
        try:
            async with asyncio.timeout(seconds):
                await self._heard.wait()
        except TimeoutError:
            return
        if not self._stopping:
            self._heard.clear()
        self._looks, self._woken = list(LOOKS), True

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _utcnow(like: Any) -> Any:
    return type(like).now(like.tzinfo)


def _is_away(error: BaseException) -> bool:
    """Whether the database, not the handler, is why: it is tried again without counting."""
    if isinstance(error, (Busy, Unreachable, ConnectionLost, ChangesRefused, NotOpen, TooManyParked)):
        return True
    if isinstance(error, (asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError)):
        return True
    return isinstance(error, Exception) and isinstance(as_problem(error), (ConnectionLost, ChangesRefused))


def described(error: BaseException) -> str:
    """The kind of an error and where in our code it was raised: never its text, which may hold anything."""
    stack = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in stack if "/gatehouse_" in frame.filename and frame.filename != __file__]
    if not frames:
        return type(error).__name__
    last = frames[-1]
    place = last.filename[last.filename.rindex("/gatehouse_") + 1 :]
    return f"{type(error).__name__} at {place}:{last.lineno}"[:300]
