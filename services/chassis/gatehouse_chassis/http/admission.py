"""Admission: how many requests one process takes at once, and how many of them one caller may have.

Without a bound, requests queue until none is answered in time: a page that serves 30 a second answered none of 300
anonymous clients, and the balancer withdrew it from everybody. What is over a bound is refused at once with 503 and
Retry-After; the rest is answered as if nothing had happened.

A caller is a credential that a guard has let through before, else an address. An unknown credential is no caller of its
own, because anybody can make up any number of them.
"""

from collections import OrderedDict
from fractions import Fraction

# Shares of the limit: of one caller, and of all that aren't known together. The rest is for those who are signed in.
CALLER = Fraction(3, 8)
STRANGERS = Fraction(3, 4)
REMEMBERED = 4096

Caller = int | str


class Admission:
    """Counts the requests in flight; pure, on one event loop.

    Args:
        limit: Requests at once.

    Attributes:
        in_flight: Requests that were admitted and haven't been answered.
        shed: Requests refused so far.
    """

    def __init__(self, limit: int) -> None:
        self.in_flight = 0
        self.shed = 0
        self._limit = limit
        self._caller_limit = max(1, int(limit * CALLER))
        self._stranger_limit = max(1, int(limit * STRANGERS))
        self._strangers = 0
        self._by_caller: dict[Caller, int] = {}
        # Digests of credentials that a guard found good: Python's own keyed hash, as no text of theirs is to be kept.
        self._known: OrderedDict[int, None] = OrderedDict()

    def caller(self, credential: bytes, address: str) -> Caller:
        """Who a request counts for."""
        digest = hash(credential)
        return digest if credential and digest in self._known else address

    def enter(self, caller: Caller) -> bool:
        """Whether a request of `caller` is admitted. True must be followed by `leave`."""
        mine = self._by_caller.get(caller, 0)
        is_stranger = isinstance(caller, str)
        if (
            self.in_flight >= self._limit
            or mine >= self._caller_limit
            or (is_stranger and self._strangers >= self._stranger_limit)
        ):
            self.shed += 1
            return False
        self.in_flight += 1
        self._strangers += is_stranger
        self._by_caller[caller] = mine + 1
        return True

    def leave(self, caller: Caller) -> None:
        self.in_flight -= 1
        self._strangers -= isinstance(caller, str)
        mine = self._by_caller[caller] - 1
        if mine:
            self._by_caller[caller] = mine
        else:
            del self._by_caller[caller]

    def found_good(self, credential: bytes) -> None:
        """A guard has let this credential through: from now on it is a caller of its own."""
        digest = hash(credential)
        if digest not in self._known:
            self._known[digest] = None
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
