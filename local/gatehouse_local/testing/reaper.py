"""Runs a command and ends every process that it started, however the command or its caller ends.

`run_bound` is the caller's side. `python -m gatehouse_local.testing.reaper DESCRIPTOR GRACE COMMAND...` is the process
in between: it learns of the caller's death by the end of a pipe, and as a "subreaper" (Linux) becomes the parent of
every orphan below it, whatever session that is in. Elsewhere only direct children are found.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import psutil

POLL_SECONDS = 0.1
TERMINATE_SECONDS = 10.0  # for the command, between SIGTERM and SIGKILL
GRACE_SECONDS = 15.0  # for what it left, such as a throwaway PostgreSQL that is shutting down
_PR_SET_CHILD_SUBREAPER = 36
_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_bound(
    command: Sequence[str], *, grace: float = GRACE_SECONDS, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Like `subprocess.run(command, text=True, **options)`; no process outlives it. Ctrl-C reaches the command.

    What the command leaves running has `grace` seconds to end by itself.
    """
    reader, writer = os.pipe()
    between = [sys.executable, "-m", "gatehouse_local.testing.reaper", str(reader), str(grace), *command]
    try:
        process = subprocess.Popen(between, pass_fds=[reader], text=True, **options)  # noqa: S603 - the caller's command
        os.close(reader)
        while True:
            with contextlib.suppress(KeyboardInterrupt):  # the command got it too, and ends
                output, errors = process.communicate()
                return subprocess.CompletedProcess(command, process.returncode, output, errors)
    finally:
        os.close(writer)


def main(descriptor: int, grace: float, command: list[str]) -> int:
    """Runs the command until it exits or the caller is gone; returns the command's exit code."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    process = subprocess.Popen(command, preexec_fn=_default_signals)  # noqa: S603, PLW1509 - resets signals only
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    while process.poll() is None:
        caller_is_gone, _, _ = select.select([descriptor], [], [], POLL_SECONDS)
        if caller_is_gone:
            _terminate(process)
        _reap_orphans(process.pid)
    for left in _end_descendants(grace):
        sys.stderr.write(f"Killed a process that the tests left running: {left}\n")
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def _reap_orphans(command: int) -> None:
    """Collects orphans that have exited: a zombie would look alive to whoever waits for its end (`gate down`)."""
    with contextlib.suppress(ChildProcessError):
        while exited := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if exited.si_pid == command:  # its exit code is for `poll`
                return
            os.waitpid(exited.si_pid, 0)


def _default_signals() -> None:
    for number in _IGNORED:
        signal.signal(number, signal.SIG_DFL)


def _terminate(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(TERMINATE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_descendants(grace: float) -> list[str]:
    """Waits for the descendants to end by themselves, then kills the rest; returns those, as command lines."""
    deadline = time.monotonic() + grace
    killed: dict[int, str] = {}
    while (descendants := _living_descendants()) and time.monotonic() < deadline + GRACE_SECONDS:
        if time.monotonic() > deadline:
            for process in descendants:
                with contextlib.suppress(psutil.Error):
                    killed[process.pid] = " ".join(process.cmdline())[:200] or process.name()
                    process.kill()
        time.sleep(POLL_SECONDS)
    return list(killed.values())


def _living_descendants() -> list[psutil.Process]:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    descendants = psutil.Process().children(recursive=True)
    return [process for process in descendants if process.is_running()]


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
