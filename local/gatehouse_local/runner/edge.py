"""The local stand-in for the load balancer: one address in front of all services.

`python -m gatehouse_local.runner.edge` reads its routes from GATEHOUSE_EDGE_ROUTES (JSON: [{service, path, targets:
[url]}]) or from the file named by GATEHOUSE_EDGE_CONFIG, and listens on the inherited socket or on GATEHOUSE_PORT.
Like the real one, it sends requests only to targets that are ready, and streams bodies without looking at them.
"""

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote

import aiohttp
import msgspec
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gatehouse_local.socket_relay import SocketRelay, asks_for_one

PROBE_SECONDS = 1.0
PROBE_TIMEOUT = 1.0
SMALL_BODY = 64 * 1024  # bytes; a body up to this size is buffered, so that the request can be retried
# Bytes; services refuse more (gatehouse_chassis.app). They answer and close before reading the body, and that answer
# could get lost while the request is still being sent; so the edge refuses such a body itself.
LARGEST_BODY = 1_000_000
# Bytes of a form with a file, such as a bank's: the page that takes it has the last word.
LARGEST_UPLOAD = 66_000_000
# Seconds. The load balancer's idle timeout: how long a service may say nothing, and how long a body may take.
IDLE_SECONDS = 60
BODY_SECONDS = 20
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
# Paths that each service serves at the root of its own port, for internal use only.
INTERNAL = frozenset({"health", "metrics", "config", "version", "openapi.json", "docs"})
HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding"}
    | {"upgrade", "proxy-connection", "expect"}
)
# aiohttp's exceptions for a connection that broke before the response's headers arrived.
BROKEN = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, ConnectionError)


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    service: str
    path: str
    targets: list[str]


