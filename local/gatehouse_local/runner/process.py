"""One child process of the runner: its process group, its output line by line, its readiness, its exit.

Children end with the runner: when it dies, the kernel signals them (Linux), and so does the guardian (everywhere).
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from gatehouse_local.runner.logs import Lines
from gatehouse_local.runner.preloaded import PR_SET_PDEATHSIG, PreloadedProcess

_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


class Guardian:
    """The process that ends the children if the runner dies without doing so (guardian.py)."""

    def __init__(self, runner_file: Path | None = None) -> None:
        self._runner_file = runner_file
        self._groups: dict[int, int] = {}
        self._process = self._start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def add(self, pid: int, stop_signal: int) -> None:
        self._groups[pid] = stop_signal
        self._send(f"+ {pid} {stop_signal:d}")

    def remove(self, pid: int) -> None:
        if self._groups.pop(pid, None) is not None:
            self._send(f"- {pid}")

    def dismiss(self) -> None:
        """Stops the guardian: the runner has ended its children itself."""
        with contextlib.suppress(OSError):
            self._write("bye")
            self._pipe.close()
        self._process.wait()

    def _send(self, line: str) -> None:
        try:
            self._write(line)
        except OSError:  # it was killed: start another one
            self._process.wait()
            self._process = self._start()
            for pid, stop_signal in self._groups.items():
                self._write(f"+ {pid} {stop_signal:d}")

    def _write(self, line: str) -> None:
        self._pipe.write(line.encode() + b"\n")

    def _start(self) -> subprocess.Popen:
        script = str(Path(__file__).with_name("guardian.py"))
        process = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "-I", "-S", script, str(self._runner_file or "")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
        )
        assert process.stdin is not None
        self._pipe = process.stdin
        return process


class Child:
    """A running process. `ready` resolves when it writes to GATEHOUSE_READY_FD, `exited` with its exit code."""

    def __init__(self, pid: int, stop_signal: int) -> None:
        loop = asyncio.get_running_loop()
        self.pid = pid
        self.started_at = time.monotonic()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.exited: asyncio.Future[int] = loop.create_future()
        self._stop_signal = stop_signal

    def signal(self, number: int) -> None:
        if not self.exited.done():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    async def stop(self, grace: float) -> None:
        """Sends the stop signal, and SIGKILL after `grace` seconds."""
        self.signal(self._stop_signal)
        try:
            async with asyncio.timeout(grace):
                await asyncio.shield(self.exited)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await asyncio.shield(self.exited)


def spawn(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    on_lines: Callable[[list[str]], None],
    listener: socket.socket | None = None,
    stop_signal: int = signal.SIGTERM,
    guardian: Guardian | None = None,
    preloaded: PreloadedProcess | None = None,
) -> Child:
    """Starts a process; raises OSError if that fails. Call it from the runner's main thread.

    `preloaded`: fork it from there, if that works; the command is `python -m MODULE ...`.
    """
    output, output_end = os.pipe()
    ready, ready_end = os.pipe()
    inherited = {"GATEHOUSE_READY_FD": ready_end}
    if listener is not None:
        inherited["GATEHOUSE_LISTEN_FD"] = listener.fileno()
    go = -1
    try:
        forked = None
        if preloaded is not None:
            forked = preloaded.fork(
                command[2:],
                environment=environment,
                folder=folder,
                stop_signal=stop_signal,
                output=output_end,
                inherited=inherited,
            )
        if forked is not None:
            pid, go = forked
            wait = partial(_exit_code, pid)
        else:
            process = _start(command, environment, folder, stop_signal, output_end, inherited)
            pid, wait = process.pid, process.wait
    except OSError:
        os.close(output)
        os.close(ready)
        raise
    finally:
        os.close(output_end)
        os.close(ready_end)
    if guardian is not None:
        guardian.add(pid, stop_signal)
    if go >= 0:
        with os.fdopen(go, "wb") as pipe:
            pipe.write(b"1")
    child = Child(pid, stop_signal)
    _await_ready_line(child, ready)
    drained = _read_output(output, on_lines)
    _await_exit(child, wait, drained, guardian)
    return child


def _start(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    stop_signal: int,
    output: int,
    inherited: Mapping[str, int],
) -> subprocess.Popen:
    return subprocess.Popen(  # noqa: S603 - the commands are the runner's own
        list(command),
        env={**environment, **{name: str(descriptor) for name, descriptor in inherited.items()}},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=list(inherited.values()),
        start_new_session=True,
        preexec_fn=_die_with_parent(stop_signal),  # noqa: PLW1509 - one prctl call, no locks
    )


def _exit_code(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _die_with_parent(stop_signal: int) -> Callable[[], None] | None:
    if _prctl is None:
        return None
    prctl, parent = _prctl, os.getpid()

    def before_exec() -> None:
        prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return before_exec


def _await_ready_line(child: Child, descriptor: int) -> None:
    loop = asyncio.get_running_loop()

    def close(_future: object = None) -> None:
        nonlocal descriptor
        if descriptor >= 0:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            descriptor = -1

    def readable() -> None:
        if os.read(descriptor, 64) and not child.ready.done():
            child.ready.set_result(None)
        close()

    loop.add_reader(descriptor, readable)
    child.exited.add_done_callback(close)


class _Output(asyncio.Protocol):
    def __init__(self, on_lines: Callable[[list[str]], None], drained: asyncio.Future[None]) -> None:
        self._lines, self._on_lines, self._drained = Lines(), on_lines, drained

    def data_received(self, data: bytes) -> None:
        if lines := self._lines.feed(data):
            self._on_lines(lines)

    def connection_lost(self, exc: Exception | None) -> None:
        if lines := self._lines.end():
            self._on_lines(lines)
        if not self._drained.done():
            self._drained.set_result(None)


def _read_output(descriptor: int, on_lines: Callable[[list[str]], None]) -> asyncio.Future[None]:
    loop = asyncio.get_running_loop()
    drained: asyncio.Future[None] = loop.create_future()
    file = os.fdopen(descriptor, "rb", buffering=0)
    task = loop.create_task(loop.connect_read_pipe(lambda: _Output(on_lines, drained), file))
    drained.add_done_callback(lambda _: task.cancel())  # keeps the task referenced until then
    return drained


def _await_exit(
    child: Child, wait_for_exit: Callable[[], int], drained: asyncio.Future[None], guardian: Guardian | None
) -> None:
    loop = asyncio.get_running_loop()

    async def finish(code: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)  # processes it left in its group
        if guardian is not None:
            guardian.remove(child.pid)
        with contextlib.suppress(TimeoutError):  # a grandchild elsewhere may hold the pipe open
            async with asyncio.timeout(0.5):
                await asyncio.shield(drained)
        if not child.exited.done():
            child.exited.set_result(code)

    def wait() -> None:
        code = wait_for_exit()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(lambda: tasks.append(loop.create_task(finish(code))))

    tasks: list[asyncio.Task] = []
    threading.Thread(target=wait, name=f"wait-{child.pid}", daemon=True).start()


def exit_reason(code: int) -> str:
    if code >= 0:
        return f"it exited with code {code}"
    try:
        return f"it was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"it was ended by signal {-code}"
