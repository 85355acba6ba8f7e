"""Runs a service on uvicorn, and stops it without failing a request.

On SIGTERM a service reports that it isn't ready and asks every client to close its connection, waits until the balancer
has noticed (`drain_seconds`), finishes what is in flight, closes its pool and exits 0. On an inherited socket, on
which other processes keep accepting, it stops accepting at once instead.
"""

import asyncio
import contextlib
import gc
import importlib
import os
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

import structlog
from litestar import Litestar

from gatehouse_catalog import CatalogError, find_root
from gatehouse_chassis.base import logs
from gatehouse_chassis.base.drain import Drain
from gatehouse_chassis.base.optional_imports import left_out
from gatehouse_chassis.service.service import ServiceContext

with left_out():
    import uvicorn

    from gatehouse_chassis.http.server_protocol import counting_protocol

# Seconds: longest request that a drain waits for. With drain_seconds it stays below ECS's stop timeout of 60.
LONGEST_REQUEST = 30
# Seconds that kept-alive connections get to carry one more request, which is answered with `Connection: close`.
IDLE_GRACE = 0.3
BACKLOG = 2048
# Bytes of a WebSocket's message; a larger one ends its socket with 1009.
LARGEST_FRAME = 256 * 1024
# Between a WebSocket's pings: the balancer ends what is silent for 60 s.
PING_SECONDS = 20.0

log = structlog.get_logger()


class DrainingServer(uvicorn.Server):
    """A uvicorn server that drains before it stops."""

    def __init__(self, config: uvicorn.Config, drain: Drain, *, drain_seconds: float, inherited: bool) -> None:
        super().__init__(config)
        self._drain = drain
        self._drain_seconds = drain_seconds
        self._inherited = inherited
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining: asyncio.Task[None] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain on the first signal; stop at once on a second one."""
        del sig, frame
        if self._drain.draining or self._loop is None:
            self.should_exit = True
            self.force_exit = self._drain.draining
            return
        self._drain.draining = True
        self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._drain.begin()
        log.info("draining", seconds=self._drain_seconds)
        self._draining = asyncio.create_task(self._finish())

    async def _finish(self) -> None:
        if self._inherited:
            for server in self.servers:
                server.close()
            await self._until_idle(IDLE_GRACE)
        else:
            await asyncio.sleep(self._drain_seconds)
        self.should_exit = True

    async def _until_idle(self, grace: float) -> None:
        """Return when no connection is left, or after `grace` seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace
        while self.server_state.connections and loop.time() < deadline:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._loop = asyncio.get_running_loop()
            # What exists now stays for the process's life: not scanning it again saves 8 per cent of a request's CPU.
            gc.collect()
            gc.freeze()
            announce_ready()
            log.info("started", pid=os.getpid())


def announce_ready() -> None:
    """Tell the parent process that this one serves now: one line on the file descriptor GATEHOUSE_READY_FD."""
    number = os.environ.pop("GATEHOUSE_READY_FD", "")
    if number.isdigit():
        with contextlib.suppress(OSError), os.fdopen(int(number), "wb") as pipe:
            pipe.write(b"ready\n")


def run(app: Litestar, service: ServiceContext) -> None:
    """Serve `app` until SIGTERM or SIGINT; returns after it has drained."""
    inherited = os.environ.pop("GATEHOUSE_LISTEN_FD", "")
    listener = socket.socket(fileno=int(inherited)) if inherited else None
    config = uvicorn.Config(
        app,
        host=service.host,
        port=service.port,
        loop="uvloop",
        http=counting_protocol(app.state.metrics.traffic),
        lifespan="on",
        ws="websockets-sansio",
        ws_max_size=LARGEST_FRAME,
        ws_per_message_deflate=False,  # a message is a few ids
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=75,  # longer than the load balancer's 60, or it would send into a closing connection
        timeout_graceful_shutdown=LONGEST_REQUEST,
    )
    server = DrainingServer(
        config, app.state.drain, drain_seconds=service.drain_seconds, inherited=listener is not None
    )
    server.run(sockets=[listener] if listener else None)
    if not server.started:
        sys.exit(1)


def main(name: str) -> None:
    """Load the service called `name` and serve it, from GATEHOUSE_ROOT (in an image) or the enclosing checkout."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        given = os.environ.get("GATEHOUSE_ROOT")
        folder = (Path(given) if given else find_root()) / "services" / name
        service = ServiceContext.load(folder)
        logs.configure(name)
        with left_out():
            module = importlib.import_module(f"{service.entry.package}.app")
            app = module.create(service)
    except CatalogError as error:
        sys.exit(str(error))
    run(app, service)
