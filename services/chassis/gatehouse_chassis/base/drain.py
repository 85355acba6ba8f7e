"""Whether this process is shutting down; read by the server, readiness and the outermost middleware."""


class Drain:
    """`draining` becomes true once, on SIGTERM, and never false again."""

    def __init__(self) -> None:
        self.draining = False
