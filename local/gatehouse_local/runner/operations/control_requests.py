"""What commands ask of a runner on its control port (control.py): status, start, stop, restart, debug, reset, down."""

import asyncio
import contextlib
import difflib
import time
from collections.abc import Callable
from typing import Any

from gatehouse_catalog.structs import KINDS
from gatehouse_local.runner import control
from gatehouse_local.runner.operations.platform_resources import PlatformResources
from gatehouse_local.runner.platform_specs import DATABASE_STEP, selection
from gatehouse_local.runner.port_conflicts import Trouble
from gatehouse_local.runner.state import ResourceState


class ControlRequests:
    """`stop`: ends the runner. `deploying` is held, and `deployed_at` set, while and when something is deployed."""

    def __init__(
        self,
        resources: PlatformResources,
        report: Callable[[int], control.PlatformReport],
        notice: Callable[[str], None],
        stop: Callable[[], None],
    ) -> None:
        self._resources, self._report, self._notice, self._stop = resources, report, notice, stop
        self.deploying = asyncio.Lock()
        self.deployed_at = time.monotonic()  # or started

    def handlers(self) -> dict[str, control.Handler]:
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
                    await self._resources.supervisor.changed(request["seen"])
        return self._report(request.get("notice", 0))

    async def _start_more(self, request: dict[str, Any]) -> list[str]:
        """Starts the resources of a selection that aren't running; returns the names of all of them."""
        wanted = selection(request["wanted"])
        if self._resources.platform.laid_out is not None:
            async with self.deploying:
                await self._resources.deploy()
                self.deployed_at = time.monotonic()
                self._resources.end_preloaded()
        return sorted(self._resources.start(wanted, revive=self._resources.stopped() & self._resources.names(wanted)))

    async def _stop_some(self, request: dict[str, Any]) -> list[str]:
        """Stops resources and frees their ports; they stay in the status, and `up` or `restart` starts them again."""
        names = self._known(request["names"])
        await self._resources.stop_these(names, "stopped by gate stop")
        return sorted(names)

    async def _restart(self, request: dict[str, Any]) -> list[str]:
        """Gives each a new process (a task: another run) and waits until it is well. Raises Trouble if one isn't."""
        names = self._known(request["names"], tasks=True)
        before = {name: self._resources.supervisor.spawned(name) for name in names - self._resources.stopped()}
        self._resources.start(self._resources.wanted, revive=self._resources.stopped() & names)
        for name in before:
            self._resources.supervisor.reload(name)
        await self._resources.healthy_again({name: before.get(name, 0) for name in names})
        return sorted(names)

    async def _debug(self, request: dict[str, Any]) -> dict[str, Any]:
        """Stops one service and returns how to run it in its place: its command, environment, folder and port."""
        (name,) = self._known([request["name"]])
        spec = self._resources.supervisor.spec(name)
        if spec.kind not in KINDS:
            raise Trouble(f"{name} isn't a service. Known: {', '.join(self._services())}.")
        await self._resources.stop_these({name}, "runs in a terminal: gate debug")
        return {
            "command": spec.command,
            "environment": dict(spec.environment),
            "folder": str(spec.folder),
            "port": spec.port,
        }

    def _known(self, names: list[str], *, tasks: bool = False) -> set[str]:
        """These names, if each is a resource of this platform. Raises Trouble."""
        supervisor = self._resources.supervisor
        known = [one.name for one in supervisor.resources if tasks or not supervisor.spec(one.name).once]
        for name in names:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
                raise Trouble(f"{name} isn't running here. {hint}")
        return set(names)

    def _services(self) -> list[str]:
        return [one.name for one in self._resources.supervisor.resources if one.kind in KINDS]

    async def _down(self, _request: dict[str, Any]) -> None:
        # Answers first; the client then waits until the lock is released.
        asyncio.get_running_loop().call_later(0.02, self._stop)

    async def _reset(self, _request: dict[str, Any]) -> str:
        step = await self._resources.finished_step()
        process = await asyncio.create_subprocess_exec(
            *self._resources.platform.database_command("reset"),
            cwd=self._resources.place.root,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        message = output.decode("utf-8", "replace").strip()
        if process.returncode:
            raise Trouble(f"The database wasn't reset; it is unchanged. {message}")
        self._notice(message)
        if step.state is ResourceState.FAILED:  # the database matches the checkout now
            self._resources.supervisor.reload(DATABASE_STEP)
        return message

    async def _settled_database(self, _request: dict[str, Any]) -> str:
        """The administrator's connection string, once the database step has finished, successfully or not."""
        await self._resources.finished_step()
        return self._resources.platform.embedded.admin_url
