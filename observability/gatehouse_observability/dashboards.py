"""The dashboards of the platform. A panel is here only when its metric exists.

None names a service: what differs between services stands in series (as service:objective:ratio), so that a
new service is on every dashboard without changing one.
"""

from gatehouse_observability.objectives import USERS
from gatehouse_observability.panels import Dashboard, Panel, Query, Row

REQUESTS, SECONDS = "gatehouse_http_requests_total", "gatehouse_http_request_duration_seconds_bucket"
PERCENTILES = ("50", "95", "99")
BUILDS = "sum by (service, version, commit) (gatehouse_build_info)"
FOUND = ("cache", "disk")
# A build that wasn't there five minutes ago.
NEW_BUILDS = f"{BUILDS} unless {BUILDS.replace('build_info', 'build_info offset 5m')}"
# What is used, of what a task is given or aims at.
OF_AIM = (
    "service:http_requests:rate5m * 60 / on (service) (service:targets_up:count > 0)"
    " / on (service) service:scaling_requests:per_minute"
)
PROCESSOR = "avg by (service) (rate(process_cpu_seconds_total[$__rate_interval]))"
OF_PROCESSOR = f"{PROCESSOR} / on (service) service:compute_processor:cores"
OF_MEMORY = "max by (service) (process_resident_memory_bytes) / on (service) service:compute_memory:bytes"


def dashboards() -> list[Dashboard]:
    return [overview(), one_service(), database(), releases(), delivery(), capacity()]


def overview() -> Dashboard:
    return Dashboard(
        uid="gatehouse-overview",
        title="Platform overview",
        summary="Is it well?",
        releases=NEW_BUILDS,
        rows=[
            Row(
                "Is it well?",
                [
                    _number("Services that answer", "count(service:targets_up:count > 0)", "Should be all of them"),
                    _number("Requests a second", "sum(service:http_requests:rate5m)", "All services, five minutes"),
                    _number(
                        "Alerts firing",
                        'count(ALERTS{alertstate="firing"}) or vector(0)',
                        "Each has a runbook; see the alert",
                    ),
                    Panel(
                        title="Error budget left",
                        queries=[Query("service:error_budget_remaining:ratio30d", "{{service}} {{sli}}")],
                        help="1 is untouched, below 0 is overspent: stop releasing features and mend",
                        unit="percentunit",
                        kind="number",
                        width=24,
                        height=6,
                    ),
                ],
            ),
            Row(
                "Every service",
                [
                    Panel(
                        title="Throughput",
                        queries=[
                            Query(f"sum by (service) (rate({REQUESTS}{{{USERS}}}[$__rate_interval]))", "{{service}}")
                        ],
                        help="Requests a second, without probes and scrapes",
                        unit="reqps",
                    ),
                    Panel(
                        title="Errors",
                        queries=[Query('service:sli_error:ratio_rate5m{sli="availability"}', "{{service}}")],
                        help="The share of requests that end in a 5xx",
                        unit="percentunit",
                    ),
                    *(_percentile(which) for which in PERCENTILES),
                    Panel(
                        title="Connections in use",
                        queries=[Query("service:db_pool_in_use:ratio", "{{service}}")],
                        help="At 1 the next request waits for a database connection",
                        unit="percentunit",
                    ),
                ],
            ),
        ],
    )


def one_service() -> Dashboard:
    which = 'service="$service"'
    return Dashboard(
        uid="gatehouse-service",
        title="Service",
        summary="One service: what it is asked, how it answers, what it waits for",
        by_service=True,
        releases=NEW_BUILDS,
        rows=[
            Row("What users get", _red(which)),
            Row("What is promised", _promises(which)),
            Row("What it waits for", _waits(which)),
            Row("The process", _process(which)),
        ],
    )


