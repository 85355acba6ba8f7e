"""The outermost layer of every request: its ids, its count and duration, its log line, and draining.

It is outside Litestar's routing, so that unmatched requests are counted too.
"""

import asyncio
import re
import time
from typing import Any

import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from gatehouse_chassis.base.context import RequestContext, current
from gatehouse_chassis.base.drain import Drain
from gatehouse_chassis.metrics.registry import Metrics
from gatehouse_chassis.metrics.traffic import UNMATCHED

REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")
TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$")  # https://www.w3.org/TR/trace-context/
QUIET_ROUTES = frozenset({"/health/live", "/health/ready", "/metrics"})
LONGEST_DEADLINE_MS = 60_000

log = structlog.get_logger()


class ObservabilityMiddleware:
    """Wraps an ASGI application; see the module."""

    def __init__(self, app: ASGIApp, metrics: Metrics, drain: Drain) -> None:
        self._app = app
        self._metrics = metrics
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        context = _context(scope)
        token = current.set(context)
        started = time.perf_counter()
        status = 500
        request_id = context.request_id.encode()

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], (b"x-request-id", request_id)]
                if self._drain.draining:
                    headers.append((b"connection", b"close"))
                message["headers"] = headers
            await send(message)

        traffic = self._metrics.traffic
        traffic.in_flight += 1
        try:
            await self._app(scope, receive, observed_send)
        finally:
            traffic.in_flight -= 1
            seconds = time.perf_counter() - started
            route = _route(scope)
            traffic.answered(scope["method"], route, status, seconds, context.trace_id)
            if route not in QUIET_ROUTES or status >= 500:
                auth: Any = scope.get("auth")
                if auth is not None:
                    context.actor_id = str(auth.account)
                log.info(
                    "request",
                    method=scope["method"],
                    route=route,
                    status=status,
                    milliseconds=round(seconds * 1000, 2),
                )
            current.reset(token)


def _route(scope: Scope) -> str:
    return scope.get("path_template") or UNMATCHED


def _context(scope: Scope) -> RequestContext:
    request_id = trace_id = ""
    token = ""
    trace_flags = "00"
    deadline = None
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text = value.decode("latin-1")
            request_id = text if REQUEST_ID.match(text) else ""
        elif name == b"traceparent":
            match = TRACEPARENT.match(value.decode("latin-1"))
            if match:
                trace_id, trace_flags = match[1], match[2]
        elif name == b"authorization":
            token = value.decode("latin-1").partition(" ")[2]
        elif name == b"x-request-timeout-ms" and value.isdigit():
            deadline = asyncio.get_running_loop().time() + min(int(value), LONGEST_DEADLINE_MS) / 1000
    fresh = uuid7()
    return RequestContext(
        request_id=request_id or str(fresh),
        trace_id=trace_id or fresh.hex,
        span_id=fresh.hex[16:],
        trace_flags=trace_flags,
        token=token,
        deadline=deadline,
    )
