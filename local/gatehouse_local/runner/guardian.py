"""Ends what the runner started, when the runner is gone without having done so (kill -9, a crash).

Run as a bare script with nothing but the standard library: it reads lines from the runner on stdin ("+ pid signal",
"- pid"), and when the pipe closes without a "bye" it signals the recorded process groups, waits, kills them, and takes
the runner's file away. On Linux the children also get a signal from the kernel (process.py); this works everywhere.
"""

import contextlib
import os
import select
import signal
import sys
import time

# Seconds between the polite signal and SIGKILL: what PostgreSQL takes to end well where every core is busy. All must be
# gone 5 s after the runner.
GRACE = 4.0


def watch(lines) -> dict[int, int]:
    """The process groups that are left at the end of the pipe, with their stop signals; none after a "bye"."""
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