def _red(which: str) -> list[Panel]:
    quantile = f"sum by (le) (rate({SECONDS}{{{which},{USERS}}}[$__rate_interval]))"
    routes = f"sum by (le, method, route) (rate({SECONDS}{{{which},{USERS}}}[$__rate_interval]))"
    return [
        Panel(
            title="Requests by route",
            queries=[
                Query(
                    f"sum by (method, route) (rate({REQUESTS}{{{which},{USERS}}}[$__rate_interval]))",
                    "{{method}} {{route}}",
                )
            ],
            help="Requests a second; `unmatched` are paths that no route has",
            unit="reqps",
        ),
        Panel(
            title="Answers by status",
            queries=[Query(f"sum by (status) (rate({REQUESTS}{{{which},{USERS}}}[$__rate_interval]))", "{{status}}")],
            help="5xx is ours, 4xx the caller's",
            unit="reqps",
        ),
        Panel(
            title="Latency",
            queries=[Query(f"histogram_quantile(0.{p}, {quantile})", f"p{p}") for p in PERCENTILES],
            help="A dot is one slow request; it carries its trace id, which every log line has too",
            unit="s",
            exemplars=True,
        ),
        Panel(
            title="Slowest routes",
            queries=[Query(f"topk(10, histogram_quantile(0.95, {routes}) >= 0)", "{{method}} {{route}}")],
            help="95 of 100 requests are quicker than this",
            unit="s",
        ),
        Panel(
            title="In flight",
            queries=[Query(f"sum by (service) (gatehouse_http_requests_in_flight{{{which}}})", "requests")],
            help="Requests being answered now; a climb without more requests means that answers became slow",
        ),
    ]


def _promises(which: str) -> list[Panel]:
    return [
        Panel(
            title="Budget burn",
            queries=[
                Query(
                    f"service:sli_error:ratio_rate1h{{{which}}} / (1 - service:objective:ratio{{{which}}})", "{{sli}}"
                )
            ],
            help="1 uses up the budget in exactly 30 days; above 14.4 somebody is woken",
        ),
        Panel(
            title="Budget left",
            queries=[Query(f"service:error_budget_remaining:ratio30d{{{which}}}", "{{sli}}")],
            help="1 is untouched, below 0 is overspent",
            unit="percentunit",
        ),
    ]


def _waits(which: str) -> list[Panel]:
    return [
        Panel(
            title="Connections",
            queries=[
                Query(f"sum by (service) (gatehouse_db_pool_{name}{{{which}}})", name)
                for name in ("connections", "idle", "waiting", "max")
            ],
            help="`waiting` above 0 for long: the pool is full",
        ),
        Panel(
            title="Waiting for a connection",
            queries=[
                Query(f"sum by (service) (rate(gatehouse_db_pool_wait_seconds_total{{{which}}}[$__rate_interval]))")
            ],
            help="Seconds waited a second: how many requests wait at any time",
        ),
        Panel(
            title="Calls to other services",
            queries=[
                Query(
                    "sum by (service, target, outcome) (rate(gatehouse_client_requests_total[$__rate_interval]))",
                    "{{service}} → {{target}} {{outcome}}",
                )
            ],
            help="Of all services, since who calls matters as much; 4xx is an answer like any other",
            unit="reqps",
        ),
    ]


def _process(which: str) -> list[Panel]:
    return [
        Panel(
            title="Processor",
            queries=[Query(f"rate(process_cpu_seconds_total{{{which}}}[$__rate_interval])", "{{instance}}")],
            help="Cores of each task",
        ),
        Panel(
            title="Memory",
            queries=[Query(f"process_resident_memory_bytes{{{which}}}", "{{instance}}")],
            help="A slow climb is a leak",
            unit="bytes",
        ),
        Panel(
            title="Open descriptors",
            queries=[Query(f"process_open_fds{{{which}}}", "{{instance}}")],
            help="A slow climb is a leak; the limit is process_max_fds",
        ),
        Panel(
            title="Uptime",
            queries=[Query(f"time() - process_start_time_seconds{{{which}}}", "{{instance}}")],
            help="A saw is a process that dies again and again",
            unit="s",
        ),
    ]


