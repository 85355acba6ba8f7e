"""Turns SIGTERM (a stopped container) and SIGINT (Ctrl-C) into an exception, so that the running statement is
cancelled, its step undone and the lock released. Otherwise PID 1 of a container would ignore SIGTERM and be killed ten
seconds later."""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType


class Interrupted(KeyboardInterrupt):
    """psycopg cancels the running statement when this is raised, as it does for Ctrl-C."""


@contextmanager
def interruptible() -> Generator[None]:
    """Raises Interrupted on the first signal; further ones are ignored while the run ends."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGTERM, signal.SIGINT)

    def stop(number: int, _: FrameType | None) -> None:
        for one in numbers:
            signal.signal(one, signal.SIG_IGN)
        raise Interrupted(f"stopped by {signal.Signals(number).name}")

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
