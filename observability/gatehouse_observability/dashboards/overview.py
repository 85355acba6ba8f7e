"""*Platform overview*: is it well?"""

from gatehouse_observability.dashboards.shapes import NEW_BUILDS, PERCENTILES, REQUESTS, by_service, graph
from gatehouse_observability.objectives import USERS
from gatehouse_observability.panels import Dashboard, Panel, PanelQuery, PanelRow


def overview() -> Dashboard:
    return Dashboard(
        uid="gatehouse-overview",
        title="Platform overview",
        summary="Is it well?",
        releases=NEW_BUILDS,
        rows=[PanelRow("Is it well?", _well()), PanelRow("Every service", _services())],
    )


def _well() -> list[Panel]:
    return [
        _number("Services that answer", "count(service:targets_up:count > 0)", "Should be all of them"),
        _number("Requests a second", "sum(service:http_requests:rate5m)", "All services, five minutes"),
        _number(
            "Alerts firing",
            'count(ALERTS{alertstate="firing"}) or vector(0)',
            "Each has a runbook; see the alert",
        ),
        Panel(
            title="Error budget left",
            queries=[PanelQuery("service:error_budget_remaining:ratio30d", "{{service}} {{sli}}")],
            help="1 is untouched, below 0 is overspent: stop releasing features and fix",
            unit="percentunit",
            kind="number",
            width=24,
            height=6,
        ),
    ]


def _number(title: str, expr: str, text: str) -> Panel:
    return Panel(title=title, queries=[PanelQuery(expr)], help=text, kind="number", width=8, height=4)


def _services() -> list[Panel]:
    return [
        graph(
            "Throughput",
            by_service(f"{REQUESTS}{{{USERS}}}"),
            "Requests a second, health checks and scrapes excluded",
            unit="reqps",
        ),
        graph(
            "Errors",
            'service:sli_error:ratio_rate5m{sli="availability"}',
            "The share of requests that end in a 5xx",
            unit="percentunit",
        ),
        *(
            graph(
                f"Latency, p{which}",
                f"service:http_request_duration_seconds:p{which}_5m",
                f"{which} of 100 requests are quicker than this",
                unit="s",
            )
            for which in PERCENTILES
        ),
        graph(
            "Connections in use",
            "service:db_pool_in_use:ratio",
            "At 1 the next request waits for a database connection",
            unit="percentunit",
        ),
    ]