def database() -> Dashboard:
    of_pools = [
        ("Connections asked for", "acquires", "A second, by service"),
        ("Found none idle", "waits", "A second; some is normal at the start"),
        ("Seconds waited", "wait_seconds", "A second: how many requests wait at any time"),
        ("Gave up", "timeouts", "Each is a request that failed with 503"),
        ("All connections replaced", "reconnects", "PostgreSQL restarted, or ended our connections"),
    ]
    return Dashboard(
        uid="gatehouse-database",
        title="Database",
        summary="What the services see of PostgreSQL",
        rows=[
            Row(
                "Connections",
                [
                    Panel(
                        title="Is it reached?",
                        queries=[Query("min by (service) (gatehouse_database_up)", "{{service}}")],
                        help="1 when the last check was answered within a second",
                    ),
                    Panel(
                        title="Open connections",
                        queries=[Query("sum by (service) (gatehouse_db_pool_connections)", "{{service}}")],
                        help="Their sum, twice for a deploy, must stay below max_connections",
                    ),
                    *(
                        Panel(
                            title=title,
                            queries=[
                                Query(
                                    f"sum by (service) (rate(gatehouse_db_pool_{name}_total[$__rate_interval]))",
                                    "{{service}}",
                                )
                            ],
                            help=text,
                        )
                        for title, name, text in of_pools
                    ),
                ],
            ),
            Row("What sessions do", _sessions()),
            Row("Schema", _schema()),
        ],
    )


def _sessions() -> list[Panel]:
    """Every task of a service sees the same sessions and blocks: hence max, not sum."""
    cached, read = (f'max(rate(gatehouse_db_blocks_total{{found="{where}"}}[$__rate_interval]))' for where in FOUND)
    return [
        Panel(
            title="Sessions",
            queries=[Query("max by (service, state) (gatehouse_db_sessions)", "{{service}} {{state}}")],
            help="`idle_in_transaction` for long holds locks and keeps dead rows: some code waits inside a transaction",
        ),
        Panel(
            title="Waiting for a lock",
            queries=[Query('max by (service) (gatehouse_db_sessions{state="waiting_for_lock"})', "{{service}}")],
            help="Above 0 for more than moments: look for the longest transaction, or for a migration",
        ),
        Panel(
            title="Longest transaction",
            queries=[Query("max by (service) (gatehouse_db_oldest_transaction_seconds)", "{{service}}")],
            help="Requests end within seconds; what is longer holds its locks, and vacuum waits for it",
            unit="s",
        ),
        Panel(
            title="Slow statements",
            queries=[
                Query("sum by (service) (rate(gatehouse_db_slow_statements_total[$__rate_interval]))", "{{service}}")
            ],
            help="A second, slower than database.slow_statement_ms; each is in the log, with its trace id",
        ),
        Panel(
            title="Found in the cache",
            queries=[Query(f"{cached} / ({cached} + {read} > 0)", "cache")],
            help="Below 0.99 for long: the database's memory is smaller than what is read often",
            unit="percentunit",
        ),
        Panel(
            title="Deadlocks",
            queries=[Query("max(increase(gatehouse_db_deadlocks_total[$__rate_interval]))", "deadlocks")],
            help="Each ended somebody's transaction with an error: two places lock the same rows in another order",
        ),
    ]


def _schema() -> list[Panel]:
    return [
        Panel(
            title="Collections that are behind",
            queries=[Query("max by (service) (gatehouse_collections_unmet)", "{{service}}")],
            help="Above 0 the service isn't ready: a migration is pending",
        ),
        Panel(
            title="Versions of collections",
            queries=[Query("count by (service, collection, version) (gatehouse_collection_version_info)")],
            help="As db-manager recorded them; two versions of one collection can't be",
            kind="table",
            columns=["service", "collection", "version"],
        ),
    ]


