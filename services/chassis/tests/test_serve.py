"""Starting and stopping as a process: readiness is announced, SIGTERM fails no request, a successor takes over."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets import ConnectionClosed, InvalidStatus, Origin
from websockets.sync.client import ClientConnection, connect

from gatehouse_chassis.serve import LARGEST_FRAME

SERVICE = """
name = "demo"
domain = "demo"
summary = "Is started and stopped"
path = "/api/demo"
port = 8499
"""
APP = """
import asyncio
import os
from litestar import WebSocket, get
from litestar.exceptions import WebSocketDisconnect
from gatehouse_chassis import create_app
from gatehouse_chassis.http.guards import public, signed_in
from gatehouse_chassis.live.socket_layer import SocketRoute

@get("/slow", guards=[public], operation_id="Slow")
async def slow() -> int:
    await asyncio.sleep(0.2)
    return os.getpid()

@get("/fast", guards=[public], operation_id="Fast")
async def fast() -> int:
    return os.getpid()

@SocketRoute("/echo", guards=[public])
async def echo(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            await socket.send_text(await socket.receive_text())
    except WebSocketDisconnect:
        print("the handler ended", flush=True)

@SocketRoute("/mine", guards=[signed_in])
async def mine(socket: WebSocket) -> None:
    await socket.accept()

def create(service):
    return create_app(service, [slow, fast, echo, mine])
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "services" / "catalog").mkdir(parents=True)
    package = tmp_path / "services" / "demo" / "gatehouse_demo"
    package.mkdir(parents=True)
    (package.parent / "service.toml").write_text(SERVICE)
    (package / "__init__.py").touch()
    (package / "app.py").write_text(APP)
    return tmp_path


class Running:
    """A service process on a socket that the test holds, like the runner's."""

    def __init__(self, root: Path, listener: socket.socket, **environ: str) -> None:
        ready, announce = os.pipe()
        surroundings = {
            **os.environ,
            "GATEHOUSE_ENVIRONMENT": "local",
            "GATEHOUSE_LISTEN_FD": str(listener.fileno()),
            "GATEHOUSE_READY_FD": str(announce),
            "PYTHONPATH": str(root / "services" / "demo"),
            **environ,
        }
        # A file, not a pipe: nobody reads while the test runs, and a full pipe would stop the service.
        self._output = root / f"output-{len(list(root.glob('output-*')))}.log"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gatehouse_chassis", "demo"],
            cwd=root,
            env=surroundings,
            pass_fds=[listener.fileno(), announce],
            stdout=self._output.open("wb"),
            stderr=subprocess.STDOUT,
        )
        os.close(announce)
        with os.fdopen(ready, "rb") as pipe:
            self.announced = pipe.readline()

    @property
    def output(self) -> str:
        return self._output.read_text()

    def stop(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60), self.output


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen(256)
        yield bound


def address(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}/api/demo"


class Load:
    """Clients that ask again and again until told to stop; every failure is kept."""

    def __init__(self, url: str, clients: int = 4) -> None:
        self.answers: list[int] = []
        self.failures: list[str] = []
        self._url = url
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def _ask(self) -> None:
        with httpx.Client(timeout=10) as client:
            while not self._stop.is_set():
                try:
                    self.answers.append(client.get(self._url).raise_for_status().json())
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, pid: int) -> None:
        """Until that process has answered, or the test's time is over."""
        for _ in range(2000):
            if pid in self.answers:
                return
            threading.Event().wait(0.005)
        message = f"process {pid} never answered; failures: {self.failures[:3]}"
        raise AssertionError(message)


def test_a_started_service_announces_itself_and_stops_with_zero(root: Path, listener: socket.socket) -> None:
    running = Running(root, listener)
    assert running.announced == b"ready\n"
    assert httpx.get(address(listener) + "/fast").json() == running.process.pid
    code, output = running.stop()
    assert code == 0, output
    assert '"event":"draining"' in output


