"""The last hour of one service's counters, and what dashboards read from them: rates, error ratios, percentiles. Pure.

The figures are those of the recording rules (`observability/gatehouse_observability/objectives.py`). Unlike Prometheus
it needs no extrapolation: a process counts from 0, and the runner knows when it started.
"""

from array import array
from bisect import bisect_right
from collections.abc import Sequence

from msgspec.structs import replace

from gatehouse_local.metrics.counters import BUCKETS, FAILED, REQUESTS, TrafficCounters

WINDOW = 300.0  # seconds of a rate, as in the rules
HOUR = 3600.0
KEPT = HOUR + WINDOW + 30  # seconds: the oldest moment of an hour still has its window
STALE = 60.0  # seconds after the last scrape (the machine slept) in which it still counts as now


class TrafficHistory:
    """Sums that only grow, whatever restarts; about 250 bytes a scrape. `add` drops what is older than KEPT seconds."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._at: list[float] = []
        self._sums: list[array] = []
        self._answered: list[bool] = []
        self._last: TrafficCounters | None = None
        self._whole = True  # nothing was dropped yet
        self._asked: dict[float, tuple[float, tuple[list[float], float] | None]] = {}  # the last answer of each window

    def __len__(self) -> int:
        return len(self._at)

    def add(self, at: float, counters: TrafficCounters | None) -> None:
        """A scrape at `at` (Unix seconds); None if there was no answer."""
        self._asked = {}
        if self._at and at < self._at[-1]:
            self._forget()  # the clock was put back: what was recorded lies in the future
        if counters is None:
            if self._at:
                self._append(at, self._sums[-1], answered=False)
        else:
            self._count(at, counters)
        self._trim(at)

    def _count(self, at: float, counters: TrafficCounters) -> None:
        last = self._last
        if last is not None and not counters.bounds:  # a new process without a request yet
            nothing = array("d", [0.0] * len(last.bounds))
            counters = replace(counters, bounds=last.bounds, values=counters.values + nothing)
        if last is None or last.bounds != counters.bounds:
            last = self._widened(at, counters)
        before = last.values if last and last.started == counters.started else [0.0] * len(counters.values)
        grown = (now - then for now, then in zip(counters.values, before, strict=True))
        self._append(at, array("d", map(sum, zip(self._sums[-1], grown, strict=True))), answered=True)
        self._last = counters

    def _widened(self, at: float, counters: TrafficCounters) -> TrafficCounters | None:
        """Other bounds (the first request adds them, an edited objective changes them): sums go on, buckets restart."""
        empty = [0.0] * len(counters.bounds)
        if not self._at:
            self._append(min(counters.started, at), array("d", [0.0, 0.0, *empty]), answered=True)
        self._sums = [array("d", [*sums[:BUCKETS], *empty]) for sums in self._sums]
        if self._last is None:
            return None
        values = array("d", [*self._last.values[:BUCKETS], *empty])
        return TrafficCounters(self._last.started, counters.bounds, values)

    def _append(self, at: float, sums: array, *, answered: bool) -> None:
        self._at.append(at)
        self._sums.append(sums)
        self._answered.append(answered)

    def _trim(self, now: float) -> None:
        old = bisect_right(self._at, now - KEPT)
        if old:
            self._whole = False
            for kept in (self._at, self._sums, self._answered):
                del kept[:old]

    def answering(self, at: float) -> bool | None:
        """Whether it answered the last scrape before `at`; None if nothing is known of that time."""
        index = self._index(at)
        return None if index is None else self._answered[index]

    @property
    def figures(self) -> dict[str, float]:
        """What the institute counts, by name, as the last scrape said it."""
        return self._last.figures if self._last else {}

    def rate(self, at: float) -> float | None:
        """Requests a second over the window before `at`."""
        found = self._growth(at, WINDOW)
        return None if found is None else found[0][REQUESTS] / found[1]

    def error_ratio(self, at: float) -> float | None:
        """None without requests."""
        found = self._growth(at, WINDOW)
        return found[0][FAILED] / found[0][REQUESTS] if found and found[0][REQUESTS] else None

    def error_ratio_of_hour(self, at: float) -> float | None:
        """Of the hour, or what is kept of it; None without requests."""
        found = self._growth(at, HOUR)
        return found[0][FAILED] / found[0][REQUESTS] if found and found[0][REQUESTS] else None

    def percentile(self, at: float, share: float) -> float | None:
        """The seconds within which that share of the window's requests was answered; None without requests."""
        found = self._growth(at, WINDOW)
        return quantile(share, self._last.bounds, found[0][BUCKETS:]) if found and self._last else None

    def requests_of_hour(self, at: float) -> float | None:
        """The number of requests in the hour before `at`; None if that hour isn't kept."""
        if not self._whole and self._at[0] > at - HOUR:
            return None
        found = self._growth(at, HOUR)
        return None if found is None else found[0][REQUESTS]

    def _index(self, at: float) -> int | None:
        index = bisect_right(self._at, at) - 1
        # The first entry is the start of the process, where it had counted nothing.
        return None if index < (1 if self._whole else 0) or at - self._at[index] > STALE else index

    def _growth(self, at: float, window: float) -> tuple[list[float], float] | None:
        """What the sums grew by in the window, and the seconds of it that are known. Asked again, it is remembered."""
        if self._asked.get(window, (None, None))[0] != at:
            self._asked[window] = at, self._grown(at, window)
        return self._asked[window][1]

    def _grown(self, at: float, window: float) -> tuple[list[float], float] | None:
        index = self._index(at)
        if index is None:
            return None
        base = max(bisect_right(self._at, self._at[index] - window) - 1, 0)
        seconds = self._at[index] - self._at[base]
        if seconds <= 0:
            return None
        return [now - before for now, before in zip(self._sums[index], self._sums[base], strict=True)], seconds


def quantile(share: float, bounds: Sequence[float], counts: Sequence[float]) -> float | None:
    """As PromQL's histogram_quantile: linear inside a bucket; beyond the last finite bound, that bound."""
    if not counts or counts[-1] <= 0:
        return None
    rank = share * counts[-1]
    index = next(place for place, count in enumerate(counts) if count >= rank)
    if index == len(bounds) - 1:
        return bounds[-2] if len(bounds) > 1 else None
    below, start = (counts[index - 1], bounds[index - 1]) if index else (0.0, 0.0)
    inside = counts[index] - below
    return bounds[index] if inside <= 0 else start + (bounds[index] - start) * (rank - below) / inside