class EdgeTarget:
    """One process of a service, and whether it is ready for requests."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.ready = False


class RouteTable:
    """Maps a path to targets: the longest prefix of whole segments wins."""

    def __init__(self, routes: list[Route]) -> None:
        self._routes = sorted(routes, key=lambda route: len(route.path), reverse=True)
        self._targets = {route.service: [EdgeTarget(url.rstrip("/")) for url in route.targets] for route in routes}
        self._turns = {service: itertools.count() for service in self._targets}

    @property
    def targets(self) -> list[EdgeTarget]:
        return [target for targets in self._targets.values() for target in targets]

    def route(self, path: str) -> Route | None:
        for route in self._routes:
            prefix = route.path.rstrip("/")
            if path == prefix or path.startswith(prefix + "/"):
                return route
        return None

    def of(self, route: Route) -> list[EdgeTarget]:
        return self._targets[route.service]

    def turns(self, route: Route) -> list[EdgeTarget]:
        """The ready targets in round-robin order; empty when none is ready."""
        ready = [target for target in self._targets[route.service] if target.ready]
        if not ready:
            return []
        first = next(self._turns[route.service]) % len(ready)
        return ready[first:] + ready[:first]


def is_internal(path: str) -> bool:
    """Whether a load balancer must not route this path, however it is spelled."""
    segments = [segment for segment in unquote(unquote(path)).split("/") if segment not in {"", "."}]
    return bool(segments) and segments[0].lower() in INTERNAL


def forwarded(headers: CIMultiDictProxy[str], remote: str, scheme: str, port: int) -> CIMultiDict[str]:
    """The headers as a load balancer forwards them: Host kept, X-Forwarded-* added, hop-by-hop headers dropped."""
    dropped = HOP_BY_HOP | {name.strip().lower() for name in headers.get("Connection", "").split(",")}
    passed = CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in dropped)
    before = passed.get("X-Forwarded-For")
    passed["X-Forwarded-For"] = f"{before}, {remote}" if before else remote
    passed.setdefault("X-Forwarded-Proto", scheme)
    passed.setdefault("X-Forwarded-Port", str(port))
    return passed


class LocalEdge:
    def __init__(self, table: RouteTable, kept: aiohttp.ClientSession, fresh: aiohttp.ClientSession) -> None:
        self._table, self._kept, self._fresh = table, kept, fresh
        self.sockets = SocketRelay(fresh)
        self._used = time.monotonic()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.rel_url.raw_path
        if path == "/__edge/health":
            targets = {target.url: target.ready for target in self._table.targets}
            idle = time.monotonic() - self._used
            return web.json_response({"ready": True, "idle_seconds": round(idle, 1), "targets": targets})
        self._used = time.monotonic()
        route = None if is_internal(path) else self._table.route(unquote(path))
        if route is None:
            return problem(404, "Not Found", f"Nothing is routed at {path}.")
        largest = LARGEST_UPLOAD if request.content_type == "multipart/form-data" else LARGEST_BODY
        if (request.content_length or 0) > largest:
            return problem(413, "Content Too Large", f"A body may have {largest} bytes at most.")
        targets = self._table.turns(route)
        if not targets:  # one may have become ready since the last probe
            await asyncio.gather(*(self._probe(target) for target in self._table.of(route)))
            targets = self._table.turns(route)
        if not targets:
            return problem(503, "Service Unavailable", f"No process of {route.service} is ready.")
        if asks_for_one(request):
            return await self._upgrade(request, route, targets)
        return await self._forward(request, route, targets)

    async def _upgrade(self, request: web.BaseRequest, route: Route, targets: list[EdgeTarget]) -> web.StreamResponse:
        for target in targets:
            url = URL(target.url + request.raw_path, encoded=True)
            try:
                return await self.sockets.relay(request, url, self._headers(request))
            except aiohttp.WSServerHandshakeError as refused:
                status = refused.status if refused.status >= 400 else 502
                return problem(status, HTTPStatus(status).phrase, f"{route.service} doesn't open a WebSocket here.")
            except aiohttp.ClientConnectorError:
                target.ready = False  # the next probe may bring it back
            except BROKEN:
                continue
        return problem(502, "Bad Gateway", f"{route.service} closed the connection without an answer.")

    def _headers(self, request: web.BaseRequest) -> CIMultiDict[str]:
        transport = request.transport
        port = transport.get_extra_info("sockname")[1] if transport else 0
        return forwarded(request.headers, request.remote or "", request.scheme, port)

    async def _forward(self, request: web.BaseRequest, route: Route, targets: list[EdgeTarget]) -> web.StreamResponse:
        """Tries the targets in turn; the first one twice, as a kept-alive connection to it may just have closed."""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await Body.of(request)
        except TimeoutError:
            return problem(408, "Request Timeout", f"The body wasn't there within {BODY_SECONDS} s.")
        for target in [*targets, targets[0]]:
            try:
                answer = await self._ask(request, target, body)
            except TimeoutError:
                return problem(504, "Gateway Timeout", f"{route.service} didn't answer within {IDLE_SECONDS} s.")
            except BROKEN as error:
                refused = isinstance(error, aiohttp.ClientConnectorError)
                if refused:
                    target.ready = False  # the next probe may bring it back
                if body.spent or not (refused or request.method in IDEMPOTENT):
                    break
            else:
                return await pass_back(request, answer)
        return problem(502, "Bad Gateway", f"{route.service} closed the connection without an answer.")

    async def _ask(self, request: web.BaseRequest, target: EdgeTarget, body: "Body") -> aiohttp.ClientResponse:
        # A request that can't be retried never uses a kept-alive connection, which the other end may be closing.
        session = self._kept if request.method in IDEMPOTENT else self._fresh
        return await session.request(
            request.method,
            URL(target.url + request.raw_path, encoded=True),
            headers=self._headers(request),
            data=body.content(),
            allow_redirects=False,
        )

    async def probe_forever(self) -> None:
        while True:
            await asyncio.gather(*(self._probe(target) for target in self._table.targets))
            await asyncio.sleep(PROBE_SECONDS)

    async def _probe(self, target: EdgeTarget) -> None:
        try:
            timeout = aiohttp.ClientTimeout(total=PROBE_TIMEOUT)
            # A kept-alive connection could reach a process that was replaced.
            async with self._fresh.get(target.url + "/health/ready", timeout=timeout) as answer:
                target.ready = answer.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            target.ready = False


class Body:
    """A request's body. A small one can be sent again, a streamed one only before its first chunk was sent."""

    def __init__(self, request: web.BaseRequest, whole: bytes | None) -> None:
        self._request, self._whole = request, whole
        self.spent = False

    @classmethod
    async def of(cls, request: web.BaseRequest) -> "Body":
        if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = request.content_length
        small = length is not None and length <= SMALL_BODY
        return cls(request, await request.read() if small else None)

    def content(self) -> bytes | AsyncIterator[bytes] | None:
        if not self._request.body_exists:
            return None
        return self._stream() if self._whole is None else self._whole

    async def _stream(self) -> AsyncIterator[bytes]:
        async for chunk in self._request.content.iter_any():
            self.spent = True
            yield chunk


