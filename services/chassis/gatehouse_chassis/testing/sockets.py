"""A WebSocket to an application in this process; what a network adds to it is tested with a running service."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec

BOUND = 60.0  # seconds; it only ends a hang


class InProcessSocket:
    """One end of a socket. `code` is None while it is open, and 0 when it was refused before it was accepted."""

    def __init__(self) -> None:
        self.code: int | None = None
        self.accepted: str | None = None
        self._to_app: asyncio.Queue[Any] = asyncio.Queue()
        self._from_app: asyncio.Queue[Any] = asyncio.Queue()

    async def message(self) -> Any:
        """The next one, decoded, or its bytes; the close code as a number when it was closed instead."""
        async with asyncio.timeout(BOUND):
            message = await self._from_app.get()
        if message["type"] != "websocket.send":
            return self.code
        return msgspec.json.decode(message["text"]) if message.get("text") is not None else message["bytes"]

    async def send(self, text: str) -> None:
        await self._to_app.put({"type": "websocket.receive", "text": text})

    async def send_bytes(self, data: bytes) -> None:
        await self._to_app.put({"type": "websocket.receive", "bytes": data, "text": None})

    async def _asgi_send(self, message: Any) -> None:
        if message["type"] == "websocket.accept":
            self.accepted = message.get("subprotocol") or ""
            return
        if message["type"] == "websocket.close":
            self.code = message["code"] if self.accepted is not None else 0
        await self._from_app.put(message)


@asynccontextmanager
async def socket_to(
    app: Any, path: str, *, protocols: Iterable[str] = ("gatehouse.v1",), headers: Mapping[str, str] | None = None
) -> AsyncGenerator[InProcessSocket]:
    """Opens one at `path`; gone when the block ends."""
    end = InProcessSocket()
    sent = {"host": "localhost", **(headers or {})}
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        "subprotocols": list(protocols),
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "state": {},
        "extensions": {},
    }
    await end._to_app.put({"type": "websocket.connect"})
    running = asyncio.create_task(app(scope, end._to_app.get, end._asgi_send))
    try:
        yield end
    finally:
        await end._to_app.put({"type": "websocket.disconnect", "code": 1001})
        async with asyncio.timeout(BOUND):
            await running
