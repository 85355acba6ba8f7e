"""The promotion core, for pages: the state of main, previews and decisions, and runs in the background.

The core blocks on git and registries, so it runs in threads; nothing here decides anything. What a page shows is read
from the remote, never kept from a run: the record in git decides, even after this process has ended.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec
import structlog

from gatehouse_catalog.errors import CatalogError
from gatehouse_release import records
from gatehouse_release.change_set import ChangeSet, Impossible, change_set_of
from gatehouse_release.model import DangerousPlan, Decision, PromotionRequest, Reason, Record, ReleaseNote, Requester
from gatehouse_release.ports import DeployFailed, Moved, NotConfigured, PortFailed, Preview, Tree
from gatehouse_release.state import RepositoryState, read_state
from gatehouse_release.unit_tests import failing

REMEMBERED = 100
# For whoever has waited for a plan, to reload the page with it.
PLAN_KEPT_SECONDS = 5.0
# What the ports and the parsers raise on purpose, with a message for people.
TROUBLES = (NotConfigured, PortFailed, Moved, DeployFailed, CatalogError)

log = structlog.get_logger()


class LocalEnvironments(Protocol):
    """Environments on this machine: they have addresses here, sleep, and keep a clock that can skip. May block."""

    addresses: Mapping[str, str]

    def asleep(self) -> frozenset[str]: ...
    def wake(self, environment: str) -> None:
        """Starts what was deployed there. Raises DeployFailed, PortFailed."""
        ...

    def skip_to(self, moment: datetime) -> None: ...


class Core(Protocol):
    """Carries promotions out: in this process, or by a workflow. Every method may block."""

    @property
    def where(self) -> str:
        """What it writes to, as the confirmation names it."""
        ...

    @property
    def refusal(self) -> str:
        """Why nothing can be changed here; empty when it can."""
        ...

    @property
    def fresh(self) -> float:
        """Seconds for which a read is reused; each step of a run invalidates it."""
        ...

    @property
    def forms(self) -> Mapping[str, str]:
        """The address of the form for promotions into an environment, where they are started elsewhere."""
        ...

    @property
    def local(self) -> LocalEnvironments | None:
        """The environments, where they are on this machine."""
        ...

    def now(self) -> datetime:
        """By the clock that decides."""
        ...

    def close(self) -> None: ...

    def read(self) -> tuple[str, Tree]:
        """The head of main on the remote: revision and files."""
        ...

    def preview(self, state: RepositoryState, move: ChangeSet) -> Preview: ...

    def notes(self, state: RepositoryState, record: Record) -> tuple[ReleaseNote, ...]:
        """The commits that a record brought; none where its history isn't known."""
        ...

    def explain(self, request: PromotionRequest, actor: Requester) -> Decision: ...

    def run(self, request: PromotionRequest, actor: Requester, report: Callable[[str], None]) -> list[Reason]:
        """Carries it out, and waits for the end as far as it is known here. The reasons why not, or none."""
        ...


class PromotionPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a request would do, and whether it is allowed. `trouble`: why one of the two isn't known.

    `dangers`: schema changes that somebody must approve; `untested`: services whose unit tests didn't pass.
    """

    move: ChangeSet | None = None
    preview: dict[str, Any] | None = None
    fingerprint: str = ""
    decision: Decision | None = None
    trouble: str = ""
    dangers: tuple[DangerousPlan, ...] = ()
    untested: tuple[str, ...] = ()


class PromotionRun:
    """A request that this process carries out, or carried out."""

    def __init__(self, request: PromotionRequest, actor: Requester) -> None:
        self.request, self.actor = request, actor
        self.began = datetime.now(UTC)
        self.said: list[str] = []
        self.reasons: list[Reason] = []
        self.failure = ""
        self.over = asyncio.Event()

    async def settled(self, seconds: float) -> bool:
        """Whether it is over within that time."""
        try:
            async with asyncio.timeout(seconds):
                await self.over.wait()
        except TimeoutError:
            return False
        return True


class PlanInTheMaking:
    """A plan that somebody waits for."""

    def __init__(self, task: "asyncio.Task[PromotionPlan]") -> None:
        self.task = task
        self.began = time.monotonic()
        self._done = float("inf")
        task.add_done_callback(self._note)

    @property
    def old(self) -> bool:
        """Whether it was finished so long ago that it is made anew."""
        return time.monotonic() - self._done > PLAN_KEPT_SECONDS

    def _note(self, _task: "asyncio.Task[PromotionPlan]") -> None:
        self._done = time.monotonic()


class PromotionSession:
    """One for the application."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.read_at = datetime.now(UTC)  # when main was asked last
        self._reading = asyncio.Lock()
        self._previewing = asyncio.Lock()  # each starts services to ask them for their API: one after the other
        self._generation = 0
        self._known: tuple[int, float, RepositoryState] | None = None
        self._runs: OrderedDict[str, PromotionRun] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._plans: OrderedDict[bytes, PlanInTheMaking] = OrderedDict()
        self._notes: OrderedDict[str, tuple[ReleaseNote, ...]] = OrderedDict()
        self.zones: dict[UUID, str] = {}  # of readers, as of their last page
        self.waking: set[str] = set()  # environments that are being started

    async def close(self) -> None:
        """Unfinished runs are left to their records: the next run settles them."""
        tasks = [*self._tasks, *(making.task for making in self._plans.values())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.core.close()

    def forget(self) -> None:
        """The next request reads main again."""
        self._generation += 1

    async def state(self) -> RepositoryState:
        """The state of main, read after the last change that was made here. Raises one of TROUBLES."""
        async with self._reading:
            if self._known is not None:
                generation, read_at, state = self._known
                if generation == self._generation and time.monotonic() - read_at < self.core.fresh:
                    return state
            generation = self._generation
            state = await asyncio.to_thread(self._read)
            self._known = (generation, time.monotonic(), state)
            self.read_at = datetime.now(UTC)
            return state

    def _read(self) -> RepositoryState:
        revision, tree = self.core.read()
        if self._known is not None and self._known[2].revision == revision:
            return self._known[2]
        return read_state(revision, tree)

    async def plan(self, request: PromotionRequest, actor: Requester) -> PromotionPlan:
        """The preview, and the decision about just that preview."""
        state = await self.state()
        try:
            move = change_set_of(state, request)
        except Impossible as impossible:
            return PromotionPlan(decision=Decision(allowed=False, reasons=(impossible.reason,)))
        async with self._previewing:
            found, no_preview = await _or_trouble(asyncio.to_thread(self._preview, state, move))
        preview, fingerprint, dangers = found or (None, "", ())
        asked = msgspec.structs.replace(request, fingerprint=fingerprint)
        decision, undecided = await _or_trouble(asyncio.to_thread(self.core.explain, asked, actor))
        return PromotionPlan(
            move=move,
            preview=preview,
            fingerprint=fingerprint,
            decision=decision,
            trouble=no_preview or undecided,
            dangers=dangers,
            untested=tuple(sorted(name for name, one in move.releases.items() if failing(one))),
        )

    async def plan_soon(
        self, request: PromotionRequest, actor: Requester, seconds: float, *, take: bool
    ) -> PromotionPlan | float:
        """The plan; or, if it takes longer than that, for how many seconds it has been in the making: ask again.

        Until somebody takes it, whoever asks for the same at the same revision finds it, for some seconds.
        """
        state = await self.state()
        key = msgspec.json.encode([state.revision, request, actor.name, sorted(actor.roles)])
        making = self._plans.get(key)
        if making is None or making.old:
            making = self._plans[key] = PlanInTheMaking(asyncio.create_task(self.plan(request, actor)))
            while len(self._plans) > REMEMBERED:
                self._plans.popitem(last=False)[1].task.cancel()
        await asyncio.wait([making.task], timeout=seconds)
        if not making.task.done():
            return time.monotonic() - making.began
        if take:
            self._plans.pop(key, None)
        return making.task.result()

    def forget_plans(self) -> None:
        """The clock was moved: what was decided by it is decided anew."""
        for making in self._plans.values():
            making.task.cancel()
        self._plans.clear()

    def _preview(
        self, state: RepositoryState, move: ChangeSet
    ) -> tuple[dict[str, Any], str, tuple[DangerousPlan, ...]]:
        made = self.core.preview(state, move)
        return made.to_builtins(), made.fingerprint, made.plans

    def begin(self, request: PromotionRequest, actor: Requester) -> PromotionRun:
        """Carries the request out in the background; its key becomes part of the record's id."""
        request = msgspec.structs.replace(request, key=request.key or records.new_key())
        run = PromotionRun(request, actor)
        self._runs[request.key] = run
        while len(self._runs) > REMEMBERED:
            self._runs.popitem(last=False)
        task = asyncio.create_task(self._carry_out(run), name=f"{request.action} {request.environment}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return run

    def wake(self, environment: str) -> None:
        """Starts an environment of this machine in the background; the page shows when it is there."""
        local = self.core.local
        assert local is not None
        if environment in self.waking:
            return
        self.waking.add(environment)

        async def carry_out() -> None:
            try:
                await asyncio.to_thread(local.wake, environment)
            except TROUBLES as trouble:
                log.warning("an environment wasn't started", environment=environment, reason=str(trouble))
            finally:
                self.waking.discard(environment)

        task = asyncio.create_task(carry_out(), name=f"wake {environment}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def asleep(self) -> frozenset[str]:
        """Environments of this machine that don't run."""
        local = self.core.local
        return frozenset() if local is None else await asyncio.to_thread(local.asleep) - self.waking

    def run(self, key: str) -> PromotionRun | None:
        """One that this process began and still knows."""
        return self._runs.get(key)

    async def record(self, key: str) -> Record | None:
        """The record whose id ends with this key."""
        state = await self.state()
        return next((record for record in state.records.values() if records.key_of(record.id) == key), None)

    async def notes(self, record: Record) -> tuple[ReleaseNote, ...]:
        """What a verified promotion brought."""
        if record.state != "verified" or record.kind != "promotion":
            return ()
        if record.id not in self._notes:
            found, trouble = await _or_trouble(asyncio.to_thread(self.core.notes, await self.state(), record))
            if trouble:
                return ()
            self._notes[record.id] = found
            while len(self._notes) > REMEMBERED:
                self._notes.popitem(last=False)
        return self._notes[record.id]

    async def _carry_out(self, run: PromotionRun) -> None:
        loop = asyncio.get_running_loop()

        def report(text: str) -> None:
            loop.call_soon_threadsafe(self._said, run, text)

        try:
            run.reasons = await asyncio.to_thread(self.core.run, run.request, run.actor, report)
        except TROUBLES as trouble:
            run.failure = str(trouble)
        except Exception as error:
            log.error("a promotion was interrupted", key=run.request.key, kind=type(error).__name__, exc_info=error)
            run.failure = (
                "It was interrupted by an error on our side, which was logged. The record says how far it got."
            )
        finally:
            self.forget()
            run.over.set()

    def _said(self, run: PromotionRun, text: str) -> None:
        """Each step may have written something, so what was read is out of date."""
        run.said.append(text)
        self.forget()


async def _or_trouble(answer: Awaitable[Any]) -> tuple[Any, str]:
    try:
        return await answer, ""
    except TROUBLES as trouble:
        return None, str(trouble)
