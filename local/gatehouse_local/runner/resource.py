"""One managed resource: keeps its process running from start to stop, swaps it on reload, runs its task again.

One asyncio task manages each resource, so it never has two processes except while a reload overlaps. Dependencies and
the stop order are the supervisor's.
"""

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec

from gatehouse_local.runner import probe
from gatehouse_local.runner.logs import Log
from gatehouse_local.runner.preloaded import PreloadedProcess
from gatehouse_local.runner.process import Child, Guardian, exit_reason, spawn
from gatehouse_local.runner.state import (
    Backoff,
    Broke,
    Crashed,
    Event,
    Finished,
    NotReady,
    Ready,
    ReloadBegan,
    Reloaded,
    ReloadFailed,
    ResourceSnapshot,
    ResourceState,
    Started,
    StopAsked,
    Stopped,
    advance,
)

START_SECONDS = 60.0  # a process that isn't ready by then is stopped and restarted
HEALTH_SECONDS = 2.0  # between readiness probes of a running process
LAST_LINES = 15  # shown of a process that failed


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """How to run one resource."""

    name: str
    kind: str
    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] = {}
    needs: tuple[str, ...] = ()
    port: int | None = None
    url: str | None = None
    front: bool = False  # receives the traffic for all others: it stops first
    once: bool = False  # a task: ready once it has exited with 0
    ready_path: str | None = None  # ready when this answers 200; without it, by the ready descriptor or `ready_line`
    ready_line: str | None = None  # part of a line that it prints once it is ready
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 8.0
    forked: bool = False  # from the preloaded process, if there is one
    code: str = ""  # where its Python packages are, as PYTHONPATH has it; empty: those that are installed


class ResourceContext(msgspec.Struct, frozen=True, kw_only=True):
    """Callbacks of a resource: what it prints, notices for the user, and that its state changed."""

    lines: Callable[[str, list[str]], None]
    notice: Callable[[str], None]
    changed: Callable[[], None]
    guardian: Guardian | None = None
    preloaded: PreloadedProcess | None = None


