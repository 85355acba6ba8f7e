"""Ends the runner's children when the runner dies without doing so itself (kill -9, a crash).

A script that uses only the standard library. It reads lines from the runner on stdin ("+ pid signal", "- pid"); when
the pipe closes without a "bye", it signals the recorded process groups, waits, kills them, and removes the runner's
file. On Linux the kernel signals the children as well (process.py); this works everywhere.
"""

import contextlib
import os
import select
import signal
import sys
import time

# Seconds between the stop signal and SIGKILL: enough for PostgreSQL's shutdown when every core is busy. All children
# must be gone 5 s after the runner.
GRACE = 4.0


def watch(lines) -> dict[int, int]:
    """Reads to the end of the pipe; returns the process groups still recorded with their stop signals."""
    groups: dict[int, int] = {}
    for line in lines:
        match line.split():
            case ["+", pid, signal_number]:
                groups[int(pid)] = int(signal_number)
            case ["-", pid]:
                groups.pop(int(pid), None)
            case ["bye"]:
                return {}
    return groups


def living(groups) -> list[int]:
    return [group for group in groups if _signal(group, 0)]


def _signal(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def end(groups: dict[int, int]) -> None:
    for group, number in groups.items():
        _signal(group, number)
    deadline = time.monotonic() + GRACE
    while living(groups) and time.monotonic() < deadline:
        select.select([], [], [], 0.02)
    for group in living(groups):
        _signal(group, signal.SIGKILL)


def main(runner_file: str) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    left = watch(sys.stdin)
    if left:
        end(left)
    with contextlib.suppress(OSError):
        if runner_file and _nobody_holds(runner_file):
            os.unlink(runner_file)  # noqa: PTH108 - pathlib would double this process's memory


def _nobody_holds(path: str) -> bool:
    import fcntl  # noqa: PLC0415 - only at the very end

    with open(path) as file:  # noqa: PTH123 - as above
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


if __name__ == "__main__":
    main(sys.argv[1])
