"""Whether this process is shutting down; read by the server, readiness, the outermost middleware and the jobs."""

from collections.abc import Callable


class Drain:
    """`draining` becomes true once, on SIGTERM, and never false again; `listeners` are called then."""

    def __init__(self) -> None:
        self.draining = False
        self.listeners: list[Callable[[], None]] = []

    def begin(self) -> None:
        """Call it from the event loop."""
        for listener in self.listeners:
            listener()