class ManagedResource:
    """A resource with its processes and log. Setting `reload` replaces its process with a new one of `spec`."""

    def __init__(self, spec: Spec, log: Log, listener: socket.socket | None, context: ResourceContext) -> None:
        self.spec, self.log, self.listener, self._context = spec, log, listener, context
        self.resource = ResourceSnapshot(name=spec.name, kind=spec.kind, port=spec.port, url=spec.url)
        self.available = asyncio.Event()  # resources that need it may start
        self.reload = asyncio.Event()
        self.spawned = 0  # processes started so far
        self._backoff = Backoff()
        self._child: Child | None = None
        self._successor: Child | None = None
        self._draining: set[asyncio.Task] = set()
        self._task: asyncio.Task | None = None

    def begin(self, needs: Sequence["ManagedResource"]) -> None:
        """Starts to manage it; its process starts once what it needs is available."""
        if self.spec.forked and self._context.preloaded is not None:
            self._context.preloaded.of(self.spec.code).prepare()
        self._task = asyncio.create_task(self._manage(needs), name=f"manage {self.spec.name}")

    async def release(self) -> None:
        """Stops managing it: a running process keeps running until `stop`."""
        self._note(StopAsked())
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def stop(self, why: str | None = None) -> None:
        """Stops its processes and closes its log; `gate status` shows `why`."""
        children = [child for child in (self._child, self._successor) if child is not None]
        await asyncio.gather(*(child.stop(self.spec.stop_seconds) for child in children), *self._draining)
        if self.resource.state is ResourceState.STOPPING:
            self._note(Stopped(why))
        self.log.close()

    async def _manage(self, needs: Sequence["ManagedResource"]) -> None:
        try:
            await asyncio.gather(*(need.available.wait() for need in needs))
            while True:
                if self.spec.once:
                    await self._run_once()
                else:
                    await self._run()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._context.notice(f"{self.spec.name}: internal error in the runner: {error!r}")
            raise

    async def _run_once(self) -> None:
        self.reload.clear()
        self.available.clear()
        again = self.resource.state is not ResourceState.WAITING
        child = await self._spawn()
        if child is not None:
            self._note(Started(child.pid))
            self._child = child
            code = await asyncio.shield(child.exited)
            self._child = None
            if code == 0:
                self._note(Finished())
                self.available.set()
                if again:
                    self._context.notice("\n".join([f"{self.spec.name} is done", *self._indented()]))
            else:
                self._note(Broke(exit_reason(code)))
                self._show_last_lines(f"{self.spec.name} failed: {exit_reason(code)}")
        await self.reload.wait()

    async def _run(self) -> None:
        """One cycle: start, run, and the pause after a crash."""
        self.reload.clear()
        child = await self._spawn()
        if child is None:
            await self._pause(0.0)
            return
        self._child = child
        self._note(Started(child.pid))
        why = await self._until_ready(child, alone=True)
        if why is None:
            began = time.monotonic()
            self._note(Ready())
            self.available.set()
            why = exit_reason(await self._monitor())
            self._child = None
            await self._crash(why, time.monotonic() - began)
            return
        await child.stop(1.0)
        self._child = None
        await self._crash(why)

    async def _spawn(self) -> Child | None:
        spec = self.spec
        all_preloaded = self._context.preloaded if spec.forked else None
        preloaded = all_preloaded.of(spec.code) if all_preloaded is not None else None
        if preloaded is not None and not await preloaded.fresh():
            preloaded = None
        self.log.begin()

        def on_lines(lines: list[str]) -> None:
            self.log.write(lines)
            if spec.ready_line and self._child and any(spec.ready_line in line for line in lines):
                _resolve(self._child.ready)
            if self.log.trouble:
                trouble, self.log.trouble = self.log.trouble, None
                self._context.notice(trouble)
            self._context.lines(spec.name, lines)

        try:
            child = spawn(
                spec.command,
                environment=spec.environment,
                folder=spec.folder,
                on_lines=on_lines,
                listener=self.listener,
                stop_signal=spec.stop_signal,
                guardian=self._context.guardian,
                preloaded=preloaded,
            )
            self.spawned += 1
            return child
        except OSError as error:
            if self.resource.state in {
                ResourceState.WAITING,
                ResourceState.RESTARTING,
                ResourceState.DONE,
                ResourceState.FAILED,
            }:
                self._note(Started(0))
                why = f"{spec.command[0]} can't be started: {error.strerror or error}"
                self._note(Broke(why) if spec.once else Crashed(why))
                self._context.notice(f"{spec.name}: {why}")
            return None

    async def _until_ready(self, child: Child, *, alone: bool) -> str | None:
        """None once the child is ready, else the reason. `alone`: no other process answers on its port."""
        change = asyncio.ensure_future(self.reload.wait())
        answered: asyncio.Future = child.ready
        if alone and self.spec.ready_path and self.spec.port:
            note = partial(self._note_unready, child)
            answered = asyncio.ensure_future(probe.until_ready(self.spec.port, self.spec.ready_path, on_wait=note))
        try:
            done, _ = await asyncio.wait(
                [child.exited, answered, change], timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            change.cancel()
            if answered is not child.ready:
                answered.cancel()
        if child.exited.done():
            return exit_reason(child.exited.result())
        if not done:
            return f"it wasn't ready after {START_SECONDS:g} s"
        if change in done:
            return "its files changed while it started"
        return None

    def _note_unready(self, child: Child, why: str) -> None:
        if self._child is child and not child.exited.done():
            self._note(NotReady(why))

    async def _monitor(self) -> int:
        """Probes health and reloads on request until the process exits by itself; returns its exit code."""
        while True:
            child = self._child
            assert child is not None
            change = asyncio.ensure_future(self.reload.wait())
            try:
                await asyncio.wait([child.exited, change], timeout=HEALTH_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            finally:
                change.cancel()
            if child.exited.done():
                return child.exited.result()
            if self.reload.is_set():
                await self._swap()
            elif self.spec.ready_path and self.spec.port:
                await self._probe_health()

    async def _probe_health(self) -> None:
        assert self.spec.port is not None
        assert self.spec.ready_path is not None
        try:
            answer = await probe.get(self.spec.port, self.spec.ready_path)
            event = Ready() if answer.ready else NotReady(probe.reason(answer))
        except probe.NoAnswer as error:
            event = NotReady(str(error))
        if self._child is not None and not self._child.exited.done():
            self._note(event)

    async def _swap(self) -> None:
        self.reload.clear()
        if self.listener is None:  # a process that binds its own port can't overlap with a second one
            await self._replace()
            return
        self._note(ReloadBegan())
        began = time.monotonic()
        successor = await self._spawn()
        if successor is None:
            self._note(ReloadFailed("the new process failed to start"))
            return
        self._successor = successor
        why = await self._until_ready(successor, alone=False)
        if why is None:
            old, self._child, self._successor = self._child, successor, None
            self._note(Reloaded(successor.pid))
            self._context.notice(f"{self.spec.name} reloaded in {time.monotonic() - began:.1f} s")
            if old is not None:
                self._drain(old)
            return
        await successor.stop(1.0)
        self._successor = None
        if not self.reload.is_set():
            self._note(ReloadFailed(f"the last change isn't running: {why}"))
            self._show_last_lines(
                f"{self.spec.name}: the new code doesn't start ({why}); the old process keeps running"
            )

    async def _replace(self) -> None:
        assert self._child is not None
        await self._child.stop(self.spec.stop_seconds)
        self.reload.set()

    def _drain(self, old: Child) -> None:
        task = asyncio.create_task(old.stop(self.spec.stop_seconds))
        self._draining.add(task)
        task.add_done_callback(self._draining.discard)

    async def _crash(self, why: str, healthy_seconds: float = 0.0) -> None:
        """Records the exit and waits before the next attempt, unless a saved file caused the exit."""
        if self.reload.is_set():
            self._note(Crashed(why), restarted=False)
            return
        self._note(Crashed(why))
        self._show_last_lines(f"{self.spec.name} is down: {why}")
        await self._pause(healthy_seconds)

    async def _pause(self, healthy_seconds: float) -> None:
        """Waits before the next attempt; a saved file ends the wait."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._backoff.pause(healthy_seconds)):
                await self.reload.wait()

    def _show_last_lines(self, headline: str) -> None:
        self._context.notice("\n".join([headline, *self._indented()]))

    def _indented(self) -> list[str]:
        return [f"    {line}" for line in self.log.last(LAST_LINES)]

    def _note(self, event: Event, *, restarted: bool = True) -> None:
        before = self.resource
        after = advance(before, event, time.monotonic())
        if not restarted:
            after = msgspec.structs.replace(after, restarts=before.restarts)
        if after != before:
            self.resource = after
            self._context.changed()


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
