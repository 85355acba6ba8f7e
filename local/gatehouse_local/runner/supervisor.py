"""Starts a dependency graph of resources, reports their state, and stops them in order; resource.py manages each one.

It knows commands, sockets and readiness, not services: platform_specs.py translates the catalog. So tests can run it
with any program.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from gatehouse_local.runner import graph
from gatehouse_local.runner.logs import Log
from gatehouse_local.runner.preloaded import PreloadedProcess
from gatehouse_local.runner.process import Guardian
from gatehouse_local.runner.resource import LAST_LINES, ManagedResource, ResourceContext, Spec
from gatehouse_local.runner.state import ResourceSnapshot


class Supervisor:
    """All resources of one runner. `on_lines(name, lines)` and `on_notice(text)` receive output and notices."""

    def __init__(
        self,
        *,
        logs: Path | None = None,
        guardian: Guardian | None = None,
        preloaded: PreloadedProcess | None = None,
        on_lines: Callable[[str, list[str]], None] = lambda _name, _lines: None,
        on_notice: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._logs = logs
        self._context = ResourceContext(
            lines=on_lines, notice=on_notice, changed=self._touch, guardian=guardian, preloaded=preloaded
        )
        self._members: dict[str, ManagedResource] = {}
        self._changed = asyncio.Condition()
        self._pending: set[asyncio.Task] = set()
        self.version = 0  # grows with each change of any resource

    @property
    def resources(self) -> list[ResourceSnapshot]:
        return [member.resource for member in self._members.values()]

    def __getitem__(self, name: str) -> ResourceSnapshot:
        return self._members[name].resource

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def spec(self, name: str) -> Spec:
        return self._members[name].spec

    def spawned(self, name: str) -> int:
        """How many processes were started for it so far."""
        return self._members[name].spawned

    def last_lines(self, name: str, count: int = LAST_LINES) -> list[str]:
        return self._members[name].log.last(count)

    def start(self, specs: list[Spec], listeners: Mapping[str, socket.socket] | None = None) -> None:
        """Starts the resources that don't exist yet; returns at once. Raises GraphError before starting anything."""
        new = [spec for spec in specs if spec.name not in self._members]
        graph.levels(
            {name: member.spec.needs for name, member in self._members.items()} | {s.name: s.needs for s in new}
        )
        for spec in new:
            log = Log(self._logs / f"{spec.name}.log" if self._logs else None)
            self._members[spec.name] = ManagedResource(spec, log, (listeners or {}).get(spec.name), self._context)
        for spec in new:
            self._members[spec.name].begin([self._members[name] for name in spec.needs])
        self._touch()

    def reload(self, name: str, spec: Spec | None = None) -> None:
        """Replaces the process with a new one (of a changed spec) once that is ready; runs a task again."""
        member = self._members[name]
        if spec is not None:
            member.spec = spec
        member.reload.set()

    async def changes(self) -> AsyncIterator[list[ResourceSnapshot]]:
        """Yields the resources now and after each change."""
        seen = -1
        while True:
            seen = await self.changed(seen)
            yield self.resources

    async def changed(self, seen: int) -> int:
        """Waits until the version differs from `seen`, and returns it."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.version != seen)
        return self.version

    async def stop(self, names: set[str] | None = None, why: str | None = None) -> None:
        """Stops these (default: all), each after the resources that need it; `gate status` shows `why`."""
        wanted = set(self._members) if names is None else names
        needs = {name: member.spec.needs for name, member in self._members.items()}
        await asyncio.gather(*(self._members[name].release() for name in wanted))
        front = [name for name in sorted(wanted) if self._members[name].spec.front]
        for level in [front, *graph.stop_levels(needs, wanted - set(front))]:
            await asyncio.gather(*(self._members[name].stop(why) for name in level))

    def forget(self, name: str) -> None:
        """Removes a stopped resource."""
        del self._members[name]
        self._touch()

    def _touch(self) -> None:
        self.version += 1
        task = asyncio.ensure_future(self._wake())
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()
