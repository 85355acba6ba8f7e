"""The outermost layer of every WebSocket: who it may come from, who it is, and the code that it is closed with.

A browser shows a page the close code only of a socket that was accepted: one that is refused before is 1006, whatever
the reason. So a socket is accepted first and then closed with 4000 + the status of the problem: 4401 signed out, 4403
not allowed, 4404 not there or not to be seen, 4429 too many. What comes from another site's page is refused outright.
"""

import asyncio
import time
from collections import Counter
from typing import Any

import structlog
from litestar.connection import ASGIConnection
from litestar.exceptions import WebSocketException
from litestar.handlers import WebsocketRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from gatehouse_chassis.base.context import current
from gatehouse_chassis.base.drain import Drain
from gatehouse_chassis.base.problems import ApiProblem, Unauthenticated
from gatehouse_chassis.http.auth import Authenticator
from gatehouse_chassis.http.hosts import Hosts, Origins
from gatehouse_chassis.http.middleware import RequestHead
from gatehouse_chassis.live.tickets import Tickets
from gatehouse_chassis.metrics.sockets import SocketFigures

SUBPROTOCOL = "gatehouse.v1"
MOST_OF_ONE = 10  # sockets of one account, in one task
MOST = 1_000  # sockets of one task
RESTARTING, TRY_LATER, UNEXPECTED = 1012, 1013, 1011
TOO_MANY = 4429
LONGEST_REASON = 120  # bytes; RFC 6455 lets a close frame have 123

log = structlog.get_logger()


def code_of(problem: ApiProblem) -> int:
    """The close code that says what an HTTP status would say."""
    return 4000 + problem.status


class SocketLayer:
    """Wraps an ASGI application; see the module."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Hosts,
        origins: Origins,
        drain: Drain,
        authenticator: Authenticator,
        tickets: Tickets,
        figures: SocketFigures,
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._origins = origins
        self._drain = drain
        self._authenticator = authenticator
        self._tickets = tickets
        self._figures = figures
        self._of_account: Counter[Any] = Counter()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        await receive()  # websocket.connect
        head = RequestHead(scope)
        origin = next((value for name, value in scope["headers"] if name == b"origin"), b"")
        if not self._hosts.are_ours(head.host) or not self._origins.are_ours(origin):
            log.warning("socket refused", reason="host" if self._origins.are_ours(origin) else "origin")
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        connection = _Connection(receive, send, scope)
        token = current.set(head.context)
        started = time.monotonic()
        self._figures.open += 1
        account = None
        try:
            await send(
                {
                    "type": "websocket.accept",
                    "subprotocol": SUBPROTOCOL if SUBPROTOCOL in scope["subprotocols"] else None,
                    "headers": [],
                }
            )
            if await self._let_in(scope, head, connection):
                account = getattr(scope.get("auth"), "account", None)
                await self._run(scope, connection)
        finally:
            self._figures.open -= 1
            if account is not None:
                self._of_account[account] -= 1
                self._of_account += Counter()  # forgets who has none
            code = connection.code or 1006
            self._figures.closed[code if code in self._figures.closed else 0] += 1
            route = scope.get("path_template") or "unmatched"
            seconds = round(time.monotonic() - started, 3)
            log.info("socket", route=route, code=code, seconds=seconds, client=head.address)
            current.reset(token)

    async def _let_in(self, scope: Any, head: RequestHead, connection: "_Connection") -> bool:
        """Whether it may go on; otherwise it is closed. Whoever sent a ticket is known afterwards."""
        if self._drain.draining:
            await connection.close(RESTARTING, "Restarting")
            return False
        if self._figures.open > MOST:
            await connection.close(TRY_LATER, "Too many live connections; try again later")
            return False
        offered = [one for one in scope["subprotocols"] if one != SUBPROTOCOL]
        if not offered and not head.context.token:
            return True  # the route's guard decides
        try:
            sent = self._tickets.token(offered[0], scope["path"]) if offered else head.context.token
            if not sent:
                raise Unauthenticated("The ticket isn't good here, or it is older than a minute.")
            actor = await self._authenticator.actor(f"Bearer {sent}")
        except ApiProblem as problem:
            await connection.close(code_of(problem), problem.detail)
            return False
        if self._of_account[actor.account] >= MOST_OF_ONE:
            await connection.close(TOO_MANY, f"More than {MOST_OF_ONE} live connections")
            return False
        self._of_account[actor.account] += 1
        scope["auth"] = actor
        head.context.token = actor.token
        head.context.actor_id = str(actor.account)
        return True

    async def _run(self, scope: Scope, connection: "_Connection") -> None:
        try:
            await self._app(scope, connection.receive, connection.send)
        except Exception as error:
            log.error("unhandled error in a socket", kind=type(error).__name__, exc_info=error)
        await connection.close(UNEXPECTED if connection.failed else 1000, "")


class _Connection:
    """An accepted socket, shown to the application as one that it has yet to accept."""

    def __init__(self, receive: Receive, send: Send, scope: Any) -> None:
        self._scope = scope
        self.code = 0
        self.failed = False
        self._receive = receive
        self._send = send
        self._told = False

    async def receive(self) -> Any:
        if not self._told:
            self._told = True
            return {"type": "websocket.connect"}
        message: Any = await self._receive()
        if message["type"] == "websocket.disconnect" and not self.code:
            self.code = message.get("code") or 1005
        return message

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.accept" or self.code:
            return
        if message["type"] == "websocket.close":
            await self.close(message.get("code") or 1000, message.get("reason") or "")
            return
        await self._send(message)

    async def close(self, code: int, reason: str) -> None:
        """Once; a later one is ignored."""
        if self.code:
            return
        # Litestar closes with 4500 for whatever it didn't expect (RFC 6455's code is 1011), and where it has no route.
        unexpected = UNEXPECTED if self._scope.get("path_template") else 4404
        self.code = unexpected if code == 4500 else code
        said = reason.encode()[:LONGEST_REASON].decode(errors="ignore")
        try:
            await self._send({"type": "websocket.close", "code": self.code, "reason": said})
        except (OSError, RuntimeError, asyncio.CancelledError):
            return


class SocketRoute(WebsocketRouteHandler):
    """Litestar's `websocket`, whose guards' problems become the code that the socket is closed with."""

    __slots__ = ()

    async def authorize_connection(self, connection: ASGIConnection) -> None:
        try:
            await super().authorize_connection(connection)
        except ApiProblem as problem:
            raise WebSocketException(detail=problem.detail, code=code_of(problem)) from problem
