"""The runner of a state folder: starts what was asked for, handles commands and saved files, stops what it started.

`gate up` runs it in its own process; `gate up --detach` runs `python -m gatehouse_local.runner.runner` in a new
session.
"""

import asyncio
import contextlib
import difflib
import os
import signal
import socket
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Set
from pathlib import Path
from typing import Any

import msgspec

from gatehouse_catalog import CatalogError
from gatehouse_catalog.structs import KINDS
from gatehouse_local.metrics.recorder import RecentMetrics, ScrapeTarget
from gatehouse_local.runner import control, port_conflicts, probe, reload
from gatehouse_local.runner.logs import Log
from gatehouse_local.runner.platform_specs import (
    DATABASE_STEP,
    EDGE,
    OBSERVE,
    POSTGRES,
    PRELOADED,
    LocalPlatform,
    Location,
    Selection,
    selection,
)
from gatehouse_local.runner.port_conflicts import Trouble
from gatehouse_local.runner.preloaded import PreloadedProcess
from gatehouse_local.runner.process import Guardian
from gatehouse_local.runner.state import ResourceSnapshot, ResourceState, hopeless
from gatehouse_local.runner.supervisor import Supervisor
from gatehouse_observability.objectives import AVAILABILITY, objective

NOTICES = 200  # kept for commands that join later
METRICS = "the history of metrics"  # of the last hour, on Prometheus' port while that doesn't run
RESTART_SECONDS = 90.0  # until what was restarted is healthy
IDLE_POLL_SECONDS = 15.0
STEP_SECONDS = 60.0  # a reset waits this long for a running database step


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
        self._deploying = asyncio.Lock()
        self._deployed = time.monotonic()  # or started
        self._preloaded: PreloadedProcess | None = None
        self._listeners: dict[str, socket.socket] = {}
        self._log = Log(place.logs / "runner.log")
        self._metrics = RecentMetrics(self._scrape_targets, probe.metrics)

    async def run(self, claim: control.Claim, *, started: Callable[[], None] = lambda: None) -> None:
        """Runs until `gate down`, Ctrl-C or a signal; leaves no process, socket or lock behind."""
        with contextlib.ExitStack() as stack:
            stack.callback(claim.release)
            platform = self._platform = LocalPlatform(self.place)
            specs = platform.specs(self._wanted)
            await self._clean_up_after_previous(claim)
            stack.callback(self._close_listeners)
            self._listeners |= port_conflicts.bind(platform.ports(self._wanted))
            await asyncio.to_thread(platform.embedded.prepare)
            guardian = Guardian(control.file_of(self.place.state))
            stack.callback(guardian.dismiss)
            if sys.platform == "linux":
                self._preloaded = PreloadedProcess(PRELOADED, self.place.root)
                stack.callback(self._preloaded.close)
            self.supervisor = Supervisor(
                logs=self.place.logs,
                guardian=guardian,
                preloaded=self._preloaded,
                on_lines=self._observer.lines,
                on_notice=self.notice,
            )
            server = control.Server(self._handlers())
            claim.publish(await server.start())
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
            await self._record_metrics(self._wanted)
            self.supervisor.start(specs, self._listeners)
            # What was deployed changes by deployments alone.
            watching = asyncio.create_task(self._watch() if platform.laid_out is None else self._sleep_when_idle())
            started()
            try:
                await self._stop.wait()
            finally:
                self._metrics.stop()
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
            database_url=self._platform.embedded.admin_url,
            resources=[resource.status(now) for resource in resources],
            notices={number: text for number, text in self._notices.items() if number > seen_notice},
            last_lines={r.name: self.supervisor.last_lines(r.name) for r in resources if r.last_error is not None},
        )

    async def settled(self, names: set[str]) -> list[str]:
        """Waits until these are all well, or some won't be without a change: returns the names of those."""
        async for resources in self.supervisor.changes():
            chosen = [resource for resource in resources if resource.name in names]
            failing = [resource.name for resource in chosen if hopeless(resource)]
            if failing or all(resource.well for resource in chosen):
                return failing
        return []

    def names(self, wanted: Selection) -> set[str]:
        """The names of the resources in a selection."""
        return {spec.name for spec in self._platform.specs(wanted)}

    # --- requests on the control port ---

    def _handlers(self) -> dict[str, control.Handler]:
        return {
            "status": self._status,
            "start": self._start_more,
            "down": self._down,
            "reset": self._reset,
            "stop": self._stop_some,
            "restart": self._restart,
            "debug": self._debug,
            "settled database": self._settled_database,
        }

    async def _status(self, request: dict[str, Any]) -> control.PlatformReport:
        """`seen`: waits for a version other than this one; `notice`: returns only later notices."""
        if "seen" in request:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self.supervisor.changed(request["seen"])
        return self.report(request.get("notice", 0))

    async def _start_more(self, request: dict[str, Any]) -> list[str]:
        """Starts the resources of a selection that aren't running; returns the names of all of them."""
        wanted = selection(request["wanted"])
        if self._platform.laid_out is not None:
            async with self._deploying:
                await self._deploy()
                self._deployed = time.monotonic()
                self._end_preloaded()
        return sorted(self._start(wanted, revive=self._stopped() & self.names(wanted)))

    async def _stop_some(self, request: dict[str, Any]) -> list[str]:
        """Stops resources and frees their ports; they stay in the status, and `up` or `restart` starts them again."""
        names = self._known(request["names"])
        await self._stop_these(names, "stopped by gate stop")
        return sorted(names)

    async def _restart(self, request: dict[str, Any]) -> list[str]:
        """Gives each a new process (a task: another run) and waits until it is well. Raises Trouble if one isn't."""
        names = self._known(request["names"], tasks=True)
        before = {name: self.supervisor.spawned(name) for name in names - self._stopped()}
        self._start(self._wanted, revive=self._stopped() & names)
        for name in before:
            self.supervisor.reload(name)
        await self._healthy_again({name: before.get(name, 0) for name in names})
        return sorted(names)

    async def _deploy(self) -> None:
        """Brings what runs to the releases that the state folder names: first the database, then what changed of code.

        A service whose new process doesn't become ready keeps the one before. Raises Trouble with its last lines.
        """
        self._platform.reread()
        spawned = {one.name: self.supervisor.spawned(one.name) for one in self.supervisor.resources}
        step = next(spec for spec in self._platform.specs(self._wanted) if spec.name == DATABASE_STEP)
        if step != self.supervisor.spec(DATABASE_STEP):
            self.supervisor.reload(DATABASE_STEP, step)
            await self._healthy_again({DATABASE_STEP: spawned[DATABASE_STEP]})
        changed = await self._apply_catalog()
        await self._healthy_again({name: spawned.get(name, 0) for name in changed})

    async def _healthy_again(self, before: Mapping[str, int]) -> None:
        """Waits until each has a process of its own after `before` of them, and that one is well. Raises Trouble."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RESTART_SECONDS):
                async for _ in self.supervisor.changes():
                    if all(self._restarted(name, count) for name, count in before.items()):
                        break
        for name in sorted(before):
            resource = self.supervisor[name]
            if not resource.well or resource.last_error:
                lines = [f"    {line}" for line in self.supervisor.last_lines(name)]
                raise Trouble("\n".join([f"{name} isn't healthy: {resource.last_error or resource.state}", *lines]))

    def _restarted(self, name: str, before: int) -> bool:
        """Whether a process started after `before` of them has become well, or won't."""
        resource = self.supervisor[name]
        settled = resource.state in {ResourceState.RUNNING, ResourceState.DONE} and resource.well
        return self.supervisor.spawned(name) > before and (settled or hopeless(resource))

    async def _debug(self, request: dict[str, Any]) -> dict[str, Any]:
        """Stops one service and returns how to run it in its place: its command, environment, folder and port."""
        (name,) = self._known([request["name"]])
        spec = self.supervisor.spec(name)
        if spec.kind not in KINDS:
            raise Trouble(f"{name} isn't a service. Known: {', '.join(self._services())}.")
        await self._stop_these({name}, "runs in a terminal: gate debug")
        return {
            "command": spec.command,
            "environment": dict(spec.environment),
            "folder": str(spec.folder),
            "port": spec.port,
        }

    def _known(self, names: list[str], *, tasks: bool = False) -> set[str]:
        """These names, if each is a resource of this platform. Raises Trouble."""
        known = [one.name for one in self.supervisor.resources if tasks or not self.supervisor.spec(one.name).once]
        for name in names:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
                raise Trouble(f"{name} isn't running here. {hint}")
        return set(names)

    def _services(self) -> list[str]:
        return [one.name for one in self.supervisor.resources if one.kind in KINDS]

    def _stopped(self) -> set[str]:
        return {one.name for one in self.supervisor.resources if one.state is ResourceState.STOPPED}

    async def _stop_these(self, names: set[str], why: str) -> None:
        await self.supervisor.stop(names - self._stopped(), why)
        for name in names & self._listeners.keys():
            self._listeners.pop(name).close()

    async def _down(self, _request: dict[str, Any]) -> None:
        # Answers first; the client then waits until the lock is released.
        asyncio.get_running_loop().call_later(0.02, self._stop.set)

    async def _reset(self, _request: dict[str, Any]) -> str:
        step = await self._finished_step()
        process = await asyncio.create_subprocess_exec(
            *self._platform.database_command("reset"),
            cwd=self.place.root,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        message = output.decode("utf-8", "replace").strip()
        if process.returncode:
            raise Trouble(f"The database wasn't reset; it is unchanged. {message}")
        self.notice(message)
        if step.state is ResourceState.FAILED:  # the database matches the checkout now
            self.supervisor.reload(DATABASE_STEP)
        return message

    async def _settled_database(self, _request: dict[str, Any]) -> str:
        """The administrator's connection string, once the database step has finished, successfully or not."""
        await self._finished_step()
        return self._platform.embedded.admin_url

    async def _finished_step(self) -> ResourceSnapshot:
        """Waits for the database step to finish, successfully or not."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STEP_SECONDS):
                async for _ in self.supervisor.changes():
                    if self.supervisor[DATABASE_STEP].state in {ResourceState.DONE, ResourceState.FAILED}:
                        return self.supervisor[DATABASE_STEP]
        raise Trouble("The database is still being prepared. See: gate status, gate logs database postgres")

    def _start(self, wanted: Selection, revive: Set[str] = frozenset()) -> set[str]:
        """Starts what isn't there yet, and of what was stopped the resources in `revive`."""
        self._platform.reread()
        specs = self._platform.specs(wanted)
        held = self._listeners.keys() | (self._stopped() - revive)
        ports = {name: port for name, port in self._platform.ports(wanted).items() if name not in held}
        self._listeners |= port_conflicts.bind(ports)
        for name in revive:
            self.supervisor.forget(name)
        self._wanted |= wanted
        if OBSERVE in wanted.wanted:
            self._metrics.stop()  # Prometheus needs the port
        self.supervisor.start(specs, self._listeners)
        return {spec.name for spec in specs}

    # --- the figures of the last hour, where no Prometheus runs ---

    async def _record_metrics(self, wanted: Selection) -> None:
        if OBSERVE in wanted.wanted:
            return
        try:
            await self._metrics.start(port_conflicts.bind({METRICS: self.place.prometheus_port})[METRICS])
        except Trouble as taken:
            self.notice(f"The page Throughput has no figures. {taken}")

    def _scrape_targets(self) -> dict[str, ScrapeTarget]:
        found = {}
        for service in self._wanted.services(self._platform.catalog):
            if service.name in self.supervisor:
                running = self.supervisor[service.name].state in {ResourceState.RUNNING, ResourceState.RELOADING}
                promised = objective(service, AVAILABILITY)
                found[service.name] = ScrapeTarget(self.place.port(service), running, promised)
        return found

    def _end_preloaded(self) -> None:
        """What was deployed starts nothing until the next deployment, which brings other code."""
        if self._preloaded is not None:
            self._preloaded.close()

    async def _sleep_when_idle(self) -> None:
        """Stops the platform when nobody has asked anything at its address for so long as its file says."""
        await self.settled(self.names(self._wanted))
        if not self._deploying.locked():
            self._end_preloaded()
        while (laid_out := self._platform.laid_out) is not None:
            await asyncio.sleep(min(IDLE_POLL_SECONDS, laid_out.sleeps_after))
            with contextlib.suppress(probe.NoAnswer, msgspec.DecodeError):
                answer = await probe.get(self.place.edge_port, "/__edge/health")
                health = msgspec.json.decode(answer.body, type=EdgeHealth)
                idle = min(time.monotonic() - self._deployed, health.idle_seconds)
                if idle > laid_out.sleeps_after and not self._deploying.locked():
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
            changed |= await self._apply_catalog()
        if plan.database or plan.catalog:
            self.supervisor.reload(DATABASE_STEP)
        for resource in self.supervisor.resources:
            is_service = resource.kind not in {"database", "task", "edge", "metrics"}
            if resource.name in changed or (plan.everything and is_service):
                self.supervisor.reload(resource.name)

    async def _apply_catalog(self) -> set[str]:
        """Adds and removes processes for a changed catalog; returns the names of those to reload."""
        self._platform.reread()
        specs = {spec.name: spec for spec in self._platform.specs(self._wanted)}
        for resource in self.supervisor.resources:
            spec = specs.get(resource.name)
            if spec is None:
                await self._remove(resource.name)
            elif spec.port != resource.port:
                raise Trouble(f"{spec.name} has a new port, {spec.port}. To use it: gate down, then gate up")
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
        self.notice(f"{name} is no longer in the catalog; stopped it")

    # --- start and end ---

    async def _clean_up_after_previous(self, claim: control.Claim) -> None:
        leftover = await asyncio.to_thread(self._platform.embedded.stop_leftover)
        if claim.stale is not None or leftover is not None:
            pid = claim.stale.pid if claim.stale else None
            previous = f"The previous runner (process {pid})" if pid else "The previous runner"
            postgres = f"; stopped its PostgreSQL (process {leftover})" if leftover else ""
            self.notice(f"{previous} ended without cleaning up{postgres}.")

    def _close_listeners(self) -> None:
        for listener in self._listeners.values():
            listener.close()
        self._log.close()


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
