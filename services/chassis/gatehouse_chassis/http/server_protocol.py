"""uvicorn's HTTP protocol, which answers what is no HTTP; here such bytes are counted, logged and answered as all else.

They never become a request of the application, so its outermost layer doesn't see them.
"""

import base64
from collections.abc import Mapping

import msgspec
import structlog
from uuid_utils import uuid7
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from gatehouse_chassis.base.problems import MEDIA_TYPE, Invalid
from gatehouse_chassis.metrics.traffic import OTHER, UNMATCHED, Traffic

KEY_BYTES = 16

log = structlog.get_logger()


def counting_protocol(traffic: Traffic) -> type[HttpToolsProtocol]:
    """A protocol class whose refusals are counted in `traffic`."""

    class CountingProtocol(HttpToolsProtocol):
        def send_400_response(self, msg: str) -> None:
            del msg
            if self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body:
                # The request before it is whole and gets its answer, then the connection ends.
                self.cycle.keep_alive = False
                return
            request_id = str(uuid7())
            if self.cycle is None or self.cycle.response_complete:
                self._count(request_id)
            # Else a request's body has broken off: the application sees that it won't come, and counts it.
            self.transport.write(_answer(request_id))
            self.transport.close()

        def _should_upgrade(self) -> bool:
            """What asks for a WebSocket and isn't a handshake is a request as any other, which the application answers
            and counts; the library for WebSockets would refuse it by itself."""
            return super()._should_upgrade() and self.scope["method"] == "GET" and is_handshake(dict(self.headers))

        def _count(self, request_id: str) -> None:
            traffic.answered(OTHER, UNMATCHED, Invalid.status, 0.0)
            client = self.client[0] if self.client else ""
            log.info(
                "request",
                request_id=request_id,
                method=OTHER,
                route=UNMATCHED,
                status=Invalid.status,
                milliseconds=0.0,
                client=client,
            )

    return CountingProtocol


def is_handshake(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a GET with these headers is complete as RFC 6455, section 4.2.1, has it. Names in lower case."""
    try:
        key = base64.b64decode(headers.get(b"sec-websocket-key", b"").strip(), validate=True)
    except ValueError:
        return False
    return len(key) == KEY_BYTES and headers.get(b"sec-websocket-version", b"").strip() == b"13"


def _answer(request_id: str) -> bytes:
    problem = Invalid({"request": "isn't HTTP/1.1 as RFC 9112 has it; send it with an HTTP library"})
    body = msgspec.json.encode(problem.details(request_id))
    head = (
        f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nx-request-id: {request_id}\r\n"
        "connection: close\r\n\r\n"
    )
    return STATUS_LINE[Invalid.status] + head.encode() + body
