"""The one runner of a state folder: starts what was asked for, follows commands and saved files, ends what it began.

`gate up` runs it in its own process; `gate up --detach` runs `python -m gatehouse_local.runner.runner` in its own
session.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from gatehouse_catalog import CatalogError
from gatehouse_local.runner import control, port_conflicts, reload
from gatehouse_local.runner.logs import Log
from gatehouse_local.runner.platform_specs import (
    DATABASE_STEP,
    EDGE,
    POSTGRES,
    LocalPlatform,
    Location,
    Selection,
    selection,
)
from gatehouse_local.runner.port_conflicts import Trouble
from gatehouse_local.runner.process import Guardian
from gatehouse_local.runner.state import ResourceSnapshot, ResourceState, hopeless
from gatehouse_local.runner.supervisor import Supervisor

NOTICES = 200  # remembered for those who join
STEP_SECONDS = 60.0  # for the step on the database, before a reset gives up waiting for it


class Onlooker:
    """Sees what happens; `gate up` in the foreground draws it."""

    def notice(self, text: str) -> None:
        """Something happened that is worth a sentence."""

    def lines(self, name: str, lines: list[str]) -> None:
        """A process printed something."""


class Runner:
    def __init__(self, place: Location, wanted: Selection, onlooker: Onlooker | None = None) -> None:
        self.place, self._wanted = place, wanted
        self._onlooker = onlooker or Onlooker()
        self._notices: OrderedDict[int, str] = OrderedDict()
        self._noticed = 0
        self._stop = asyncio.Event()
        self._listeners: dict[str, socket.socket] = {}
        self._words = Log(place.logs / "runner.log")

    async def run(self, claim: control.Claim, *, started: Callable[[], None] = lambda: None) -> None:
        """Until told to stop, by `gate down`, Ctrl-C or a signal; nothing is left afterwards."""
        with contextlib.ExitStack() as stack:
            stack.callback(claim.release)
            solution = self._solution = LocalPlatform(self.place)
            specs = solution.specs(self._wanted)
            await self._clear_traces(claim)
            stack.callback(self._close_listeners)
            self._listeners |= port_conflicts.bind(solution.ports(self._wanted))
            await asyncio.to_thread(solution.embedded.prepare)
            guardian = Guardian(control.file_of(self.place.state))
            stack.callback(guardian.dismiss)
            self.supervisor = Supervisor(
                logs=self.place.logs, guardian=guardian, on_lines=self._onlooker.lines, on_notice=self.notice
            )
            server = control.Server(self._handlers())
            claim.publish(await server.start())
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
            self.supervisor.start(specs, self._listeners)
            watching = asyncio.create_task(self._watch())
            started()
            try:
                await self._stop.wait()
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
                await self.supervisor.stop()
                await server.close()

    def notice(self, text: str) -> None:
        self._noticed += 1
        self._notices[self._noticed] = text
        while len(self._notices) > NOTICES:
            self._notices.popitem(last=False)
        self._words.write(text.splitlines())
        self._onlooker.notice(text)

    def stop(self) -> None:
        self._stop.set()

    def report(self, seen_notice: int = 0) -> control.PlatformReport:
        now = time.monotonic()
        resources = self.supervisor.resources
        return control.PlatformReport(
            version=self.supervisor.version,
            runner=os.getpid(),
            state_folder=str(self.place.state),
            url=self.place.public_url if EDGE in self.supervisor else None,
            database_url=self._solution.embedded.admin_url,
            resources=[resource.status(now) for resource in resources],
            notices={number: text for number, text in self._notices.items() if number > seen_notice},
            last_lines={r.name: self.supervisor.last_lines(r.name) for r in resources if r.last_error is not None},
        )

    async def settled(self, names: set[str]) -> list[str]:
        """Waits until these are all well ([]), or one of them won't be without a change: its name."""
        async for resources in self.supervisor.changes():
            mine = [resource for resource in resources if resource.name in names]
            failing = [resource.name for resource in mine if hopeless(resource)]
            if failing or all(resource.well for resource in mine):
                return failing
        return []

    def names(self, wanted: Selection) -> set[str]:
        """The resources that a selection means."""
        return {spec.name for spec in self._solution.specs(wanted)}

    # --- what others may ask for ---

    def _handlers(self) -> dict[str, control.Handler]:
        return {"status": self._tell, "start": self._start_more, "down": self._down, "reset": self._reset}

    async def _tell(self, request: dict[str, Any]) -> control.PlatformReport:
        """`seen`: waits for a version other than this; `notice`: gives only what came after it."""
        if "seen" in request:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self.supervisor.changed(request["seen"])
        return self.report(request.get("notice", 0))

    async def _start_more(self, request: dict[str, Any]) -> list[str]:
        """Starts what isn't running yet of a selection; gives the names of all it means."""
        return sorted(self._start(selection(request["wanted"])))

    async def _down(self, _request: dict[str, Any]) -> None:
        # The answer goes out first; whoever asked then waits for the lock to be released.
        asyncio.get_running_loop().call_later(0.02, self._stop.set)

    async def _reset(self, _request: dict[str, Any]) -> str:
        step = await self._ended_step()
        process = await asyncio.create_subprocess_exec(
            *self._solution.database_command("reset"),
            cwd=self.place.root,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        said = output.decode("utf-8", "replace").strip()
        if process.returncode:
            raise Trouble(f"The database wasn't reset; it is as it was. {said}")
        self.notice(said)
        if step.state is ResourceState.FAILED:  # the database is what the checkout says now
            self.supervisor.reload(DATABASE_STEP)
        return said

    async def _ended_step(self) -> ResourceSnapshot:
        """The step on the database, once it is over, well or not."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STEP_SECONDS):
                async for _ in self.supervisor.changes():
                    if self.supervisor[DATABASE_STEP].state in {ResourceState.DONE, ResourceState.FAILED}:
                        return self.supervisor[DATABASE_STEP]
        raise Trouble("The database is still being prepared. See: gate status, gate logs database postgres")

    def _start(self, wanted: Selection) -> set[str]:
        self._solution.reread()
        specs = self._solution.specs(wanted)
        ports = {name: port for name, port in self._solution.ports(wanted).items() if name not in self._listeners}
        self._listeners |= port_conflicts.bind(ports)
        self._wanted |= wanted
        self.supervisor.start(specs, self._listeners)
        return {spec.name for spec in specs}

    # --- saved files ---

    async def _watch(self) -> None:
        stop = threading.Event()
        try:
            async for found in reload.meanings(self.place.root, stop):
                try:
                    await self._follow(found)
                except (CatalogError, Trouble) as error:
                    self.notice(f"{error}\nThe running platform stays as it is.")
        finally:
            stop.set()

    async def _follow(self, found: reload.Meaning) -> None:
        changed: set[str] = set(found.services)
        if found.catalog:
            changed |= await self._follow_catalog()
        if found.database or found.catalog:
            self.supervisor.reload(DATABASE_STEP)
        for resource in self.supervisor.resources:
            of_services = resource.kind not in {"database", "task", "edge", "metrics"}
            if resource.name in changed or (found.everything and of_services):
                self.supervisor.reload(resource.name)

    async def _follow_catalog(self) -> set[str]:
        """Brings the processes to a changed catalog; gives the names of those to reload."""
        self._solution.reread()
        specs = {spec.name: spec for spec in self._solution.specs(self._wanted)}
        for resource in self.supervisor.resources:
            spec = specs.get(resource.name)
            if spec is None:
                await self._remove(resource.name)
            elif spec.port != resource.port:
                raise Trouble(f"{spec.name} asks for port {spec.port} now. It moves there by: gate down, then gate up")
        self._start(self._wanted)
        changed = {name for name, spec in specs.items() if spec != self.supervisor.spec(name)} - {POSTGRES}
        for name in changed:
            self.supervisor.reload(name, specs[name])
        return changed

    async def _remove(self, name: str) -> None:
        await self.supervisor.stop({name})
        self.supervisor.forget(name)
        if name in self._listeners:
            self._listeners.pop(name).close()
        self.notice(f"{name} isn't in the catalog any more: stopped")

    # --- beginning and end ---

    async def _clear_traces(self, claim: control.Claim) -> None:
        leftover = await asyncio.to_thread(self._solution.embedded.stop_leftover)
        if claim.stale is not None or leftover is not None:
            pid = claim.stale.pid if claim.stale else None
            before = f"The runner before (process {pid})" if pid else "The runner before"
            also = f" and PostgreSQL (process {leftover}) is stopped" if leftover else ""
            self.notice(f"{before} ended without cleaning up; its lock is cleared{also}.")

    def _close_listeners(self) -> None:
        for listener in self._listeners.values():
            listener.close()
        self._words.close()


class Order(msgspec.Struct, frozen=True):
    """What the process of `gate up --detach` is told on its command line."""

    root: str
    state: str
    offset: int
    wanted: list[str]

    @property
    def place(self) -> Location:
        return Location(Path(self.root), Path(self.state), self.offset)


def preflight(place: Location) -> None:
    """Raises Trouble about what can be known before anything is touched."""
    port_conflicts.check_python()
    port_conflicts.check_disk(place.state)


def main(text: str) -> None:
    """A runner in the background. It says `ready`, or why not, on GATEHOUSE_READY_FD."""
    order = msgspec.json.decode(text, type=Order)
    with os.fdopen(int(os.environ.pop("GATEHOUSE_READY_FD")), "w") as parent:

        def say(word: str) -> None:
            if not parent.closed:
                parent.write(word)
                parent.close()

        claim = control.claim(order.place.state)
        if claim is None:  # another one was quicker: the parent joins it
            say("ready")
            return
        try:
            asyncio.run(_run(order, claim, lambda: say("ready")))
        except OSError as error:
            say(str(port_conflicts.cannot_write(order.place.state, error)))
            sys.exit(1)
        except Exception as error:
            if not type(error).__module__.startswith("gatehouse_"):
                raise
            say(str(error))
            sys.exit(1)


async def _run(order: Order, claim: control.Claim, started: Callable[[], None]) -> None:
    await Runner(order.place, selection(order.wanted)).run(claim, started=started)


if __name__ == "__main__":
    main(sys.argv[1])
