"""Starts a dependency graph of processes, keeps each of them up, swaps them on reload, and stops them in order.

It knows commands, sockets and readiness, not services: the catalog's meaning is in solution.py, so that tests can run
it with any program. One asyncio task tends one resource from start to stop, so there are never two processes of one
resource beyond a reload's overlap.
"""

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path

import msgspec

from gatehouse_local import graph, probe
from gatehouse_local.logs import Log
from gatehouse_local.process import Child, Guardian, how_it_ended, spawn
from gatehouse_local.state import (
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
    Resource,
    Started,
    State,
    StopAsked,
    Stopped,
    advance,
)

START_SECONDS = 60.0  # a process that isn't ready by then is ended and tried again
HEALTH_SECONDS = 2.0  # between two questions for readiness of what runs
LAST_LINES = 15  # of a process that failed, shown to the user


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
    front: bool = False  # stands before all others: it stops first
    once: bool = False  # a task: ready when it has ended with 0
    ready_path: str | None = None  # 200 there means ready; without it, the ready descriptor or `ready_line` alone does
    ready_line: str | None = None  # a part of a line it prints when it is ready
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 8.0


class _Member:
    def __init__(self, spec: Spec, resource: Resource, log: Log, listener: socket.socket | None) -> None:
        self.spec, self.resource, self.log, self.listener = spec, resource, log, listener
        self.backoff = Backoff()
        self.well = asyncio.Event()  # what needs it may start
        self.reload = asyncio.Event()
        self.child: Child | None = None
        self.successor: Child | None = None
        self.draining: set[asyncio.Task] = set()
        self.task: asyncio.Task

    @property
    def children(self) -> list[Child]:
        return [child for child in (self.child, self.successor) if child is not None]


