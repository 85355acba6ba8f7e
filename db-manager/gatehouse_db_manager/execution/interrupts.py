"""What stops a container (SIGTERM) or a person (Ctrl-C): it reaches whatever runs as an exception, so that a statement
on the server is cancelled, its step undone and the lock given back. Without this a container's first process wouldn't
even notice, and would be killed ten seconds later."""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType


class Interrupted(KeyboardInterrupt):
    """psycopg cancels what it waits for when this arises, as it does for Ctrl-C."""


@contextmanager
def interruptible() -> Generator[None]:
    """Raises Interrupted where the first signal finds us; the others are ignored, as ending takes a moment."""
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
