"""Answers the portal's queries as Prometheus' HTTP API would, from the runner's own history of the last hour.

Only those: the recorded series of Throughput, by name. It isn't a PromQL engine, and it judges no alerts: both get an
error that says so. https://prometheus.io/docs/prometheus/latest/querying/api/#range-queries
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import msgspec

from gatehouse_local.metrics.history import HOUR, TrafficHistory

PATH = "/api/v1/query_range"
MOST_MOMENTS = 11_000  # as Prometheus
BUSINESS = "gatehouse_business_figure"  # as a service exports it: one value, the last
OF_AVAILABILITY = {
    "service:sli_error:ratio_rate5m",
    "service:objective:ratio",
    "service:error_budget_remaining:ratio30d",
}
_NAMED = re.compile(r'\{__name__=~"([\w:|]+)",sli!="latency"\}')
ONLY = "the runner answers only Throughput's own queries. For any other: ./local/up --observe"
NO_ALERTS = "the runner keeps an hour of figures and judges no alerts; Prometheus does: ./local/up --observe"


class RecordedService(NamedTuple):
    """`objective`: the promised share of good requests."""

    history: TrafficHistory
    objective: float


class Refused(Exception):
    """The message is for the page; `kind` is one of Prometheus' error types."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def respond(method: str, target: str, body: bytes, services: Mapping[str, RecordedService]) -> tuple[int, bytes]:
    """The status and JSON for one HTTP request; `services` by name."""
    path, _, query = target.partition("?")
    if path == "/-/ready":
        return 200, b'{"status":"success"}'
    if path != PATH or method not in {"GET", "POST"}:
        return 404, _error("not_found", f"{path} isn't answered here; {ONLY}")
    form = {key: values[0] for key, values in parse_qs(body.decode("utf-8", "replace") or query).items()}
    try:
        result = list(_series(form.get("query", ""), _moments(form), services))
    except Refused as refused:
        return 503 if refused.kind == "unavailable" else 400, _error(refused.kind, str(refused))
    return 200, msgspec.json.encode({"status": "success", "data": {"resultType": "matrix", "result": result}})


def _error(kind: str, message: str) -> bytes:
    return msgspec.json.encode({"status": "error", "errorType": kind, "error": message})


def _moments(form: Mapping[str, str]) -> list[float]:
    try:
        start, end, step = (float(form[key]) for key in ("start", "end", "step"))
        count = int((end - start) / step) + 1
    except (KeyError, ValueError, ZeroDivisionError, OverflowError):
        raise Refused("bad_data", "start, end and step have to be numbers of seconds, with a step above 0") from None
    if not 0 < count <= MOST_MOMENTS or step <= 0:
        raise Refused("bad_data", f"{count} moments were asked for; 1 to {MOST_MOMENTS} can be answered")
    return [start + step * index for index in range(count)]


def _series(
    query: str, moments: list[float], services: Mapping[str, RecordedService]
) -> Iterator[dict[str, dict[str, str] | list[Any]]]:
    if query.startswith("ALERTS"):
        raise Refused("unavailable", NO_ALERTS)
    match = _NAMED.fullmatch(query)
    if match is None:
        raise Refused("bad_data", ONLY)
    names = match[1].split("|")
    if unknown := sorted(set(names) - READERS.keys() - {BUSINESS}):
        raise Refused("bad_data", f"{', '.join(unknown)} isn't recorded here; {ONLY}")
    for service, recorded in services.items():
        lines: dict[str, list[Any]] = {name: [] for name in names if name != BUSINESS}
        for at in moments:  # one after the other: each is worked out once for all names
            for name, values in lines.items():
                value = READERS[name](recorded, at)
                if value is not None:
                    values.append([at, f"{value!r}"])
        if BUSINESS in names:
            for figure, value in recorded.history.figures.items():
                labels = {"__name__": BUSINESS, "service": service, "figure": figure}
                yield {"metric": labels, "values": [[moments[-1], f"{value!r}"]]}
        for name, values in lines.items():
            if values:
                sli = {"sli": "availability"} if name in OF_AVAILABILITY else {}
                yield {"metric": {"__name__": name, "service": service, **sli}, "values": values}


def _targets(recorded: RecordedService, at: float) -> float | None:
    found = recorded.history.answering(at)
    return None if found is None else float(found)


def _hourly(recorded: RecordedService, at: float) -> float | None:
    found = recorded.history.requests_of_hour(at)
    return None if found is None else found / HOUR


def _percentile(share: float) -> Callable[[RecordedService, float], float | None]:
    return lambda recorded, at: recorded.history.percentile(at, share)


def _budget(recorded: RecordedService, at: float) -> float | None:
    """Of the hour that is known; Prometheus' rule is of 30 days."""
    ratio, allowed = recorded.history.error_ratio_of_hour(at), 1 - recorded.objective
    return None if ratio is None or allowed <= 0 else 1 - ratio / allowed


READERS: dict[str, Callable[[RecordedService, float], float | None]] = {
    "service:http_requests:rate5m": lambda recorded, at: recorded.history.rate(at),
    "service:http_requests:rate1h": _hourly,
    "service:sli_error:ratio_rate5m": lambda recorded, at: recorded.history.error_ratio(at),
    "service:objective:ratio": lambda recorded, at: None if _targets(recorded, at) is None else recorded.objective,
    "service:error_budget_remaining:ratio30d": _budget,
    "service:targets_up:count": _targets,
    **{f"service:http_request_duration_seconds:p{which}_5m": _percentile(which / 100) for which in (50, 95, 99)},
}
