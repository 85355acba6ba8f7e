"""The rules of each service's `[objectives]`: error ratios, remaining error budgets, and burn-rate alerts.

Two indicators for each service: *availability* (answers that aren't a 5xx) and *latency* (answers within the threshold,
counted in a histogram bucket, never as a percentile). Windows and factors are those of the SRE workbook, chapter 5, for
a budget of 30 days: https://sre.google/workbook/alerting-on-slos/
"""

from typing import NamedTuple

from gatehouse_catalog import Catalog, Service
from gatehouse_observability import platform_alerts
from gatehouse_observability.outside_alerts import CAUSES, USERS, firing
from gatehouse_observability.rules import Alert, Recording, RuleGroup, Severity

AVAILABILITY, LATENCY = "availability", "latency"
INDICATORS = (AVAILABILITY, LATENCY)
WINDOWS = ("5m", "30m", "1h", "6h", "3d")
SECONDS = {"5m": 300, "30m": 1800, "1h": 3600, "6h": 21_600, "3d": 259_200}
# With fewer requests, a single failure is a large ratio.
LEAST_REQUESTS = 50
LATENCY_OBJECTIVE = 0.99
# How long a short window still contains the effect of what has a page of its own.
AFTERMATH = {"5m": "10m", "30m": "35m"}


class Burn(NamedTuple):
    """The budget burns `factor` times too fast over both windows; the short one ends the alert soon after the fault."""

    name: str
    factor: float
    long: str
    short: str
    severity: Severity
    wait: str
    words: str


BURNS = (
    Burn("BurnsFast", 14.4, "1h", "5m", "page", "2m", "2% of the month's error budget is gone in an hour"),
    Burn("Burns", 6, "6h", "30m", "page", "15m", "5% of the month's error budget is gone in 6 hours"),
    Burn("BurnsSlowly", 1, "3d", "6h", "ticket", "1h", "10% of the month's error budget is gone in 3 days"),
)


def objective(service: Service, indicator: str) -> float:
    """The promised ratio of good requests."""
    return round(service.objectives.availability / 100, 6) if indicator == AVAILABILITY else LATENCY_OBJECTIVE


def threshold(service: Service) -> str:
    """The latency objective as prometheus-client formats a bucket's bound: in seconds, `1.0` rather than `1`."""
    return repr(service.objectives.latency_p99_ms / 1000)


def groups(catalog: Catalog) -> list[RuleGroup]:
    """One group for each service, recordings before the alerts that use them."""
    return [_group(catalog, service) for service in catalog]


def _group(catalog: Catalog, service: Service) -> RuleGroup:
    recordings = [_targets(service), *_traffic(service), *_ratios(service), *_budgets(service), *_percentiles(service)]
    recordings += _burning(service)
    alerts = [_alert(catalog, service, indicator, burn) for indicator in INDICATORS for burn in BURNS]
    return RuleGroup(
        name=f"gatehouse-{service.name}", rules=[*recordings, *alerts, *platform_alerts.of_service(service)]
    )


def _targets(service: Service) -> Recording:
    up = f'up{{service="{service.name}"}}'
    return Recording(
        record="service:targets_up:count",
        expr=f"sum by (service) ({up}) or absent({up}) * 0",
        labels={"service": service.name},
    )


def _traffic(service: Service) -> list[Recording]:
    requests = f'gatehouse_http_requests_total{{service="{service.name}",{USERS}}}'
    return [
        Recording(
            record=f"service:http_requests:rate{window}",
            expr=f"sum(rate({requests}[{window}]))",
            labels={"service": service.name},
        )
        for window in WINDOWS
    ]


def _ratios(service: Service) -> list[Recording]:
    return [
        Recording(
            record=f"service:sli_error:ratio_rate{window}",
            expr=_ratio(service, indicator, window),
            labels={"service": service.name, "sli": indicator},
        )
        for indicator in INDICATORS
        for window in WINDOWS
    ]


def _ratio(service: Service, indicator: str, window: str) -> str:
    """The ratio of bad to all requests; no sample, rather than NaN, without requests."""
    name = service.name
    if indicator == AVAILABILITY:
        total = f'sum(rate(gatehouse_http_requests_total{{service="{name}",{USERS}}}[{window}]))'
        bad = f'sum(rate(gatehouse_http_requests_total{{service="{name}",{USERS},status=~"5.."}}[{window}]))'
        return f"({bad} or vector(0)) / ({total} > 0)"
    series = "gatehouse_http_request_duration_seconds"
    total = f'sum(rate({series}_count{{service="{name}",{USERS}}}[{window}]))'
    good = f'sum(rate({series}_bucket{{service="{name}",{USERS},le="{threshold(service)}"}}[{window}]))'
    return f"1 - {good} / ({total} > 0)"


def _budgets(service: Service) -> list[Recording]:
    """The share of 30 days' budget that is left: 1 untouched, below 0 overspent. Weighted by time, as sloth does."""
    found = []
    for indicator in INDICATORS:
        labels = {"service": service.name, "sli": indicator}
        promised = objective(service, indicator)
        ratio = f'service:sli_error:ratio_rate5m{{service="{service.name}",sli="{indicator}"}}'
        found += [
            Recording(record="service:objective:ratio", expr=f"vector({promised:g})", labels=labels),
            Recording(
                record="service:error_budget_remaining:ratio30d",
                expr=f"1 - avg_over_time({ratio}[30d]) / {_allowed(service, indicator):g}",
                labels=labels,
            ),
        ]
    return found


