"""The outermost layer of every request: its ids, its admission, its count and duration, its log line, and draining.

It is outside Litestar, so that whatever happens is counted, logged and answered: a request that matches no route, one
that is refused before it is understood, and an exception that nothing inside has caught.
"""

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from gatehouse_chassis.base.context import RequestContext, current
from gatehouse_chassis.base.drain import Drain
from gatehouse_chassis.base.problems import MEDIA_TYPE, ApiProblem, BodyTooSlow, Incomplete, Misdirected, Overloaded
from gatehouse_chassis.http.admission import Admission, Caller
from gatehouse_chassis.http.guards import SAFE_METHODS
from gatehouse_chassis.http.hosts import Hosts
from gatehouse_chassis.metrics.registry import Metrics
from gatehouse_chassis.metrics.traffic import UNMATCHED

REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}(?![\s\S])")
# https://www.w3.org/TR/trace-context/
TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?![\s\S])")
if TYPE_CHECKING:  # it is loaded only where spans are sent
    from gatehouse_chassis.service.spans import SpanExporter

QUIET_ROUTES = frozenset({"/health/live", "/health/ready", "/metrics"})
QUIET_STATUS = 200
LONGEST_DEADLINE_MS = 60_000
# Digits. int() refuses thousands of them, and one that was sent must not decide how long that takes.
LONGEST_NUMBER = 9
# Seconds from a request's head to the end of its body.
BODY_SECONDS = 20.0

log = structlog.get_logger()


class ObservabilityMiddleware:
    """Wraps an ASGI application; see the module."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        drain: Drain,
        admission: Admission,
        hosts: Hosts,
        spans: "SpanExporter | None" = None,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._drain = drain
        self._admission = admission
        self._hosts = hosts
        self._spans = spans

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        head = RequestHead(scope)
        token = current.set(head.context)
        answer = _ResponseSender(send, head.context, draining=self._drain.draining)
        refusal, caller = self._admit(scope, head)
        # A change is read in any case, even where it has no body: its caller may have left.
        reads_body = head.has_body or scope["method"] not in SAFE_METHODS
        receive_body = _bounded(receive) if reads_body else receive
        traffic = self._metrics.traffic
        traffic.in_flight += 1
        try:
            if refusal is not None:
                if isinstance(refusal, Overloaded):
                    await self._admission.pause(self._caller_of(head))
                await answer.problem(refusal)
            elif caller is None or not (head.context.forwarded_for or isinstance(caller, int)):
                await self._app(scope, receive_body, answer.send)
            else:
                turn = (caller, scope["method"] in SAFE_METHODS)
                await self._admission.take_turn(turn)
                # What a caller waits for their own other requests is no promise that an objective counts.
                started = time.perf_counter()
                try:
                    await self._app(scope, receive_body, answer.send)
                finally:
                    self._admission.end_turn(turn, time.perf_counter() - started)
        except Exception as error:
            # What Litestar's own handlers don't catch: before routing, in a mapping of headers, in the handlers.
            log.error("unhandled error outside of the application", kind=type(error).__name__, exc_info=error)
            await answer.problem(ApiProblem())
        finally:
            traffic.in_flight -= 1
            seconds = time.perf_counter() - started
            if isinstance(refusal, Overloaded):
                traffic.shed += 1  # apart from what was answered: it isn't a failure that an objective counts
            else:
                traffic.answered(scope["method"], _route(scope), answer.status, seconds, head.context.trace_id)
            self._finish(scope, head, answer.status, caller, seconds)
            current.reset(token)

    def _admit(self, scope: Scope, head: "RequestHead") -> tuple[ApiProblem | None, Caller | None]:
        """Why the request is refused unseen, if it is, and the caller whose place it takes, if it takes one."""
        if not self._hosts.are_ours(head.host):
            return Misdirected(self._hosts.explanation), None
        if scope["path"] in QUIET_ROUTES:
            return None, None
        caller = self._caller_of(head)
        return (None, caller) if self._admission.enter(caller) else (Overloaded(), None)

    def _caller_of(self, head: "RequestHead") -> Caller:
        return self._admission.caller(head.credential, head.address)

    def _finish(self, scope: Any, head: "RequestHead", status: int, caller: Caller | None, seconds: float) -> None:
        """Free the request's place, and log it."""
        auth: Any = scope.get("auth")
        if caller is not None:
            self._admission.leave(caller)
            if auth is not None and head.credential:
                self._admission.found_good(head.credential)
        route = _route(scope)
        if route in QUIET_ROUTES and status == QUIET_STATUS:
            return
        if auth is not None:
            head.context.actor_id = str(auth.account)
        more = {"client_request_id": head.client_request_id} if head.client_request_id else {}
        if self._spans is not None:
            self._spans.took(head.context, head.parent_id, scope["method"], route, status, seconds)
        milliseconds = round(seconds * 1000, 2)
        log.info(
            "request",
            method=scope["method"],
            route=route,
            status=status,
            milliseconds=milliseconds,
            client=head.address,
            **more,
        )


