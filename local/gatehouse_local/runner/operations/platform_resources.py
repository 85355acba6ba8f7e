"""What a runner runs: the resources that are wanted, their ports, and how they follow the catalog and deployments."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Mapping, Set

from gatehouse_local.metrics.recorder import RecentMetrics, ScrapeTarget
from gatehouse_local.runner import port_conflicts, probe
from gatehouse_local.runner.platform_specs import (
    DATABASE_STEP,
    OBSERVE,
    POSTGRES,
    LocalPlatform,
    Location,
    Selection,
)
from gatehouse_local.runner.port_conflicts import Trouble
from gatehouse_local.runner.preloaded import PreloadedProcess
from gatehouse_local.runner.state import ResourceSnapshot, ResourceState, hopeless
from gatehouse_local.runner.supervisor import Supervisor
from gatehouse_observability.objectives import AVAILABILITY, objective

METRICS = "the history of metrics"  # of the last hour, on Prometheus' port while that doesn't run
RESTART_SECONDS = 90.0  # until what was restarted is healthy
STEP_SECONDS = 60.0  # a reset waits this long for a running database step


class PlatformResources:
    """Of one platform. The runner gives it the supervisor, and the process that has the code preloaded."""

    supervisor: Supervisor

    def __init__(self, place: Location, wanted: Selection, notice: Callable[[str], None]) -> None:
        self.place, self.wanted, self._notice = place, wanted, notice
        self.platform = LocalPlatform(place)
        self.listeners: dict[str, socket.socket] = {}
        self.preloaded: PreloadedProcess | None = None
        self.metrics = RecentMetrics(self._scrape_targets, probe.metrics)

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
        return {spec.name for spec in self.platform.specs(wanted)}

    def stopped(self) -> set[str]:
        return {one.name for one in self.supervisor.resources if one.state is ResourceState.STOPPED}

    async def stop_these(self, names: set[str], why: str) -> None:
        await self.supervisor.stop(names - self.stopped(), why)
        for name in names & self.listeners.keys():
            self.listeners.pop(name).close()

    def start(self, wanted: Selection, revive: Set[str] = frozenset()) -> set[str]:
        """Starts what isn't there yet, and of what was stopped the resources in `revive`."""
        self.platform.reread()
        specs = self.platform.specs(wanted)
        held = self.listeners.keys() | (self.stopped() - revive)
        ports = {name: port for name, port in self.platform.ports(wanted).items() if name not in held}
        self.listeners |= port_conflicts.bind(ports)
        for name in revive:
            self.supervisor.forget(name)
        self.wanted |= wanted
        if OBSERVE in wanted.wanted:
            self.metrics.stop()  # Prometheus needs the port
        self.supervisor.start(specs, self.listeners)
        return {spec.name for spec in specs}

    async def deploy(self) -> None:
        """Brings what runs to the releases that the state folder names: first the database, then what changed of code.

        A service whose new process doesn't become ready keeps the one before. Raises Trouble with its last lines.
        """
        self.platform.reread()
        spawned = {one.name: self.supervisor.spawned(one.name) for one in self.supervisor.resources}
        step = next(spec for spec in self.platform.specs(self.wanted) if spec.name == DATABASE_STEP)
        if step != self.supervisor.spec(DATABASE_STEP):
            self.supervisor.reload(DATABASE_STEP, step)
            await self.healthy_again({DATABASE_STEP: spawned[DATABASE_STEP]})
        changed = await self.apply_catalog()
        await self.healthy_again({name: spawned.get(name, 0) for name in changed})

    async def apply_catalog(self) -> set[str]:
        """Adds and removes processes for a changed catalog; returns the names of those to reload."""
        self.platform.reread()
        specs = {spec.name: spec for spec in self.platform.specs(self.wanted)}
        for resource in self.supervisor.resources:
            spec = specs.get(resource.name)
            if spec is None:
                await self._remove(resource.name)
            elif spec.port != resource.port:
                raise Trouble(f"{spec.name} has a new port, {spec.port}. To use it: gate down, then gate up")
        self.start(self.wanted)
        changed = {name for name, spec in specs.items() if spec != self.supervisor.spec(name)} - {POSTGRES}
        for name in changed:
            self.supervisor.reload(name, specs[name])
        return changed

    async def _remove(self, name: str) -> None:
        await self.supervisor.stop({name})
        self.supervisor.forget(name)
        if name in self.listeners:
            self.listeners.pop(name).close()
        self._notice(f"{name} is no longer in the catalog; stopped it")

    async def healthy_again(self, before: Mapping[str, int]) -> None:
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

    async def finished_step(self) -> ResourceSnapshot:
        """Waits for the database step to finish, successfully or not."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STEP_SECONDS):
                async for _ in self.supervisor.changes():
                    if self.supervisor[DATABASE_STEP].state in {ResourceState.DONE, ResourceState.FAILED}:
                        return self.supervisor[DATABASE_STEP]
        raise Trouble("The database is still being prepared. See: gate status, gate logs database postgres")

    # --- the figures of the last hour, where no Prometheus runs ---

    async def record_metrics(self, wanted: Selection) -> None:
        if OBSERVE in wanted.wanted:
            return
        try:
            await self.metrics.start(port_conflicts.bind({METRICS: self.place.prometheus_port})[METRICS])
        except Trouble as taken:
            self._notice(f"The page Throughput has no figures. {taken}")

    def _scrape_targets(self) -> dict[str, ScrapeTarget]:
        found = {}
        for service in self.wanted.services(self.platform.catalog):
            if service.name in self.supervisor:
                running = self.supervisor[service.name].state in {ResourceState.RUNNING, ResourceState.RELOADING}
                promised = objective(service, AVAILABILITY)
                found[service.name] = ScrapeTarget(self.place.port(service), running, promised)
        return found

    def end_preloaded(self) -> None:
        """What was deployed starts nothing until the next deployment, which brings other code."""
        if self.preloaded is not None:
            self.preloaded.close()

    def close(self) -> None:
        """Gives its ports back."""
        for listener in self.listeners.values():
            listener.close()
