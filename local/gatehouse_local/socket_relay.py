"""WebSockets through the local edge, as the load balancer passes them: frames, protocols and close codes as they are.

A process that is replaced closes its sockets with 1012; the edge passes that on, and so does an edge that stops.
"""

import asyncio
import contextlib
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

LARGEST_MESSAGE = 1_000_000  # bytes; services refuse more than a quarter of it (gatehouse_chassis.serve)
CLOSE_SECONDS = 2.0  # for the other end to answer a close frame
RESTARTING, GOING_AWAY, UNEXPECTED = 1012, 1001, 1011
# Codes that stand for what no close frame said; none may be sent.
UNSENDABLE = frozenset({1005, 1006, 1015})
GONE = (aiohttp.ClientConnectionError, ConnectionError)

Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse[Any]


def asks_for_one(request: web.BaseRequest) -> bool:
    return request.method == "GET" and request.headers.get("Upgrade", "").lower() == "websocket"


class SocketRelay:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._open: set[web.WebSocketResponse] = set()

    async def relay(self, request: web.BaseRequest, url: URL, headers: CIMultiDict[str]) -> web.StreamResponse:
        """Passes frames both ways until one end closes. Raises aiohttp.WSServerHandshakeError when the service refuses,
        and what connecting raises."""
        offered = [one.strip() for one in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        passed = CIMultiDict((name, value) for name, value in headers.items() if not is_of_handshake(name))
        service = await self._session.ws_connect(
            url,
            protocols=[one for one in offered if one],
            headers=passed,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),  # ty: ignore[unknown-argument]
            autoclose=False,
            autoping=False,
            compress=0,
            max_msg_size=LARGEST_MESSAGE,
        )
        caller = web.WebSocketResponse(
            protocols=[service.protocol] if service.protocol else [],
            timeout=CLOSE_SECONDS,
            autoclose=False,
            autoping=False,
            compress=False,
            max_msg_size=LARGEST_MESSAGE,
        )
        try:
            await caller.prepare(request)
            self._open.add(caller)
            await _pump_both(caller, service, request)
        finally:
            self._open.discard(caller)
            await service.close()
        return caller

    async def close(self) -> None:
        """Closes all: the edge stops."""
        closing = (one.close(code=RESTARTING, message=b"Restarting") for one in list(self._open))
        await asyncio.gather(*closing, return_exceptions=True)


def is_of_handshake(name: str) -> bool:
    """Whether a header belongs to one connection's handshake; the edge makes its own with the service."""
    return name.lower().startswith("sec-websocket-")


async def _pump_both(
    caller: web.WebSocketResponse, service: aiohttp.ClientWebSocketResponse[Any], request: web.BaseRequest
) -> None:
    up = asyncio.create_task(_pump(caller, service))
    down = asyncio.create_task(_pump(service, caller))
    try:
        await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (up, down):
            task.cancel()
        await asyncio.gather(up, down, return_exceptions=True)
    ended = next((task.result() for task in (down, up) if task.done() and not task.cancelled()), None)
    code, reason = ended or (0, "")
    for end in (caller, service):
        if end.closed:
            continue
        if not code and end is caller and request.transport is not None:
            request.transport.abort()  # the service went without a word: the caller must see that
            continue
        with contextlib.suppress(*GONE):
            await end.close(code=code or GOING_AWAY, message=reason.encode())


async def _pump(source: Socket, to: Socket) -> tuple[int, str]:
    """Passes messages on until `source` ends; the code and reason that it ended with, 0 where it just went."""
    with contextlib.suppress(*GONE):
        while True:
            message = await source.receive()
            match message.type:
                case aiohttp.WSMsgType.TEXT:
                    await to.send_str(message.data)
                case aiohttp.WSMsgType.BINARY:
                    await to.send_bytes(message.data)
                case aiohttp.WSMsgType.PING:
                    await to.ping(message.data)
                case aiohttp.WSMsgType.PONG:
                    await to.pong(message.data)
                case aiohttp.WSMsgType.CLOSE:
                    return message.data or 1000, message.extra or ""
                case aiohttp.WSMsgType.ERROR:  # malformed or too large; aiohttp has answered with the code for it
                    code = source.close_code or UNEXPECTED
                    return (UNEXPECTED if code in UNSENDABLE else code), ""
                case _:
                    return 0, ""
    return 0, ""
