"""WebSockets through the edge: frames, protocols and close codes as they are, and what breaks stays alone."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator

import aiohttp
import pytest
from aiohttp import web

from gatehouse_local.runner.edge import Route, serving
from gatehouse_local.socket_relay import LARGEST_MESSAGE

BOUND = 60.0


async def service(request: web.Request) -> web.StreamResponse:
    """Echoes; `close N` closes with N, `vanish` ends the connection without a word."""
    if request.path == "/health/ready":
        return web.Response()
    if request.headers.get("Origin") == "https://elsewhere.example":
        return web.Response(status=403)
    here = web.WebSocketResponse(protocols=["gatehouse.v1"])
    await here.prepare(request)
    async for message in here:
        if message.type == aiohttp.WSMsgType.BINARY:
            await here.send_bytes(message.data)
        elif message.data == "vanish" and request.transport is not None:
            request.transport.abort()
        elif message.data == "headers":
            await here.send_str(request.headers["X-Forwarded-For"] + " " + request.headers["Host"])
        elif message.data.startswith("close "):
            await here.close(code=int(message.data.split()[1]), message=b"because")
        else:
            await here.send_str(message.data)
    request.app["codes"].append(here.close_code)
    return here


@contextlib.asynccontextmanager
async def edge(app: web.Application) -> AsyncGenerator[str]:
    runner = web.AppRunner(app)
    await runner.setup()
    behind, before = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, behind).start()
    routes = [Route(service="demo", path="/", targets=[f"http://127.0.0.1:{behind.getsockname()[1]}"])]
    try:
        async with serving(routes, before):
            yield f"http://127.0.0.1:{before.getsockname()[1]}/live"
    finally:
        await runner.cleanup()


@pytest.fixture
async def app() -> web.Application:
    made = web.Application()
    made["codes"] = []
    made.router.add_get("/{any:.*}", service)
    return made


@contextlib.asynccontextmanager
async def opened(url: str, **options) -> AsyncGenerator[aiohttp.ClientWebSocketResponse]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=["gatehouse.v1", "x"], **options) as one,
    ):
        yield one


async def code_of(one: aiohttp.ClientWebSocketResponse) -> int | None:
    async with asyncio.timeout(BOUND):
        while not one.closed:
            await one.receive()
    return one.close_code


@pytest.mark.filterwarnings("ignore::aiohttp.web_exceptions.NotAppKeyWarning")
async def test_frames_protocol_headers_and_close_codes_are_passed_on(app: web.Application):
    async with edge(app) as url:
        async with opened(url) as one:
            assert one.protocol == "gatehouse.v1"
            await one.send_str("here")
            assert await one.receive_str(timeout=BOUND) == "here"
            await one.send_bytes(b"x" * 300_000)
            assert await one.receive_bytes(timeout=BOUND) == b"x" * 300_000
            await one.send_str("headers")
            assert await one.receive_str(timeout=BOUND) == f"127.0.0.1 {url.split('/')[2]}"
            for code in (1012, 4404):
                async with opened(url) as other:
                    await other.send_str(f"close {code}")
                    assert await code_of(other) == code
            await one.close(code=4321)
        async with opened(url) as one:
            await one.send_str("vanish")
            assert await code_of(one) == 1006
    assert 4321 in app["codes"]


@pytest.mark.filterwarnings("ignore::aiohttp.web_exceptions.NotAppKeyWarning")
async def test_what_is_malformed_too_large_or_refused_ends_alone(app: web.Application):
    async with edge(app) as url, opened(url) as steady:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with opened(url, origin="https://elsewhere.example"):
                pass
        assert refused.value.status == 403
        async with opened(url) as large:
            await large.send_str("x" * (LARGEST_MESSAGE + 1))
            assert await code_of(large) == 1009
        async with opened(url) as broken:
            transport = broken._writer.transport
            assert transport is not None
            transport.write(b"\xf1\x85abcde")
            assert await code_of(broken) == 1002
        await steady.send_str("still here")
        assert await steady.receive_str(timeout=BOUND) == "still here"


@pytest.mark.filterwarnings("ignore::aiohttp.web_exceptions.NotAppKeyWarning")
async def test_an_edge_that_stops_says_that_it_restarts(app: web.Application):
    async with contextlib.AsyncExitStack() as stack:
        async with edge(app) as url:
            ones = [await stack.enter_async_context(opened(url)) for _ in range(3)]
            for one in ones:
                await one.send_str("here")
                await one.receive_str(timeout=BOUND)
            codes = [asyncio.create_task(code_of(one)) for one in ones]
        assert await asyncio.gather(*codes) == [1012, 1012, 1012]
