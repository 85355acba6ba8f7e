"""Bytes that are no HTTP: counted, logged and answered once, whatever went before them on the connection."""

import asyncio
import json
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from gatehouse_chassis.http.server_protocol import counting_protocol
from gatehouse_chassis.metrics.traffic import Traffic

GARBAGE = b"GET / HTTP/9.9\x00\r\n\r\n"
WHOLE = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
BROKEN_BODY = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("203.0.113.9", 4000) if name == "peername" else default

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def answered(sent: bytes) -> tuple[Wire, list[str], Traffic]:
    """The wire after `sent` came, what the application received, and the counts."""
    received = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        while message.get("more_body"):
            message = await receive()
        received.append(message["type"])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    traffic = Traffic("demo", 0.3)
    kind: Any = counting_protocol(traffic)
    protocol = kind(uvicorn.Config(app, log_config=None, lifespan="off"), ServerState(), {})
    wire = Wire()
    protocol.connection_made(wire)
    protocol.data_received(sent)
    if wire.closed:
        protocol.connection_lost(None)
    for _ in range(20):
        await asyncio.sleep(0)
    return wire, received, traffic


def counts(traffic: Traffic) -> dict[str, float]:
    requests = next(iter(traffic.collect()))
    return {sample.labels["status"]: sample.value for sample in requests.samples}


async def test_what_is_no_http_is_a_problem_that_is_counted_and_logged(capsys: pytest.CaptureFixture[str]) -> None:
    wire, received, traffic = await answered(GARBAGE)
    head, _, body = wire.written.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    problem = json.loads(body)
    assert problem["instance"].encode() in head
    assert wire.closed
    assert (received, counts(traffic)) == ([], {"400": 1})
    logged = capsys.readouterr().out
    assert "203.0.113.9" in logged
    assert problem["instance"] in logged


async def test_a_whole_request_before_it_gets_its_own_answer_and_no_other() -> None:
    wire, received, traffic = await answered(WHOLE + GARBAGE)
    assert wire.written.startswith(b"HTTP/1.1 204 ")
    assert wire.written.count(b"HTTP/1.1 ") == 1
    assert wire.closed
    assert (received, counts(traffic)) == (["http.request"], {})


async def test_a_body_that_breaks_is_the_applications_to_count() -> None:
    wire, received, traffic = await answered(BROKEN_BODY)
    assert wire.written.startswith(b"HTTP/1.1 400 ")
    assert (received, counts(traffic)) == (["http.disconnect"], {})


HANDSHAKE = b"Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
COMPLETE = HANDSHAKE + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n" + HANDSHAKE + b"\r\n",
        b"POST / HTTP/1.1\r\n" + COMPLETE,
        b"GET / HTTP/1.1\r\n" + COMPLETE.replace(b"ZQ==", b"!!!!"),
        b"GET / HTTP/1.1\r\n" + COMPLETE.replace(b"13", b"12"),
    ],
)
async def test_what_is_no_whole_handshake_of_a_websocket_is_a_request(sent: bytes) -> None:
    wire, received, traffic = await answered(sent)
    assert wire.written.startswith(b"HTTP/1.1 204 ")
    assert (received, counts(traffic)) == (["http.request"], {})