def _percentiles(service: Service) -> list[Recording]:
    buckets = f'gatehouse_http_request_duration_seconds_bucket{{service="{service.name}",{USERS}}}'
    return [
        Recording(
            record=f"service:http_request_duration_seconds:p{name}_5m",
            # Without traffic a quantile is NaN, which charts can't draw.
            expr=f"histogram_quantile({quantile}, sum by (le) (rate({buckets}[5m]))) >= 0",
            labels={"service": service.name},
        )
        for name, quantile in (("50", 0.5), ("95", 0.95), ("99", 0.99))
    ]


def _allowed(service: Service, indicator: str) -> float:
    return round(1 - objective(service, indicator), 6)


def _burns(service: Service, indicator: str, burn: Burn) -> str:
    """Too many bad requests over both windows, among enough requests."""
    which = f'{{service="{service.name}",sli="{indicator}"}}'
    limit = f"{round(burn.factor * _allowed(service, indicator), 6):g}"
    long, short = (f"service:sli_error:ratio_rate{window}{which} > {limit}" for window in (burn.long, burn.short))
    traffic = f'service:http_requests:rate{burn.long}{{service="{service.name}"}} * {SECONDS[burn.long]}'
    return f"({long} and {short})\nand on (service) {traffic} > {LEAST_REQUESTS}"


def _burning(service: Service) -> list[Recording]:
    """Present while a budget burns fast enough to page, whether or not a page is sent."""
    return [
        Recording(
            record="service:sli_burning:ratio",
            expr="\nor\n".join(f"({_burns(service, indicator, burn)})" for burn in BURNS if burn.severity == "page"),
            labels={"service": service.name, "sli": indicator},
        )
        for indicator in INDICATORS
    ]


def _alert(catalog: Catalog, service: Service, indicator: str, burn: Burn) -> Alert:
    felt = "fail" if indicator == AVAILABILITY else f"take longer than {service.objectives.latency_p99_ms} ms"
    expr = _burns(service, indicator, burn)
    if burn.severity == "page":
        expr += f"\nunless on () (\n{_causes(catalog, service, indicator, burn)}\n)"
    return Alert(
        alert=f"{indicator.capitalize()}{burn.name}",
        expr=expr,
        wait=burn.wait,
        severity=burn.severity,
        owner=service.domain,
        summary=f"Requests to {service.name} {felt}: {burn.words} ({{{{ $value | humanizePercentage }}}} of requests)",
        runbook=f"{indicator}-burns",
        labels={"service": service.name, "sli": indicator},
    )


def _causes(catalog: Catalog, service: Service, indicator: str, burn: Burn) -> str:
    """What has a page of its own, so that this one isn't sent: this service or one that it needs is away or has lost
    its database, one that it needs burns itself, or the same burn was told as a faster one. What was told counts until
    it has left the short window; what wasn't told (a scrape that failed once) counts only as long as it lasts.
    """
    needed = catalog.start_order([service.name])
    if any("*" in one.uses.services for one in needed):
        # Who needs every service names none of them: a new one leaves its alerts as they are.
        which, others = 'service!=""', f'service!="{service.name}"'
    else:
        names = sorted({service.name, *(other.name for other in needed)})
        which = f'service=~"{"|".join(names)}"'
        others = f'service=~"{"|".join(name for name in names if name != service.name)}"'
    told = 'alertstate="firing"'
    causes = [
        f"service:targets_up:count{{{which}}} == 0",
        f"gatehouse_database_up{{{which}}} == 0",
        f'max_over_time(ALERTS{{alertname=~"{CAUSES}",{told},{which}}}[{AFTERMATH[burn.short]}])',
        # Nobody can use anything, and somebody was told.
        f"max_over_time({firing('ProbeFailing')}[{AFTERMATH[burn.short]}])",
    ]
    # What fails and is slow at once is one fault: who was called for the one isn't called again for the other.
    other = next(one for one in INDICATORS if one != indicator)
    mine, its = (f'{one.capitalize()}(BurnsFast|Burns)",{told},service="{service.name}"' for one in (indicator, other))
    if indicator == LATENCY:
        burning = f'service:sli_burning:ratio{{service="{service.name}",sli="{other}"}}'
        causes.append(f'({burning} unless on () max_over_time(ALERTS{{alertname=~"{mine}}}[5m]))')
    causes.append(f'max_over_time(ALERTS{{alertname=~"{its}}}[{AFTERMATH[burn.short]}])')
    if len(needed) > 1:
        causes.append(f"max_over_time(service:sli_burning:ratio{{{others}}}[10m])")
    causes += [
        f'max_over_time(ALERTS{{alertname="{indicator.capitalize()}{faster.name}",{told},service="{service.name}"}}'
        f"[{AFTERMATH[burn.short]}])"
        for faster in BURNS[: BURNS.index(burn)]
    ]
    return "\nor ".join(causes)
