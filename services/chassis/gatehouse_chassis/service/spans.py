"""Sends one span for each request to an OpenTelemetry collector, by OTLP over HTTP. Off unless its address is set.

The ids are those of the logs (W3C trace context), so the spans of all services on a request's way form its trace. It
stands in for their SDK,
which takes 15 MB and four packages to do this with ids that we have already. Off, nothing of this module is loaded.
https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
import msgspec
import structlog

from gatehouse_chassis.base.context import RequestContext
from gatehouse_chassis.base.tls import trusted_authorities

PATH = "/v1/traces"
EVERY = 5.0  # seconds between deliveries
MOST_WAITING = 2048  # spans; more are dropped, as in OpenTelemetry's batch processor
PATIENCE = 5.0  # seconds for an answer
SERVER, ERROR = 2, 2  # SpanKind and StatusCode in the protocol

log = structlog.get_logger()


class EndedRequest(NamedTuple):
    """`ended` is in Unix nanoseconds, `parent_id` the caller's span, empty for the first of a trace."""

    trace_id: str
    span_id: str
    parent_id: str
    method: str
    route: str
    status: int
    ended: int
    seconds: float


class SpanExporter:
    """Takes spans, and delivers them while `running`. A collector that is away costs nothing but the spans."""

    def __init__(self, endpoint: str, resource: Mapping[str, str], *, ratio: float = 1.0, every: float = EVERY) -> None:
        """`ratio`: the share of traces that is sent, the same in every service, as it is decided by the trace's id."""
        self._address = endpoint.rstrip("/") + PATH
        self._resource = {"attributes": [_attribute(key, value) for key, value in resource.items()]}
        self._limit = int(min(max(ratio, 0.0), 1.0) * 2**64)
        self._every = every
        self._waiting: list[EndedRequest] = []
        self._dropped = 0
        self._failing = False

    def took(
        self, context: RequestContext, parent_id: str, method: str, route: str, status: int, seconds: float
    ) -> None:
        """A request was answered just now."""
        if int(context.trace_id[16:], 16) >= self._limit:
            return
        if len(self._waiting) >= MOST_WAITING:
            self._dropped += 1
            return
        ids = context.trace_id, context.span_id, parent_id
        self._waiting.append(EndedRequest(*ids, method, route, status, time.time_ns(), seconds))

    @asynccontextmanager
    async def running(self, _app: Any = None) -> AsyncGenerator[None]:
        """Delivers every few seconds, and what is left at the end."""
        async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False, verify=trusted_authorities()) as http:
            delivering = asyncio.create_task(self._keep_delivering(http))
            try:
                yield
            finally:
                delivering.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await delivering
                await self._deliver(http)

    async def _keep_delivering(self, http: httpx.AsyncClient) -> None:
        while True:
            await asyncio.sleep(self._every)
            await self._deliver(http)

    async def _deliver(self, http: httpx.AsyncClient) -> None:
        spans, self._waiting = self._waiting, []
        if not spans:
            return
        why = ""
        try:
            headers = {"Content-Type": "application/json"}
            response = await http.post(self._address, content=self.request(spans), headers=headers)
            why = "" if response.is_success else f"status {response.status_code}"
        except httpx.HTTPError as error:
            why = type(error).__name__
        if why and not self._failing:  # once, not every five seconds
            log.warning("spans can't be delivered, and are dropped", address=self._address, why=why, spans=len(spans))
        self._failing = bool(why)
        if self._dropped:
            log.warning("spans were dropped: too many waited", spans=self._dropped)
            self._dropped = 0

    def request(self, spans: list[EndedRequest]) -> bytes:
        """An ExportTraceServiceRequest in the protocol's JSON."""
        scope = {"scope": {"name": "gatehouse_chassis"}, "spans": [_span(one) for one in spans]}
        return msgspec.json.encode({"resourceSpans": [{"resource": self._resource, "scopeSpans": [scope]}]})


def _span(one: EndedRequest) -> dict[str, Any]:
    """Names of attributes: https://opentelemetry.io/docs/specs/semconv/http/http-spans/"""
    span: dict[str, Any] = {
        "traceId": one.trace_id,
        "spanId": one.span_id,
        "name": f"{one.method} {one.route}",
        "kind": SERVER,
        "startTimeUnixNano": str(one.ended - int(one.seconds * 1e9)),
        "endTimeUnixNano": str(one.ended),
        "attributes": [
            _attribute("http.request.method", one.method),
            _attribute("http.route", one.route),
            {"key": "http.response.status_code", "value": {"intValue": str(one.status)}},
        ],
        "status": {"code": ERROR} if one.status >= 500 else {},
    }
    return span | ({"parentSpanId": one.parent_id} if one.parent_id else {})


def _attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}
