"""Scrapes every service now and then, and serves what it recorded on a port of its own."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from socket import socket
from typing import NamedTuple

from gatehouse_local.metrics import counters
from gatehouse_local.metrics.history import TrafficHistory
from gatehouse_local.metrics.query_api import RecordedService, respond

EVERY = 15.0  # seconds between scrapes: 262 are kept of each service, in 80 KB
SOON = 3.0  # until each service was scraped once
REQUEST_LIMIT = 64 * 1024
REQUEST_SECONDS = 5.0


class ScrapeTarget(NamedTuple):
    """A service's port, whether a process of it runs, and its promised share of good requests."""

    port: int
    running: bool
    objective: float


class RecentMetrics:
    """The figures of the last hour. `read(port)` gives the text of /metrics, None without an answer."""

    def __init__(
        self, targets: Callable[[], Mapping[str, ScrapeTarget]], read: Callable[[int], Awaitable[bytes | None]]
    ) -> None:
        self._targets, self._read = targets, read
        self._services: dict[str, RecordedService] = {}
        self._server: asyncio.Server | None = None
        self._recording: asyncio.Task | None = None

    async def start(self, listener: socket) -> None:
        """Records, and answers queries on this socket, until `stop`."""
        self._server = await asyncio.start_server(self._connection, sock=listener, limit=REQUEST_LIMIT)
        self._recording = asyncio.create_task(self._record())

    def stop(self) -> None:
        """Frees the port at once."""
        if self._server is not None and self._recording is not None:
            self._server.close()
            self._recording.cancel()

    async def _record(self) -> None:
        while True:
            await self.scrape()
            known = all(name in self._services for name in self._targets())
            await asyncio.sleep(EVERY if known else SOON)

    async def scrape(self) -> None:
        """Reads each service once; those that are gone from the targets are forgotten."""
        targets = self._targets()
        self._services = {name: kept for name, kept in self._services.items() if name in targets}
        await asyncio.gather(*(self._scrape(name, target) for name, target in targets.items()))

    async def _scrape(self, name: str, target: ScrapeTarget) -> None:
        # A port without a process accepts connections as well: the runner holds the socket.
        text = await self._read(target.port) if target.running else None
        counted = counters.parse(text) if text is not None else None
        known = self._services.get(name)
        if known is None and counted is None:
            return
        history = known.history if known else TrafficHistory()
        history.add(time.time(), counted)
        self._services[name] = RecordedService(history, target.objective)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection."""
        try:
            with contextlib.suppress(OSError, ValueError, TimeoutError, asyncio.IncompleteReadError):
                async with asyncio.timeout(REQUEST_SECONDS):
                    method, target, body = await _request(reader)
                    status, content = respond(method, target, body, self._services)
                    head = (
                        f"HTTP/1.1 {status} {'OK' if status == 200 else 'Error'}\r\nContent-Type: application/json\r\n"
                    )
                    writer.write(
                        f"{head}Content-Length: {len(content)}\r\nConnection: close\r\n\r\n".encode() + content
                    )
                    await writer.drain()
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> tuple[str, str, bytes]:
    """Method, target and body. Raises ValueError if it isn't a request, or is too long."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.LimitOverrunError:
        raise ValueError("the head is too long") from None
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= REQUEST_LIMIT:
        raise ValueError("the body is too long")
    return method, target, await reader.readexactly(length)
