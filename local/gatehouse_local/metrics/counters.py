"""What one scrape of a service says about its traffic: a few sums instead of its hundreds of series. Pure."""

import re
from array import array

import msgspec

REQUESTS, FAILED, BUCKETS = 0, 1, 2  # places in TrafficCounters.values; the buckets are the rest
_SERIES = re.compile(
    rb"^gatehouse_http_(requests_total|request_duration_seconds_bucket)\{([^\n]*)\} (\S+)$", re.MULTILINE
)
_STARTED = re.compile(rb"^process_start_time_seconds (\S+)$", re.MULTILINE)
_FIGURE = re.compile(rb'^gatehouse_business_figure\{figure="(\w+)"[^\n]*\} (\S+)$', re.MULTILINE)
_LABEL = re.compile(rb'(\w+)="((?:[^"\\]|\\.)*)"')


class TrafficCounters(msgspec.Struct, frozen=True):
    """Counters of one process, which began at 0 at `started` (Unix seconds).

    `values`: all requests, those answered with a 5xx, and for each of `bounds` (seconds) those answered within it.
    Probes, scrapes and polls of events aren't counted, as in the recording rules. `figures`: what the institute counts,
    by name.
    """

    started: float
    bounds: tuple[float, ...]
    values: array
    figures: dict[str, float] = {}


def parse(text: bytes) -> TrafficCounters | None:
    """None if this isn't the text exposition of one of our services."""
    started = _STARTED.search(text)
    if started is None:
        return None
    requests = failed = 0.0
    buckets: dict[float, float] = {}
    for kind, labels, value in _SERIES.findall(text):
        given = dict(_LABEL.findall(labels))
        route, count = given.get(b"route", b""), float(value)
        if route in {b"/metrics", b"/events"} or route.startswith(b"/health/"):
            continue
        if kind != b"requests_total":
            bound = float(given[b"le"])
            buckets[bound] = buckets.get(bound, 0.0) + count
            continue
        requests += count
        if given.get(b"status", b"").startswith(b"5"):
            failed += count
    bounds = tuple(sorted(buckets))
    figures = {name.decode(): float(value) for name, value in _FIGURE.findall(text)}
    values = array("d", [requests, failed, *(buckets[it] for it in bounds)])
    return TrafficCounters(float(started[1]), bounds, values, figures)
