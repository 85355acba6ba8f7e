"""The chassis around a route that does nothing: `/public` for anyone, `/hello` for whoever is signed in,
and `/echo`, a socket."""

import contextlib
import os
import tempfile
from pathlib import Path

import msgspec
from litestar import WebSocket, get
from litestar.exceptions import WebSocketDisconnect

from gatehouse_chassis import Actor, ServiceContext, create_app
from gatehouse_chassis.base import logs
from gatehouse_chassis.http.guards import public, signed_in
from gatehouse_chassis.live.socket_layer import SocketRoute
from gatehouse_chassis.serve import run

SERVICE = 'name = "hello"\ndomain = "bench"\nsummary = "Does nothing"\npath = "/api/hello"\nport = 8499\n'


class Hello(msgspec.Struct):
    hello: str = "world"


@get("/public", guards=[public], operation_id="GetPublic")
async def anyone() -> Hello:
    return Hello()


@get("/hello", guards=[signed_in], operation_id="GetHello")
async def hello(actor: Actor) -> Hello:
    return Hello()


@SocketRoute("/echo", guards=[public])
async def echo(socket: WebSocket) -> None:
    await socket.accept()
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await socket.send_text(await socket.receive_text())


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "service.toml").write_text(SERVICE)
        service = ServiceContext.load(Path(folder), os.environ)
    logs.configure(service.name)
    run(create_app(service, [anyone, hello, echo]), service)


if __name__ == "__main__":
    main()
