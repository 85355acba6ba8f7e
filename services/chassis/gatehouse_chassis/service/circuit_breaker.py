"""A circuit breaker: after a run of failures, calls fail at once for a while, and then one at a time is tried.

A pure state machine. Times are seconds on the caller's clock; nothing here waits or calls.

    closed --(failures in a row)--> open --(rest seconds)--> half open --(a success)--> closed
                                      ^--------(a failure)-------'
"""

from typing import Literal

State = Literal["closed", "open", "half-open"]


class Breaker:
    def __init__(self, *, failures: int = 5, rest: float = 5.0) -> None:
        """Opens after `failures` in a row; lets one call try again after `rest` seconds."""
        self.failures = failures
        self.rest = rest
        self._failed = 0
        self._opened_at: float | None = None
        self._probing = False

    def state(self, now: float) -> State:
        if self._opened_at is None:
            return "closed"
        return "open" if now < self._opened_at + self.rest else "half-open"

    def allows(self, now: float) -> bool:
        """Whether a call may be tried. True must be followed by one `succeeded`, `failed` or `gave_up`."""
        state = self.state(now)
        if state == "half-open" and not self._probing:
            self._probing = True
            return True
        return state == "closed"

    def seconds_to_wait(self, now: float) -> float:
        """Until the next call may be tried; 0 when one may now."""
        return 0.0 if self._opened_at is None else max(0.0, self._opened_at + self.rest - now)

    def succeeded(self) -> None:
        self._failed = 0
        self._opened_at = None
        self._probing = False

    def failed(self, now: float) -> None:
        self._failed += 1
        if self._probing or (self._opened_at is None and self._failed >= self.failures):
            self._opened_at = now
        self._probing = False

    def gave_up(self) -> None:
        """The caller stopped waiting (cancelled), which says nothing about the other service."""
        self._probing = False
