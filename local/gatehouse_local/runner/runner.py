"""The runner of a state folder: starts what was asked for, follows saved files, stops what it started.

`gate up` runs it in its own process; `gate up --detach` runs `python -m gatehouse_local.runner.runner` in a new
session. What it runs is in operations/platform_resources.py, what commands ask of it in operations/control_requests.py.
"""

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import msgspec

from gatehouse_catalog import CatalogError
from gatehouse_local.runner import control, port_conflicts, probe, reload
from gatehouse_local.runner.logs import Log
from gatehouse_local.runner.operations.control_requests import ControlRequests
from gatehouse_local.runner.operations.platform_resources import PlatformResources
from gatehouse_local.runner.platform_specs import (
    DATABASE_STEP,
    EDGE,
    PRELOADED,
    Location,
    Selection,
    selection,
)
from gatehouse_local.runner.port_conflicts import Trouble
from gatehouse_local.runner.preloaded import PreloadedProcess
from gatehouse_local.runner.process import Guardian
from gatehouse_local.runner.supervisor import Supervisor

NOTICES = 200  # kept for commands that join later
IDLE_POLL_SECONDS = 15.0


class EdgeHealth(msgspec.Struct, frozen=True):
    """What is read of the edge's own answer."""

    idle_seconds: float


class Observer:
    """Receives what happens; `gate up` in the foreground draws it."""

    def notice(self, text: str) -> None:
        """A notice for the user."""

    def lines(self, name: str, lines: list[str]) -> None:
        """A process printed something."""


class Runner:
    def __init__(self, place: Location, wanted: Selection, observer: Observer | None = None) -> None:
        self.place, self._wanted = place, wanted
        self._observer = observer or Observer()
        self._notices: OrderedDict[int, str] = OrderedDict()
        self._noticed = 0
        self._stop = asyncio.Event()
        self._log = Log(place.logs / "runner.log")

    async def run(self, claim: control.Claim, *, started: Callable[[], None] = lambda: None) -> None:
        """Runs until `gate down`, Ctrl-C or a signal; leaves no process, socket or lock behind."""
        with contextlib.ExitStack() as stack:
            stack.callback(claim.release)
            stack.callback(self._log.close)
            resources = self._resources = PlatformResources(self.place, self._wanted, self.notice)
            specs = resources.platform.specs(self._wanted)
            await self._clean_up_after_previous(claim)
            stack.callback(resources.close)
            resources.listeners |= port_conflicts.bind(resources.platform.ports(self._wanted))
            await asyncio.to_thread(resources.platform.embedded.prepare)
            guardian = Guardian(control.file_of(self.place.state))
            stack.callback(guardian.dismiss)
            if sys.platform == "linux":
                resources.preloaded = PreloadedProcess(PRELOADED, self.place.root)
                stack.callback(resources.preloaded.close)
            self.supervisor = resources.supervisor = Supervisor(
                logs=self.place.logs,
                guardian=guardian,
                preloaded=resources.preloaded,
                on_lines=self._observer.lines,
                on_notice=self.notice,
            )
            requests = ControlRequests(resources, self.report, self.notice, self.stop)
            server = control.Server(requests.handlers())
            claim.publish(await server.start())
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
            await resources.record_metrics(self._wanted)
            self.supervisor.start(specs, resources.listeners)
            # What was deployed changes by deployments alone.
            following = self._watch() if resources.platform.laid_out is None else self._sleep_when_idle(requests)
            watching = asyncio.create_task(following)
            started()
            try:
                await self._stop.wait()
            finally:
                resources.metrics.stop()
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
                await self.supervisor.stop()
                await server.close()

    def notice(self, text: str) -> None:
        self._noticed += 1
        self._notices[self._noticed] = text
        while len(self._notices) > NOTICES:
            self._notices.popitem(last=False)
        self._log.write(text.splitlines())
        self._observer.notice(text)

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
            database_url=self._resources.platform.embedded.admin_url,
            resources=[resource.status(now) for resource in resources],
            notices={number: text for number, text in self._notices.items() if number > seen_notice},
            last_lines={r.name: self.supervisor.last_lines(r.name) for r in resources if r.last_error is not None},
        )

    async def settled(self, names: set[str]) -> list[str]:
        """As PlatformResources says it."""
        return await self._resources.settled(names)

    def names(self, wanted: Selection) -> set[str]:
        """The names of the resources in a selection."""
        return self._resources.names(wanted)

    async def _sleep_when_idle(self, requests: ControlRequests) -> None:
        """Stops the platform when nobody has asked anything at its address for so long as its file says."""
        await self.settled(self.names(self._resources.wanted))
        if not requests.deploying.locked():
            self._resources.end_preloaded()
        while (laid_out := self._resources.platform.laid_out) is not None:
            await asyncio.sleep(min(IDLE_POLL_SECONDS, laid_out.sleeps_after))
            with contextlib.suppress(probe.NoAnswer, msgspec.DecodeError):
                answer = await probe.get(self.place.edge_port, "/__edge/health")
                health = msgspec.json.decode(answer.body, type=EdgeHealth)
                idle = min(time.monotonic() - requests.deployed_at, health.idle_seconds)
                if idle > laid_out.sleeps_after and not requests.deploying.locked():
                    self.notice(f"Nobody has used it for {idle:.0f} s: it stops. gate up starts it again.")
                    self._stop.set()
                    return

    # --- saved files ---

    async def _watch(self) -> None:
        stop = threading.Event()
        try:
            async for plan in reload.reload_plans(self.place.root, stop):
                try:
                    await self._apply(plan)
                except (CatalogError, Trouble) as error:
                    self.notice(f"{error}\nThe running platform is unchanged.")
        finally:
            stop.set()

    async def _apply(self, plan: reload.ReloadPlan) -> None:
        changed: set[str] = set(plan.services)
        if plan.catalog:
            changed |= await self._resources.apply_catalog()
        if plan.database or plan.catalog:
            self.supervisor.reload(DATABASE_STEP)
        for resource in self.supervisor.resources:
            is_service = resource.kind not in {"database", "task", "edge", "metrics"}
            if resource.name in changed or (plan.everything and is_service):
                self.supervisor.reload(resource.name)

    async def _clean_up_after_previous(self, claim: control.Claim) -> None:
        leftover = await asyncio.to_thread(self._resources.platform.embedded.stop_leftover)
        if claim.stale is not None or leftover is not None:
            pid = claim.stale.pid if claim.stale else None
            previous = f"The previous runner (process {pid})" if pid else "The previous runner"
            postgres = f"; stopped its PostgreSQL (process {leftover})" if leftover else ""
            self.notice(f"{previous} ended without cleaning up{postgres}.")


