"""Services as forks of one process that has already imported what they share. Linux only.

That costs half a second of CPU once instead of for each service, and the forks share its memory. `python -m` this
module is that process: it never imports a service. `PreloadedProcess` is the runner's side of it.

A fork is the runner's own child: it forks twice, and the runner is the subreaper. So it outlives the preloaded process,
and ends with the runner as other children do. It runs its program only once the runner has noted its process id.
"""

import asyncio
import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
IMPORT_SECONDS = 30.0  # a preloaded process that isn't ready by then is given up
ANSWER_SECONDS = 5.0  # the same for an answer; one takes 5 ms
LARGEST_MESSAGE = 1 << 20
ARGUMENTS_BEGIN = 48  # its field in /proc/self/stat, and the next one is where they end: proc(5)


class PreloadedProcess:
    """Starts the process that imports `module` when it is first wanted, and anew when what it imported has changed.

    `code`: where it finds the packages, as PYTHONPATH has it; empty: those that are installed.
    """

    def __init__(self, module: str, folder: Path, code: str = "") -> None:
        self._module, self._folder, self._code = module, folder, code
        self._others: dict[str, PreloadedProcess] = {}
        self._process: subprocess.Popen | None = None
        self._socket: socket.socket | None = None
        self._start: asyncio.Task[bool] | None = None
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def of(self, code: str) -> "PreloadedProcess":
        """The one with these packages: this one, or another that ends with it."""
        if code == self._code:
            return self
        if code not in self._others:
            self._others[code] = PreloadedProcess(self._module, self._folder, code)
        return self._others[code]

    async def fresh(self) -> bool:
        """Waits until there is one that has imported the files as they are now. False if those can't be imported."""
        for _ in range(2):
            if not await self._started():
                return False
            if self._ask({"action": "check"}) == {"fresh": True}:
                return True
            self.close()
        return False

    def fork(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        stop_signal: int,
        output: int,
        inherited: Mapping[str, int],
    ) -> tuple[int, int] | None:
        """Forks a process that will run `python -m ARGUMENTS`, once a byte is written to the pipe that is returned.

        `inherited`: the variables that tell it the number of a descriptor. Returns (process id, pipe), or None if the
        preloaded process doesn't answer.
        """
        wait, go = os.pipe()
        request = {
            "action": "fork",
            "arguments": list(arguments),
            "environment": dict(environment),
            "folder": str(folder),
            "stop_signal": int(stop_signal),
            "runner": os.getpid(),
            "inherited": list(inherited),
        }
        answer = self._ask(request, [wait, output, *inherited.values()])
        os.close(wait)
        if "pid" in answer:
            return answer["pid"], go
        os.close(go)
        self.close()
        return None

    def prepare(self) -> None:
        """Starts it, if there is none."""
        if self._start is None:
            self._start = asyncio.get_running_loop().create_task(self._import())

    def close(self) -> None:
        """Ends it, and those beside it; their forks go on."""
        while self._others:
            self._others.popitem()[1].close()
        if self._start is not None:
            self._start.cancel()
            self._start = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    async def _started(self) -> bool:
        self.prepare()
        start = self._start
        assert start is not None
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([start])
        if start.cancelled() or not start.result():
            if self._start is start:
                self.close()
            return False
        return True

    async def _import(self) -> bool:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = ours
        with its:
            self._process = self._spawn(its.fileno())
        ours.setblocking(False)
        try:
            async with asyncio.timeout(IMPORT_SECONDS):
                ready = await asyncio.get_running_loop().sock_recv(ours, 64)
        except (TimeoutError, OSError):
            return False
        ours.settimeout(ANSWER_SECONDS)
        return bool(ready)

    def _spawn(self, control: int) -> subprocess.Popen:
        return subprocess.Popen(  # noqa: S603 - our own module
            [*self._program(), str(control), self._module],
            cwd=self._folder,
            env={**os.environ, "PYTHONPATH": self._code} if self._code else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[control],
            start_new_session=True,
        )

    def _program(self) -> list[str]:
        """This module. With other packages it is run as a file, as they have a gatehouse_local of their own; -P keeps
        the file's folder off the path."""
        return [sys.executable, "-P", __file__] if self._code else [sys.executable, "-m", __name__]

    def _ask(self, request: Mapping[str, object], descriptors: Sequence[int] = ()) -> dict:
        """Its answer; an empty one if there is none."""
        if self._socket is None:
            return {}
        try:
            socket.send_fds(self._socket, [json.dumps(request).encode()], list(descriptors))
            return json.loads(self._socket.recv(LARGEST_MESSAGE) or b"{}")
        except OSError:
            return {}


