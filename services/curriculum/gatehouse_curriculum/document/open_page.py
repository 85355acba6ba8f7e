"""One page that shows a document: what it is still to be sent, and whether its reader may still be."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from litestar import WebSocket

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.http.auth import Authenticator
from gatehouse_chassis.live.tickets import Tickets

TRY_LATER = 1013
RECHECK_SECONDS = 15.0
BATCH_SECONDS = 0.01
SAVED_SECONDS = 0.3  # after a change: its page is told what is stored
MOST_WAITING = 4_000_000  # bytes that a page may be behind

MayDo = Callable[[Actor], Awaitable[Any]]


class SocketEnded(Exception):
    """This page's socket ends with a code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class OpenPage:
    """One socket: what it is to be sent, and whether its reader may still be."""

    def __init__(self, socket: WebSocket[Any, Any, Any], may: MayDo) -> None:
        self.woken = asyncio.Event()
        self.outbox: list[bytes] = []
        self.waiting = 0
        self.ended: SocketEnded | None = None
        self._socket = socket
        self.may = may
        self._telling: asyncio.TimerHandle | None = None

    @property
    def tickets(self) -> Tickets:
        found: Tickets = self._socket.app.state.tickets
        return found

    async def permitted(self) -> Actor:
        """Who it is. Raises the problem that ends it."""
        authenticator: Authenticator = self._socket.app.state.authenticator
        actor = await authenticator.actor(f"Bearer {self._socket.scope['auth'].token}")
        await self.may(actor)
        return actor

    def push(self, frame: bytes) -> None:
        self.waiting += len(frame)
        if self.waiting > MOST_WAITING:
            self.end(TRY_LATER, "Too far behind; open it again")
            return
        self.outbox.append(frame)
        self.woken.set()

    def end(self, code: int, reason: str) -> None:
        self.ended = self.ended or SocketEnded(code, reason)
        self.woken.set()

    def tell_soon(self, what: Callable[[], bytes]) -> None:
        """Once, after a pause, however often it is asked for."""

        def tell() -> None:
            self._telling = None
            if self.ended is None:
                self.push(what())

        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(SAVED_SECONDS, tell)

    def forget(self) -> None:
        if self._telling is not None:
            self._telling.cancel()

    async def send(self) -> None:
        """Until it ends. Raises SocketEnded, or the problem that ends it."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RECHECK_SECONDS):  # wait_for of Python 3.11 may lose a cancellation
                    await self.woken.wait()
            self.woken.clear()
            if self.ended is not None:
                raise self.ended
            await self.permitted()
            frames, self.outbox, self.waiting = self.outbox, [], 0
            for frame in frames:
                await self._socket.send_bytes(frame)
            await asyncio.sleep(BATCH_SECONDS)