class Order(msgspec.Struct, frozen=True):
    """The command-line argument of the process that `gate up --detach` starts."""

    root: str
    state: str
    offset: int
    wanted: list[str]

    @property
    def place(self) -> Location:
        return Location(Path(self.root), Path(self.state), self.offset)


def preflight(place: Location) -> None:
    """Checks what can be checked before anything is touched. Raises Trouble."""
    port_conflicts.check_python()
    port_conflicts.check_disk(place.state)


def main(text: str) -> None:
    """A runner in the background. It writes `ready`, or the reason it failed, to GATEHOUSE_READY_FD."""
    order = msgspec.json.decode(text, type=Order)
    with os.fdopen(int(os.environ.pop("GATEHOUSE_READY_FD")), "w") as parent:

        def report(text: str) -> None:
            if not parent.closed:
                parent.write(text)
                parent.close()

        claim = control.claim(order.place.state)
        if claim is None:  # another runner was faster: the parent joins it
            report("ready")
            return
        try:
            asyncio.run(_run(order, claim, lambda: report("ready")))
        except OSError as error:
            report(str(port_conflicts.cannot_write(order.place.state, error)))
            sys.exit(1)
        except Exception as error:
            if not type(error).__module__.startswith("gatehouse_"):
                raise
            report(str(error))
            sys.exit(1)


async def _run(order: Order, claim: control.Claim, started: Callable[[], None]) -> None:
    await Runner(order.place, selection(order.wanted)).run(claim, started=started)


if __name__ == "__main__":
    main(sys.argv[1])