def releases() -> Dashboard:
    return Dashboard(
        uid="gatehouse-releases",
        title="Releases",
        summary="What runs, and since when",
        releases=NEW_BUILDS,
        rows=[
            Row(
                "What runs",
                [
                    Panel(
                        title="Builds",
                        queries=[Query(BUILDS)],
                        help="Tasks of each build; two builds of one service are a deploy in progress",
                        kind="table",
                        columns=["service", "version", "commit", "Value"],
                    ),
                    Panel(
                        title="Builds side by side",
                        queries=[Query(f"count by (service) ({BUILDS})", "{{service}}")],
                        help="1, but during a deploy",
                    ),
                    Panel(
                        title="Running since",
                        queries=[Query("max by (service) (process_start_time_seconds) * 1000", "{{service}}")],
                        help="When the youngest task began",
                        unit="dateTimeFromNow",
                        kind="number",
                        width=24,
                        height=5,
                    ),
                ],
            )
        ],
    )


def delivery() -> Dashboard:
    """DORA's four, from the record of promotions (gatehouse_ci.figures says what exactly is counted)."""

    def each(title: str, expr: str, text: str, unit: str = "short") -> Panel:
        return Panel(title=title, queries=[Query(f"max by (stage) ({expr})", "{{stage}}")], help=text, unit=unit)

    return Dashboard(
        uid="gatehouse-delivery",
        title="Delivery",
        summary="How quickly changes reach people, and how often they hurt; per environment, over 30 days",
        releases=NEW_BUILDS,
        rows=[
            Row(
                "The last 30 days",
                [
                    each(
                        "Deployments",
                        'gatehouse_delivery_changes{outcome="deployments"}',
                        "Promotions and rollbacks that were seen running. Often and small is good",
                    ),
                    each(
                        "Lead time",
                        "gatehouse_delivery_lead_seconds",
                        "The median from the build of a merge until it was seen running. A day is good",
                        "s",
                    ),
                    each(
                        "Changes that failed",
                        "gatehouse_delivery_failure_ratio",
                        "The share of promotions that failed or were rolled back. Below 0.15 is good",
                        "percentunit",
                    ),
                    each(
                        "Time to restore",
                        "gatehouse_delivery_restore_seconds",
                        "The median from a failed deployment until it was over. Below an hour is good",
                        "s",
                    ),
                ],
            )
        ],
    )


def capacity() -> Dashboard:
    return Dashboard(
        uid="gatehouse-capacity",
        title="Cost and capacity",
        summary="What is paid for, and how much of it is used",
        rows=[
            Row(
                "Used of what is paid for",
                [
                    Panel(
                        title="Tasks",
                        queries=[Query("service:targets_up:count", "{{service}}")],
                        help="Each costs its processor and memory by the hour",
                    ),
                    Panel(
                        title="Requests a minute and task, of the aim",
                        queries=[Query(OF_AIM, "{{service}}")],
                        help="Scaling aims at 1 (scaling.requests_per_task)",
                        unit="percentunit",
                    ),
                    Panel(
                        title="Processor, of the share",
                        queries=[Query(OF_PROCESSOR, "{{service}}")],
                        help="Always far below 1: compute.cpu may be smaller",
                        unit="percentunit",
                    ),
                    Panel(
                        title="Memory, of the limit",
                        queries=[Query(OF_MEMORY, "{{service}}")],
                        help="At 1 the task is killed",
                        unit="percentunit",
                    ),
                    Panel(
                        title="Series of a task",
                        queries=[Query("max by (service) (scrape_samples_scraped)", "{{service}}")],
                        help="Each is paid for; a climb is a label without a bound",
                    ),
                ],
            )
        ],
    )


def _number(title: str, expr: str, text: str) -> Panel:
    return Panel(title=title, queries=[Query(expr)], help=text, kind="number", width=8, height=4)


def _percentile(which: str) -> Panel:
    return Panel(
        title=f"Latency, p{which}",
        queries=[Query(f"service:http_request_duration_seconds:p{which}_5m", "{{service}}")],
        help=f"{which} of 100 requests are quicker than this",
        unit="s",
    )
