"""The control port: at most one runner per state folder, and how commands talk to it.

`.gate/runner.json` is both lock and address. The runner holds an flock on it, which the kernel releases however the
runner ends, so a stale file is never mistaken for a live one. A request is one line of JSON over loopback TCP with the
token from that file (not a Unix socket: its path is limited to 107 bytes).
"""

import asyncio
import contextlib
import fcntl
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from gatehouse_local.ports import EDGE_PORT
from gatehouse_local.runner.port_conflicts import Trouble, cannot_write
from gatehouse_local.runner.state import ResourceStatus

LINE_LIMIT = 4 * 1024 * 1024
START_WAIT = 15.0  # seconds that a runner which just started may take to publish its port


class Address(msgspec.Struct, frozen=True):
    """The content of runner.json."""

    pid: int
    port: int
    token: str


class PlatformReport(msgspec.Struct, frozen=True):
    """The state of the platform, as `gate status` prints it."""

    version: int  # grows with each change
    runner: int  # process id
    state_folder: str
    url: str | None  # the institute's address, when the edge runs
    database_url: str | None  # the administrator's connection string
    resources: list[ResourceStatus] = []
    notices: dict[int, str] = {}  # numbered in order
    last_lines: dict[str, list[str]] = {}  # of resources with an error


def file_of(state: Path) -> Path:
    return state / "runner.json"


class Claim:
    """The lock of a state folder: whoever holds it is its runner."""

    def __init__(self, path: Path, descriptor: int, stale: Address | None) -> None:
        self.path, self._descriptor = path, descriptor
        self.stale = stale  # the previous runner, if it ended without cleaning up

    def publish(self, address: Address) -> None:
        data = msgspec.json.encode(address)
        os.pwrite(self._descriptor, data, 0)
        os.ftruncate(self._descriptor, len(data))

    def release(self) -> None:
        self.path.unlink(missing_ok=True)
        os.close(self._descriptor)


def claim(state: Path) -> Claim | None:
    """Takes the lock; None if a runner holds it."""
    path = file_of(state)
    try:
        state.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise cannot_write(path, error) from None
    if not _locked(descriptor, fcntl.LOCK_EX):
        os.close(descriptor)
        return None
    if not _same(descriptor, path):
        os.close(descriptor)
        return claim(state)
    stale = _decode(os.pread(descriptor, 4096, 0))
    os.ftruncate(descriptor, 0)
    return Claim(path, descriptor, stale)


def find(state: Path, *, wait: bool = False) -> Address | None:
    """The address of the running runner, or None. `wait`: wait for one that is starting to publish its port."""
    path = file_of(state)
    deadline = time.monotonic() + (START_WAIT if wait else 1.0)
    while True:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            if _locked(descriptor, fcntl.LOCK_SH):
                return None  # stale: the next claim clears it
            address = _decode(os.pread(descriptor, 4096, 0))
        finally:
            os.close(descriptor)
        if address is not None or time.monotonic() > deadline:
            return address
        time.sleep(0.02)


def _locked(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _same(descriptor: int, path: Path) -> bool:
    try:
        return os.fstat(descriptor).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False


def _decode(data: bytes) -> Address | None:
    try:
        return msgspec.json.decode(data, type=Address)
    except msgspec.DecodeError:
        return None


# --- the runner's side ---

Handler = Callable[[dict[str, Any]], Awaitable[Any]]


class Server:
    """Answers each request `{"token": …, "do": name, …}` with the handler of that name."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers
        self._token = secrets.token_urlsafe(24)
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self) -> Address:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LINE_LIMIT)
        return Address(os.getpid(), self._server.sockets[0].getsockname()[1], self._token)

    async def close(self) -> None:
        self._server.close()
        for writer in self._open:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while line := await reader.readline():
                writer.write(msgspec.json.encode(await self._answer(line)) + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.DecodeError:
            return {"error": "The request isn't JSON."}
        if not secrets.compare_digest(str(request.get("token")), self._token):
            return {"error": "The token is wrong."}
        handler = self._handlers.get(request.get("do", ""))
        if handler is None:
            return {"error": f"Unknown request {request.get('do')!r}."}
        try:
            return {"answer": await handler(request)}
        except Exception as error:  # the client shows it
            return {"error": str(error) or repr(error)}


# --- the client's side ---


class RunnerGone(Trouble):
    """The runner exited during a request."""


class RunnerClient:
    """A blocking client of the control port, for commands."""

    def __init__(self, address: Address) -> None:
        self._token = address.token
        try:
            self._socket = socket.create_connection(("127.0.0.1", address.port), timeout=5)
        except OSError:
            raise RunnerGone(f"The runner (process {address.pid}) doesn't answer. Fix: kill {address.pid}") from None
        self._socket.settimeout(None)
        self._file = self._socket.makefile("rb")

    def ask(self, do: str, **more: Any) -> Any:
        request = msgspec.json.encode({"token": self._token, "do": do, **more}) + b"\n"
        try:
            self._socket.sendall(request)
            line = self._file.readline()
        except OSError:
            line = b""
        if not line:
            raise RunnerGone("The runner has exited. See: gate logs runner")
        answer = msgspec.json.decode(line, type=dict[str, Any])
        if "error" in answer:
            raise Trouble(answer["error"])
        return answer["answer"]

    def report(self, **more: Any) -> PlatformReport:
        return msgspec.convert(self.ask("status", **more), PlatformReport, strict=False)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
            self._socket.close()


def url_here(root: Path) -> str | None:
    """The address of the platform that this checkout runs; else of any at the usual port; else None."""
    if address := find(root / ".gate"):
        with contextlib.suppress(Exception):  # it may be stopping
            if url := RunnerClient(address).report().url:
                return url
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return f"http://localhost:{EDGE_PORT}" if probe.connect_ex(("127.0.0.1", EDGE_PORT)) == 0 else None