def _route(scope: Any) -> str:
    return scope.get("path_template") or UNMATCHED


class _ResponseSender:
    """The sending side of one request: adds the ids, and answers with a problem when nothing was sent yet."""

    def __init__(self, send: Send, context: RequestContext, *, draining: bool) -> None:
        self.status = 500
        self._send = send
        self._context = context
        self._draining = draining
        self._begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begun = True
            self.status = message["status"]
            headers = [*message["headers"], (b"x-request-id", self._context.request_id.encode())]
            if self._draining:
                headers.append((b"connection", b"close"))
            message["headers"] = headers
        await self._send(message)

    async def problem(self, problem: ApiProblem) -> None:
        if self._begun:
            return  # the server closes the connection, so that the caller sees that the answer was cut
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"connection", b"close")]
        headers += [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
        body = msgspec.json.encode(problem.details(self._context.request_id))
        headers.append((b"content-length", str(len(body)).encode()))
        await self.send({"type": "http.response.start", "status": problem.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})


class RequestHead:
    """What the outermost layer reads of a request's head, in one pass; whatever was sent, reading it doesn't fail.

    An id that came through the balancer (X-Forwarded-For) is a caller's: it is logged beside ours, and nothing that
    people rely on, such as the audit trail, carries it. Without that header the caller is another service of ours.
    """

    def __init__(self, scope: Scope) -> None:
        self.host = b""
        self.credential = b""
        self.has_body = False
        self.client_request_id = ""
        self.parent_id = ""  # the caller's span
        request_id = trace_id = token = forwarded = ""
        trace_flags = "00"
        deadline = None
        for name, value in scope["headers"]:
            if name == b"host":
                self.host = value
            elif name == b"x-request-id":
                text = value.decode("latin-1")
                request_id = text if REQUEST_ID.match(text) else ""
            elif name == b"traceparent":
                match = TRACEPARENT.match(value.decode("latin-1"))
                if match:
                    trace_id, self.parent_id, trace_flags = match[1], match[2], match[3]
            elif name == b"authorization":
                self.credential = value
                token = value.decode("latin-1").partition(" ")[2]
            elif name == b"cookie":
                self.credential = self.credential or value
            elif name == b"x-forwarded-for":
                forwarded = value.decode("latin-1").rpartition(",")[2].strip()[:45]  # 45: the longest IPv6 address
            elif name == b"x-request-timeout-ms" and value.isdigit() and len(value) <= LONGEST_NUMBER:
                deadline = asyncio.get_running_loop().time() + min(int(value), LONGEST_DEADLINE_MS) / 1000
            elif name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
                self.has_body = True
        if forwarded:
            self.client_request_id, request_id = request_id, ""
        client = scope.get("client")
        self.address: str = forwarded or (client[0] if client else "")
        fresh = uuid7()
        self.context = RequestContext(
            request_id=request_id or str(fresh),
            trace_id=trace_id or fresh.hex,
            span_id=fresh.hex[16:],
            trace_flags=trace_flags,
            token=token,
            deadline=deadline,
            forwarded_for=forwarded,
        )


def _bounded(receive: Receive) -> Receive:
    """`receive` that ends when the body isn't there in time (50 slow senders would hold 50 places) or the caller left.

    Litestar answers a caller who left with 500, which anybody could make into our failure. Raises BodyTooSlow and
    Incomplete.
    """
    loop = asyncio.get_running_loop()
    ends = loop.time() + BODY_SECONDS
    complete = False

    async def bounded_receive() -> Any:
        nonlocal complete
        if complete:
            return await receive()
        try:
            async with asyncio.timeout_at(ends):
                message = await receive()
        except TimeoutError:
            raise BodyTooSlow from None
        if message["type"] == "http.disconnect":
            raise Incomplete
        complete = not message.get("more_body", False)
        return message

    return bounded_receive