def test_sigterm_finishes_what_is_in_flight(root: Path, listener: socket.socket) -> None:
    running = Running(root, listener)
    with Load(address(listener) + "/slow", clients=8) as load:
        load.wait_for(running.process.pid)
        successor = Running(root, listener)
        code, output = running.stop()
        load.wait_for(successor.process.pid)
    assert code == 0, output
    assert load.failures == []
    assert successor.stop()[0] == 0


@pytest.mark.deep
def test_a_successor_on_the_same_socket_takes_over_without_a_refused_connection(
    root: Path, listener: socket.socket
) -> None:
    running = Running(root, listener)
    with Load(address(listener) + "/fast") as load:
        for _ in range(3):
            load.wait_for(running.process.pid)
            successor = Running(root, listener)
            assert running.stop()[0] == 0
            running = successor
        load.wait_for(running.process.pid)
    assert load.failures == []
    assert running.stop()[0] == 0


def test_a_wrong_environment_is_one_clear_sentence(root: Path, listener: socket.socket) -> None:
    running = Running(root, listener, GATEHOUSE_ENVIRONMENT="prod")
    assert running.process.wait(timeout=60) == 1
    said = "environment: GATEHOUSE_ENVIRONMENT = prod: is no environment. Set it to one of local, dev,"
    assert running.output.startswith(said)
    assert "Traceback" not in running.output


def socket_url(listener: socket.socket, path: str = "echo") -> str:
    return f"ws://127.0.0.1:{listener.getsockname()[1]}/api/demo/{path}"


def echoes(connection: ClientConnection, text: str = "still here") -> bool:
    connection.send(text)
    return connection.recv(timeout=60) == text


def closed_with(connection: ClientConnection) -> int | None:
    """The code that the service closes it with."""
    with pytest.raises(ConnectionClosed):
        connection.recv(timeout=60)
    return connection.close_code


def test_malformed_and_oversized_frames_end_their_own_socket_only(root: Path, listener: socket.socket):
    running = Running(root, listener)
    try:
        with connect(socket_url(listener)) as steady, connect(socket_url(listener), close_timeout=0.1) as large:
            assert echoes(steady)
            large.send("x" * (LARGEST_FRAME + 1))
            assert closed_with(large) == 1009
            for sent, code in ((b"\xf1\x85abcdefghi", 1002), (b"\x81\x01a", 1002), (b"\x81\x82\0\0\0\0\xff\xfe", 1007)):
                with connect(socket_url(listener), close_timeout=0.1) as broken:
                    broken.socket.sendall(sent)
                    assert closed_with(broken) == code
            assert echoes(steady)
            assert httpx.get(f"{address(listener)}/fast", timeout=60).status_code == 200
            assert echoes(steady, "x" * LARGEST_FRAME)
    finally:
        assert running.stop()[0] == 0
    assert "unhandled" not in running.output


def test_a_socket_is_closed_with_what_a_request_would_be_answered_with(root: Path, listener: socket.socket):
    running = Running(root, listener)
    try:
        with connect(socket_url(listener, "mine")) as unknown:
            assert closed_with(unknown) == 4401
        with connect(socket_url(listener, "nowhere")) as nowhere:
            assert closed_with(nowhere) == 4404
        with pytest.raises(InvalidStatus, match="403"):
            connect(socket_url(listener), origin=Origin("https://elsewhere.example"))
    finally:
        running.stop()


def test_sockets_are_told_of_a_restart_and_the_successor_takes_them(root: Path, listener: socket.socket):
    first = Running(root, listener)
    sockets = [connect(socket_url(listener)) for _ in range(20)]
    assert all(map(echoes, sockets))
    second = Running(root, listener)
    code, output = first.stop()
    try:
        assert {closed_with(one) for one in sockets} == {1012}
        assert (code, output.count("the handler ended")) == (0, 20)
        with connect(socket_url(listener)) as again:
            assert echoes(again)
    finally:
        second.stop()
