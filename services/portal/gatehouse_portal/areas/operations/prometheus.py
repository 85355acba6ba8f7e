"""The last hour, or more, of every service, asked of Prometheus: the recorded series that dashboards and alerts go by.

Prometheus is read by its query API and nothing else; where it isn't configured, or doesn't answer, that is an answer
as well (`NoFigures`), since a page about figures has to say so.
"""

import math
import time
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import httpx
import msgspec

from gatehouse_chassis.base.tls import trusted_authorities

T = TypeVar("T")
STEP = 30  # seconds between the values of the shortest range
# Seconds; the page refreshes more slowly than that.
PATIENCE = 3.0
RATE, ERRORS, OBJECTIVE, TARGETS, HOURLY, BUDGET = "rate", "errors", "objective", "targets", "hourly", "budget"
PERCENTILES = ("p50", "p95", "p99")
SERIES = {
    "service:http_requests:rate5m": RATE,
    "service:http_requests:rate1h": HOURLY,
    "service:sli_error:ratio_rate5m": ERRORS,
    "service:objective:ratio": OBJECTIVE,
    "service:error_budget_remaining:ratio30d": BUDGET,
    "service:targets_up:count": TARGETS,
    **{f"service:http_request_duration_seconds:{which}_5m": which for which in PERCENTILES},
}
# Objectives and error ratios are recorded for two indicators; the others have no such label.
BUSINESS = "gatehouse_business_figure"
WANTED = f'{{__name__=~"{"|".join([*SERIES, BUSINESS])}",sli!="latency"}}'
# But for the watchdog, which always fires.
FIRING = 'ALERTS{alertstate="firing",severity!="heartbeat"}'

# A value for each moment, None where there is none.
Line = list[float | None]


class TimeRange(msgspec.Struct, frozen=True, kw_only=True):
    """How far back a page of figures looks: 120 steps of `step` seconds, which are `amount` of `unit`."""

    key: str
    words: str
    step: int
    amount: int
    unit: str

    @property
    def seconds(self) -> int:
        return self.step * 120


# The first is the one that is shown unasked.
RANGES = (
    TimeRange(key="1h", words="hour", step=STEP, amount=60, unit="min"),
    TimeRange(key="6h", words="6 hours", step=180, amount=6, unit="h"),
    TimeRange(key="24h", words="24 hours", step=720, amount=24, unit="h"),
    TimeRange(key="7d", words="7 days", step=5040, amount=7, unit="d"),
)


class NoFigures(msgspec.Struct, frozen=True):
    """Why there is nothing to show: `unset`, or `silent` with what happened instead of an answer."""

    kind: str
    address: str = ""
    why: str = ""


class FiringAlert(msgspec.Struct, frozen=True):
    name: str
    service: str
    severity: str


class ServiceFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One service's lines over the hour. `allowed`: the share of errors that its objective leaves it; `budget`: how
    much of that is left, 1 untouched, below 0 overspent. `requests`: their number in the last hour, whatever the range.
    """

    name: str
    lines: dict[str, Line]
    allowed: float | None = None
    budget: float | None = None
    targets: int | None = None
    requests: int | None = None

    def now(self, key: str) -> float | None:
        """The value at the last moment."""
        return self.lines[key][-1]


class TrafficFigures(msgspec.Struct, frozen=True, kw_only=True):
    """`moments` are Unix seconds, a step of `over` apart, the last one now. `unjudged`: why nothing judges alerts.
    `business`: what the institute counts, by name.
    """

    moments: list[int]
    services: list[ServiceFigures]
    over: TimeRange = RANGES[0]
    alerts: list[FiringAlert] = []
    unjudged: str = ""
    business: dict[str, int] = {}

    @property
    def requests(self) -> float:
        """A second, of all services together, now."""
        return sum(found for service in self.services if (found := service.now(RATE)) is not None)

    @property
    def answering(self) -> int:
        return sum(1 for service in self.services if service.targets)


class _Sample(msgspec.Struct, frozen=True):
    metric: dict[str, str]
    values: list[tuple[float, str]] = []


class _Data(msgspec.Struct, frozen=True):
    result: list[_Sample]


class _Answer(msgspec.Struct, frozen=True):
    status: str
    data: _Data | None = None
    error: str = ""


class Prometheus:
    """The query API at `address`; empty when none is configured."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        self._http = httpx.AsyncClient(timeout=PATIENCE, trust_env=False, verify=trusted_authorities())

    async def close(self) -> None:
        await self._http.aclose()

    async def last(self, over: TimeRange = RANGES[0], now: float | None = None) -> TrafficFigures | NoFigures:
        if not self.address:
            return NoFigures("unset")
        end = int(time.time() if now is None else now)
        moments = list(range(end - over.seconds, end + 1, over.step))
        try:
            found = await self._ask(WANTED, moments[0], end, over.step)
        except (_Silent, _Rejected) as error:
            return NoFigures("silent", self.address, str(error))
        figures = TrafficFigures(
            moments=moments, services=services(found, moments), over=over, business=business(found)
        )
        try:
            firing = await self._ask(FIRING, end, end, over.step)
        except _Rejected as rejected:  # the runner of a local platform has figures, but no rules
            return msgspec.structs.replace(figures, unjudged=rejected.why)
        except _Silent as silent:
            return NoFigures("silent", self.address, str(silent))
        return msgspec.structs.replace(figures, alerts=alerts(firing))

    async def _ask(self, query: str, start: int, end: int, step: int) -> list[_Sample]:
        """Posted, since addresses end up in logs and have a longest length."""
        form: dict[str, Any] = {"query": query, "start": start, "end": end, "step": step}
        try:
            response = await self._http.post(f"{self.address}/api/v1/query_range", data=form)
            answer = msgspec.json.decode(response.content, type=_Answer)
        except httpx.TimeoutException as error:
            raise _Silent(f"it didn’t answer within {PATIENCE:g} s") from error
        except httpx.HTTPError as error:
            raise _Silent("the connection failed") from error
        except msgspec.MsgspecError as error:
            raise _Silent(f"the response (status {response.status_code}) isn’t from Prometheus") from error
        if answer.status != "success" or answer.data is None:
            raise _Rejected(answer.error or answer.status)
        return answer.data.result


class _Silent(Exception):
    """Prometheus has no answer; the message says what happened instead."""


class _Rejected(Exception):
    """It answered that it doesn't answer this query."""

    def __init__(self, why: str) -> None:
        super().__init__(f"it rejected the query: {why}")
        self.why = why


def services(samples: Iterable[_Sample], moments: list[int]) -> list[ServiceFigures]:
    """By name, those of which anything is recorded."""
    found: dict[str, dict[str, Line]] = {}
    for sample in samples:
        key = SERIES.get(sample.metric.get("__name__", ""))
        name = sample.metric.get("service")
        if key and name:
            found.setdefault(name, {})[key] = _line(sample.values, moments)
    return [_service(name, lines, moments) for name, lines in sorted(found.items())]


def business(samples: Iterable[_Sample]) -> dict[str, int]:
    """The newest of each figure; each task of a service says the same."""
    found = (one for one in samples if one.metric.get("__name__") == BUSINESS and one.values)
    return {one.metric.get("figure", ""): round(float(one.values[-1][1])) for one in found}


def alerts(samples: Iterable[_Sample]) -> list[FiringAlert]:
    """What fires, pages first."""
    labels = [sample.metric for sample in samples]
    found = {FiringAlert(one.get("alertname", ""), one.get("service", ""), one.get("severity", "")) for one in labels}
    return sorted(found, key=lambda alert: (alert.severity != "page", alert.name, alert.service))


def _service(name: str, lines: Mapping[str, Line], moments: list[int]) -> ServiceFigures:
    nothing: Line = [None] * len(moments)
    objective, targets, hourly, budget = (lines.get(key, nothing)[-1] for key in (OBJECTIVE, TARGETS, HOURLY, BUDGET))
    return ServiceFigures(
        name=name,
        lines={key: lines.get(key, nothing) for key in (RATE, ERRORS, *PERCENTILES)},
        allowed=None if objective is None else round(1 - objective, 6),
        budget=budget,
        targets=None if targets is None else int(targets),
        requests=None if hourly is None else round(hourly * 3600),
    )


def _line(values: Iterable[tuple[float, str]], moments: list[int]) -> Line:
    known = {int(moment): float(value) for moment, value in values}
    return [value if (value := known.get(moment)) is not None and math.isfinite(value) else None for moment in moments]
