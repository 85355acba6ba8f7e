"""Admission: how many requests one process takes at once, and how many of them one caller may have.

Without a bound, requests queue until none is answered in time: a page that serves 30 a second answered none of 300
anonymous clients, and the balancer withdrew it from everybody. What is over a bound is refused at once with 503 and
Retry-After; the rest is answered as if nothing had happened.

A caller is a credential that a guard has let through before, else an address. An unknown credential is no caller of its
own, because anybody can make up any number of them.

Of one caller's requests two run at once, one of them a change, and the others of theirs wait their turn: one event loop
serves all, so with 48 of one member's running, everybody else's took 300 times as long. Who always has some waiting
gets half of the time, so that the loop is free for others as long as it is theirs. A caller who has more than may wait
is refused after a pause, as refusing at once whoever asks again at once takes all the time there is. Other services'
calls without a person behind them don't take turns: they are made for many people.
"""

import asyncio
import random
from collections import OrderedDict, deque
from fractions import Fraction

# Shares of the limit: of one caller, and of all that aren't known together. The rest is for those who are signed in.
CALLER = Fraction(3, 8)
STRANGERS = Fraction(3, 4)
REMEMBERED = 4096
# Requests that run at once: of one caller, of these those that change something, and of all that aren't known together.
RUNNING = 2
CHANGING = 1
STRANGERS_RUNNING = 6
# Seconds until a caller who has too many waiting already is refused, and how many such refusals may be held at once.
PAUSE = 1.0
MOST_PAUSED = 512
# Seconds. A caller whose requests wait gets the turn back after as long as it was used, at most this.
LONGEST_REST = 0.25

Caller = int | str
Turn = tuple[Caller, bool]
"""A caller, and whether the request only reads: whose changes wait for a lock still reads."""


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
        self._paused = 0
        self._running: dict[Turn, int] = {}
        self._strangers_running = 0
        self._waiting: deque[tuple[Turn, asyncio.Future[None]]] = deque()
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

    async def pause(self, caller: Caller) -> None:
        """Before a refusal: nothing when all places are taken, a moment when this caller has too many of them."""
        if self.in_flight < self._limit and caller in self._by_caller and self._paused < MOST_PAUSED:
            self._paused += 1
            try:
                # Clients that were refused together would else be refused together again, and all others wait for it.
                await asyncio.sleep(PAUSE * random.uniform(0.5, 1.5))  # noqa: S311 - nothing secret
            finally:
                self._paused -= 1

    async def take_turn(self, turn: Turn) -> None:
        """Returns when the request may run; `end_turn` must follow."""
        if self._may_run(turn):
            self._start(turn)
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, future))
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._free_turn(turn)
            else:
                self._waiting.remove((turn, future))
            raise

    def end_turn(self, turn: Turn, seconds: float) -> None:
        """A request that ran for so many seconds is answered."""
        if any(caller == turn[0] for (caller, _), _ in self._waiting):
            asyncio.get_running_loop().call_later(min(seconds, LONGEST_REST), self._free_turn, turn)
        else:
            self._free_turn(turn)

    def _free_turn(self, turn: Turn) -> None:
        """Lets the first of those who wait run that now may."""
        self._strangers_running -= isinstance(turn[0], str)
        running = self._running[turn] - 1
        if running:
            self._running[turn] = running
        else:
            del self._running[turn]
        for position, (following, future) in enumerate(self._waiting):
            if self._may_run(following):
                del self._waiting[position]
                self._start(following)
                future.set_result(None)
                break

    def _may_run(self, turn: Turn) -> bool:
        caller, reads = turn
        if isinstance(caller, str) and self._strangers_running >= STRANGERS_RUNNING:
            return False
        changing = self._running.get((caller, False), 0)
        return changing + self._running.get((caller, True), 0) < RUNNING and (reads or changing < CHANGING)

    def _start(self, turn: Turn) -> None:
        self._running[turn] = self._running.get(turn, 0) + 1
        self._strangers_running += isinstance(turn[0], str)

    def found_good(self, credential: bytes) -> None:
        """A guard has let this credential through: from now on it is a caller of its own."""
        digest = hash(credential)
        if digest not in self._known:
            self._known[digest] = None
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