async def pass_back(request: web.BaseRequest, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    async with answer:
        dropped = HOP_BY_HOP | {name.strip().lower() for name in answer.headers.get("Connection", "").split(",")}
        response = web.StreamResponse(status=answer.status, reason=answer.reason)
        for name, value in answer.headers.items():
            if name.lower() not in dropped:
                response.headers.add(name, value)
        # Otherwise aiohttp would add its own.
        response.headers.setdefault("Server", "gatehouse-edge")
        await response.prepare(request)
        try:
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
        except BROKEN:
            if request.transport is not None:
                request.transport.abort()  # the caller must see that the body was cut
            return response
        await response.write_eof()
        return response


def problem(status: int, title: str, detail: str) -> web.Response:
    slug = title.lower().replace(" ", "-")
    content = {"type": f"urn:gatehouse:problem:{slug}", "title": title, "status": status, "detail": detail}
    return web.Response(status=status, body=msgspec.json.encode(content), content_type="application/problem+json")


def read_routes(environ: dict[str, str]) -> list[Route]:
    text = environ.get("GATEHOUSE_EDGE_ROUTES")
    if text is None:
        text = Path(environ["GATEHOUSE_EDGE_CONFIG"]).read_text(encoding="utf-8")
    return msgspec.json.decode(text, type=list[Route])


def listener(environ: dict[str, str]) -> socket.socket:
    if "GATEHOUSE_LISTEN_FD" in environ:
        return socket.socket(fileno=int(environ["GATEHOUSE_LISTEN_FD"]))
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((environ.get("GATEHOUSE_HOST", "127.0.0.1"), int(environ["GATEHOUSE_PORT"])))
    return bound


def session(*, force_close: bool) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=force_close),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=IDLE_SECONDS),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers={"User-Agent", "Accept", "Accept-Encoding", "Content-Type"},
    )


@contextlib.asynccontextmanager
async def serving(routes: list[Route], where: socket.socket) -> AsyncGenerator[RouteTable]:
    """Serves the edge on a socket until the block ends."""
    async with session(force_close=False) as kept, session(force_close=True) as fresh:
        table = RouteTable(routes)
        edge = LocalEdge(table, kept, fresh)
        probing = asyncio.create_task(edge.probe_forever())
        # As the balancer does: a compressed body is passed on as it is (unpacked under its old Content-Length, both
        # sides waited for the rest for ever), and a caller who leaves ends the request.
        server = web.Server(edge.handle, access_log=None, auto_decompress=False, handler_cancellation=True)
        runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=10)
        await runner.setup()
        await web.SockSite(runner, where, backlog=2048).start()
        try:
            yield table
        finally:
            await edge.sockets.close()
            await runner.cleanup()
            probing.cancel()


async def main(environ: dict[str, str]) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with serving(read_routes(environ), listener(environ)):
        if "GATEHOUSE_READY_FD" in environ:
            os.write(int(environ["GATEHOUSE_READY_FD"]), b"ready\n")
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(main(dict(os.environ)))
