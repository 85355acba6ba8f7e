"""*Service*: one, chosen by a variable."""

from gatehouse_observability.dashboards.shapes import (
    NEW_BUILDS,
    PERCENTILES,
    REQUESTS,
    SECONDS,
    by_service,
    graph,
    rate,
)
from gatehouse_observability.objectives import USERS
from gatehouse_observability.panels import Dashboard, Panel, PanelQuery, PanelRow

THIS = 'service="$service"'
BY_ROUTE = "{{method}} {{route}}"


def one_service() -> Dashboard:
    return Dashboard(
        uid="gatehouse-service",
        title="Service",
        summary="One service: what it is asked, how it answers, what it waits for",
        by_service=True,
        releases=NEW_BUILDS,
        rows=[
            PanelRow("What users get", _red()),
            PanelRow("What is promised", _promises()),
            PanelRow("What it waits for", _waits()),
            PanelRow("The process", _process()),
        ],
    )


def _red() -> list[Panel]:
    """Requests, errors, durations."""
    requests, seconds = (rate(f"{series}{{{THIS},{USERS}}}") for series in (REQUESTS, SECONDS))
    return [
        graph(
            "Requests by route",
            f"sum by (method, route) ({requests})",
            "Requests a second; `unmatched` are paths that no route has",
            legend=BY_ROUTE,
            unit="reqps",
        ),
        graph(
            "Answers by status",
            f"sum by (status) ({requests})",
            "5xx is ours, 4xx the caller's",
            legend="{{status}}",
            unit="reqps",
        ),
        Panel(
            title="Latency",
            queries=[PanelQuery(f"histogram_quantile(0.{p}, sum by (le) ({seconds}))", f"p{p}") for p in PERCENTILES],
            help="A dot is one slow request; it carries its trace id, which every log line has too",
            unit="s",
            exemplars=True,
        ),
        graph(
            "Slowest routes",
            f"topk(10, histogram_quantile(0.95, sum by (le, method, route) ({seconds})) >= 0)",
            "95 of 100 requests are quicker than this",
            legend=BY_ROUTE,
            unit="s",
        ),
        graph(
            "In flight",
            f"sum by (service) (gatehouse_http_requests_in_flight{{{THIS}}})",
            "Requests being answered now; a climb without more requests means that answers became slow",
            legend="requests",
        ),
        graph(
            "Live connections",
            f"sum by (service) (gatehouse_sockets_open{{{THIS}}}) or vector(0)",
            "WebSockets that are open: pages that show others' changes at once",
            legend="open",
        ),
        graph(
            "Live connections that ended",
            f"sum by (code) ({rate(f'gatehouse_sockets_closed_total{{{THIS}}}')}) or vector(0)",
            "1001 a page that was left, 1012 a deployment, 44xx refused; 1006 broke: many are an outage",
            legend="{{code}}",
            unit="ops",
        ),
    ]


def _promises() -> list[Panel]:
    return [
        graph(
            "Budget burn",
            f"service:sli_error:ratio_rate1h{{{THIS}}} / (1 - service:objective:ratio{{{THIS}}})",
            "1 uses up the budget in exactly 30 days; above 14.4 somebody is woken",
            legend="{{sli}}",
        ),
        graph(
            "Budget left",
            f"service:error_budget_remaining:ratio30d{{{THIS}}}",
            "1 is untouched, below 0 is overspent",
            legend="{{sli}}",
            unit="percentunit",
        ),
    ]


def _waits() -> list[Panel]:
    return [
        Panel(
            title="Connections",
            queries=[
                PanelQuery(f"sum by (service) (gatehouse_db_pool_{name}{{{THIS}}})", name)
                for name in ("connections", "idle", "waiting", "max")
            ],
            help="`waiting` above 0 for long: the pool is full",
        ),
        graph(
            "Waiting for a connection",
            by_service(f"gatehouse_db_pool_wait_seconds_total{{{THIS}}}"),
            "Seconds waited a second: how many requests wait at any time",
            legend="",
        ),
        graph(
            "Calls to other services",
            f"sum by (service, target, outcome) ({rate('gatehouse_client_requests_total')})",
            "Of all services, since who calls matters as much; 4xx is an answer like any other",
            legend="{{service}} → {{target}} {{outcome}}",
            unit="reqps",
        ),
    ]


def _process() -> list[Panel]:
    def each(title: str, expr: str, text: str, unit: str = "short") -> Panel:
        return graph(title, expr, text, legend="{{instance}}", unit=unit)

    return [
        each("Processor", rate(f"process_cpu_seconds_total{{{THIS}}}"), "Cores of each task"),
        each("Memory", f"process_resident_memory_bytes{{{THIS}}}", "A slow climb is a leak", "bytes"),
        each(
            "Open descriptors",
            f"process_open_fds{{{THIS}}}",
            "A slow climb is a leak; the limit is process_max_fds",
        ),
        each(
            "Uptime",
            f"time() - process_start_time_seconds{{{THIS}}}",
            "A saw is a process that dies again and again",
            "s",
        ),
    ]