class Supervisor:
    """All resources of one runner. `on_lines(name, lines)` and `on_notice(text)` are for whoever looks on."""

    def __init__(
        self,
        *,
        logs: Path | None = None,
        guardian: Guardian | None = None,
        on_lines: Callable[[str, list[str]], None] = lambda _name, _lines: None,
        on_notice: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._logs, self._guardian, self._on_lines, self._on_notice = logs, guardian, on_lines, on_notice
        self._members: dict[str, _Member] = {}
        self._changed = asyncio.Condition()
        self._pending: set[asyncio.Task] = set()
        self.version = 0  # grows with each change of any resource

    @property
    def resources(self) -> list[Resource]:
        return [member.resource for member in self._members.values()]

    def __getitem__(self, name: str) -> Resource:
        return self._members[name].resource

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def spec(self, name: str) -> Spec:
        return self._members[name].spec

    def last_lines(self, name: str, count: int = LAST_LINES) -> list[str]:
        return self._members[name].log.last(count)

    def start(self, specs: list[Spec], listeners: Mapping[str, socket.socket] | None = None) -> None:
        """Begins to tend what isn't there yet; returns at once. Raises GraphError before anything is started."""
        new = [spec for spec in specs if spec.name not in self._members]
        graph.levels(
            {name: member.spec.needs for name, member in self._members.items()} | {s.name: s.needs for s in new}
        )
        for spec in new:  # each task begins at the next await, when all members are there
            log = Log(self._logs / f"{spec.name}.log" if self._logs else None)
            resource = Resource(name=spec.name, kind=spec.kind, port=spec.port, url=spec.url)
            member = _Member(spec, resource, log, (listeners or {}).get(spec.name))
            member.task = asyncio.create_task(self._tend(member), name=f"tend {spec.name}")
            self._members[spec.name] = member
        self._touch()

    def reload(self, name: str, spec: Spec | None = None) -> None:
        """Swaps the process for a new one (of a changed spec), as soon as that is ready; a task runs again."""
        member = self._members[name]
        if spec is not None:
            member.spec = spec
        member.reload.set()

    async def changes(self) -> AsyncIterator[list[Resource]]:
        """The resources now, and after each change."""
        seen = -1
        while True:
            seen = await self.changed(seen)
            yield self.resources

    async def changed(self, seen: int) -> int:
        """Returns the version once it is another than `seen`."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.version != seen)
        return self.version

    async def stop(self, names: set[str] | None = None) -> None:
        """Stops these (all), each after what needs it; nothing of them is left."""
        wanted = set(self._members) if names is None else names
        needs = {name: member.spec.needs for name, member in self._members.items()}
        for name in wanted:
            self._note(self._members[name], StopAsked())
            self._members[name].task.cancel()
        await asyncio.gather(*(self._members[name].task for name in wanted), return_exceptions=True)
        front = [name for name in sorted(wanted) if self._members[name].spec.front]
        for level in [front, *graph.stop_levels(needs, wanted - set(front))]:
            await asyncio.gather(*(self._stop(self._members[name]) for name in level))

    def forget(self, name: str) -> None:
        """Takes a stopped resource off the list."""
        del self._members[name]
        self._touch()

    async def _stop(self, member: _Member) -> None:
        await asyncio.gather(*(child.stop(member.spec.stop_seconds) for child in member.children), *member.draining)
        if member.resource.state is State.STOPPING:
            self._note(member, Stopped())
        member.log.close()

    # --- one resource ---

    async def _tend(self, member: _Member) -> None:
        try:
            await asyncio.gather(*(self._members[name].well.wait() for name in member.spec.needs))
            while True:
                if member.spec.once:
                    await self._run_once(member)
                else:
                    await self._run(member)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._notice(f"{member.spec.name}: the runner has a fault: {error!r}")
            raise

    async def _run_once(self, member: _Member) -> None:
        member.reload.clear()
        member.well.clear()
        again = member.resource.state is not State.WAITING
        child = self._spawn(member)
        if child is not None:
            self._note(member, Started(child.pid))
            member.child = child
            code = await asyncio.shield(child.exited)
            member.child = None
            if code == 0:
                self._note(member, Finished())
                member.well.set()
                if again:
                    self._notice("\n".join([f"{member.spec.name} is done", *self._indented(member)]))
            else:
                self._note(member, Broke(how_it_ended(code)))
                self._show_last_lines(member, f"{member.spec.name} failed: {how_it_ended(code)}")
        await member.reload.wait()

    async def _run(self, member: _Member) -> None:
        """From a start to the pause after a crash."""
        member.reload.clear()
        child = self._spawn(member)
        if child is None:
            await self._pause(member, 0.0)
            return
        member.child = child
        self._note(member, Started(child.pid))
        why = await self._until_ready(member, child, alone=True)
        if why is None:
            began = time.monotonic()
            self._note(member, Ready())
            member.well.set()
            why = how_it_ended(await self._keep(member))
            member.child = None
            await self._crash(member, why, time.monotonic() - began)
            return
        await child.stop(1.0)
        member.child = None
        await self._crash(member, why)

    def _spawn(self, member: _Member) -> Child | None:
        spec = member.spec
        member.log.begin()

        def on_lines(lines: list[str]) -> None:
            member.log.write(lines)
            if spec.ready_line and member.child and any(spec.ready_line in line for line in lines):
                _resolve(member.child.ready)
            if member.log.trouble:
                trouble, member.log.trouble = member.log.trouble, None
                self._notice(trouble)
            self._on_lines(spec.name, lines)

        try:
            return spawn(
                spec.command,
                environment=spec.environment,
                folder=spec.folder,
                on_lines=on_lines,
                listener=member.listener,
                stop_signal=spec.stop_signal,
                guardian=self._guardian,
            )
        except OSError as error:
            if member.resource.state in {State.WAITING, State.RESTARTING, State.DONE, State.FAILED}:
                self._note(member, Started(0))
                why = f"{spec.command[0]} can't be started: {error.strerror or error}"
                self._note(member, Broke(why) if spec.once else Crashed(why))
                self._notice(f"{spec.name}: {why}")
            return None

    async def _until_ready(self, member: _Member, child: Child, *, alone: bool) -> str | None:
        """None when the child is ready, else why not. `alone`: no other process answers on its port."""
        change = asyncio.ensure_future(member.reload.wait())
        answered: asyncio.Future = child.ready
        if alone and member.spec.ready_path and member.spec.port:
            note = partial(self._note_unready, member, child)
            answered = asyncio.ensure_future(probe.until_ready(member.spec.port, member.spec.ready_path, on_wait=note))
        try:
            done, _ = await asyncio.wait(
                [child.exited, answered, change], timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            change.cancel()
            if answered is not child.ready:
                answered.cancel()
        if child.exited.done():
            return how_it_ended(child.exited.result())
        if not done:
            return f"it wasn't ready after {START_SECONDS:g} s"
        if change in done:
            return "its files changed while it started"
        return None

    def _note_unready(self, member: _Member, child: Child, why: str) -> None:
        if member.child is child and not child.exited.done():
            self._note(member, NotReady(why))

    async def _keep(self, member: _Member) -> int:
        """Serves until the current process ends by itself (its exit code): asks its health, reloads when told."""
        while True:
            child = member.child
            assert child is not None
            change = asyncio.ensure_future(member.reload.wait())
            try:
                await asyncio.wait([child.exited, change], timeout=HEALTH_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            finally:
                change.cancel()
            if child.exited.done():
                return child.exited.result()
            if member.reload.is_set():
                await self._swap(member)
            elif member.spec.ready_path and member.spec.port:
                await self._ask_health(member)

    async def _ask_health(self, member: _Member) -> None:
        assert member.spec.port is not None
        assert member.spec.ready_path is not None
        try:
            answer = await probe.get(member.spec.port, member.spec.ready_path)
            event = Ready() if answer.ready else NotReady(probe.reason(answer))
        except probe.NoAnswer as error:
            event = NotReady(str(error))
        if member.child is not None and not member.child.exited.done():
            self._note(member, event)

    async def _swap(self, member: _Member) -> None:
        member.reload.clear()
        if member.listener is None:  # nothing to share: a process that binds its own port can't have two
            await self._replace(member)
            return
        self._note(member, ReloadBegan())
        began = time.monotonic()
        successor = self._spawn(member)
        if successor is None:
            self._note(member, ReloadFailed("the new process can't be started"))
            return
        member.successor = successor
        why = await self._until_ready(member, successor, alone=False)
        if why is None:
            old, member.child, member.successor = member.child, successor, None
            self._note(member, Reloaded(successor.pid))
            self._notice(f"{member.spec.name} reloaded in {time.monotonic() - began:.1f} s")
            if old is not None:
                self._drain(member, old)
            return
        await successor.stop(1.0)
        member.successor = None
        if not member.reload.is_set():
            self._note(member, ReloadFailed(f"the change isn't running: {why}"))
            self._show_last_lines(
                member, f"{member.spec.name}: the new code doesn't start ({why}); the old one goes on"
            )

    async def _replace(self, member: _Member) -> None:
        assert member.child is not None
        await member.child.stop(member.spec.stop_seconds)
        member.reload.set()

    def _drain(self, member: _Member, old: Child) -> None:
        task = asyncio.create_task(old.stop(member.spec.stop_seconds))
        member.draining.add(task)
        task.add_done_callback(member.draining.discard)

    async def _crash(self, member: _Member, why: str, healthy_seconds: float = 0.0) -> None:
        """Notes the end of its process, and waits before the next attempt; not when a saved file asked for that end."""
        if member.reload.is_set():
            self._note(member, Crashed(why), restarted=False)
            return
        self._note(member, Crashed(why))
        self._show_last_lines(member, f"{member.spec.name} is down: {why}")
        await self._pause(member, healthy_seconds)

    async def _pause(self, member: _Member, healthy_seconds: float) -> None:
        """The pause before the next attempt; a saved file ends it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(member.backoff.pause(healthy_seconds)):
                await member.reload.wait()

    # --- telling others ---

    def _show_last_lines(self, member: _Member, headline: str) -> None:
        self._notice("\n".join([headline, *self._indented(member)]))

    def _indented(self, member: _Member) -> list[str]:
        return [f"    {line}" for line in member.log.last(LAST_LINES)]

    def _notice(self, text: str) -> None:
        self._on_notice(text)

    def _note(self, member: _Member, event: Event, *, restarted: bool = True) -> None:
        before = member.resource
        after = advance(before, event, time.monotonic())
        if not restarted:
            after = msgspec.structs.replace(after, restarts=before.restarts)
        if after != before:
            member.resource = after
            self._touch()

    def _touch(self) -> None:
        self.version += 1
        task = asyncio.ensure_future(self._wake())
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