# --- the preloaded process itself ---


def main(control: socket.socket, module: str) -> None:
    """Imports `module`, answers requests until the runner closes the socket, and in a fork runs what was requested."""
    began = time.time_ns()
    importlib.import_module(module)
    imported = _modified(began)
    gc.collect()
    gc.freeze()  # the forks' garbage collectors leave the shared memory alone
    control.send(b"ready")
    request, descriptors = _serve(control, imported)
    control.close()
    _become(request, descriptors)
    runpy.run_module(request["arguments"][0], run_name="__main__", alter_sys=True)


def _serve(control: socket.socket, imported: dict[str, int]) -> tuple[dict, list[int]]:
    """Returns in forks only."""
    while True:
        text, descriptors, _, _ = socket.recv_fds(control, LARGEST_MESSAGE, 8)
        if not text:
            sys.exit()
        request = json.loads(text)
        if request["action"] == "check":
            answer: dict[str, object] = {"fresh": all(_time(file) == time for file, time in imported.items())}
        else:
            pid = _fork_twice()
            if pid == 0:
                return request, descriptors
            answer = {"pid": pid}
            for descriptor in descriptors:
                os.close(descriptor)
        control.send(json.dumps(answer).encode())


def _fork_twice() -> int:
    """0 in the second fork, whose parent is the runner; its process id here."""
    known, tell = os.pipe()
    first = os.fork()
    if first == 0:
        second = os.fork()
        if second:
            os.write(tell, str(second).encode())
            os._exit(0)
        os.close(known)
        os.close(tell)
        return 0
    os.close(tell)
    os.waitpid(first, 0)
    with os.fdopen(known) as pipe:
        return int(pipe.read())


def _become(request: dict, descriptors: list[int]) -> None:
    """Takes on the requested environment, folder and descriptors, once the runner says so; ends if the runner has."""
    wait, output, *inherited = descriptors
    os.setsid()
    noted = os.read(wait, 1)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, request["stop_signal"], 0, 0, 0)
    if not noted or os.getppid() != request["runner"]:
        os._exit(1)
    os.close(wait)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.environ.update(zip(request["inherited"], map(str, inherited), strict=True))
    os.chdir(request["folder"])
    sys.argv = list(request["arguments"])
    _set_command_line([sys.executable, "-m", *request["arguments"]])


def _set_command_line(words: list[str]) -> None:
    """What `ps` shows: overwrites the memory that holds this process's arguments, as far as it reaches."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    begin, end = (int(fields[ARGUMENTS_BEGIN - 3 + number]) for number in (0, 1))  # fields 1 and 2 are cut off
    text = "\0".join(words).encode()[: end - begin - 1]
    ctypes.memmove(begin, text.ljust(end - begin, b"\0"), end - begin)


def _modified(began: int) -> dict[str, int]:
    """When each imported file was last saved. One saved since `began` may be imported in part: 0, so never fresh."""
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    times = {file: _time(file) for file in files if file}
    now = time.time_ns()
    return {file: 0 if began < saved <= now else saved for file, saved in times.items()}


def _time(file: str) -> int:
    try:
        return os.stat(file).st_mtime_ns  # noqa: PTH116 - a thousand of them: half the time of pathlib's
    except OSError:
        return -1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])
