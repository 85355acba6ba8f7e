"""Expressions and panels that several dashboards use."""

from gatehouse_observability.panels import Panel, PanelQuery

REQUESTS, SECONDS = "gatehouse_http_requests_total", "gatehouse_http_request_duration_seconds_bucket"
PERCENTILES = ("50", "95", "99")
BY_SERVICE = "{{service}}"
BUILDS = "sum by (service, version, commit) (gatehouse_build_info)"
# A build that wasn't there five minutes ago.
NEW_BUILDS = f"{BUILDS} unless {BUILDS.replace('build_info', 'build_info offset 5m')}"


def graph(title: str, expr: str, text: str, *, legend: str = BY_SERVICE, unit: str = "short") -> Panel:
    """Lines over time, of one query."""
    return Panel(title=title, queries=[PanelQuery(expr, legend)], help=text, unit=unit)


def rate(series: str) -> str:
    """The growth of a counter per second, over the interval of one point."""
    return f"rate({series}[$__rate_interval])"


def by_service(series: str) -> str:
    """The growth of a counter per second, summed over the tasks of a service."""
    return f"sum by (service) ({rate(series)})"
