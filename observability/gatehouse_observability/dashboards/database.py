"""*Database*: what the services see of PostgreSQL."""

from gatehouse_observability.dashboards.shapes import by_service, graph, rate
from gatehouse_observability.panels import Dashboard, Panel, PanelQuery, PanelRow

OF_POOLS = (
    ("Connections asked for", "acquires", "A second, by service"),
    ("Found none idle", "waits", "A second; some is normal at the start"),
    ("Seconds waited", "wait_seconds", "A second: how many requests wait at any time"),
    ("Gave up", "timeouts", "Each is a request that failed with 503"),
    ("All connections replaced", "reconnects", "PostgreSQL restarted, or ended our connections"),
)


def database() -> Dashboard:
    return Dashboard(
        uid="gatehouse-database",
        title="Database",
        summary="What the services see of PostgreSQL",
        rows=[
            PanelRow("Connections", _connections()),
            PanelRow("What sessions do", _sessions()),
            PanelRow("Statements", _statements()),
            PanelRow("Schema", _schema()),
        ],
    )


def _connections() -> list[Panel]:
    return [
        graph(
            "Is it reached?",
            "min by (service) (gatehouse_database_up)",
            "1 when the last check was answered within a second",
        ),
        graph(
            "Open connections",
            "sum by (service) (gatehouse_db_pool_connections)",
            "Their sum, twice for a deploy, must stay below max_connections",
        ),
        *(graph(title, by_service(f"gatehouse_db_pool_{name}_total"), text) for title, name, text in OF_POOLS),
    ]


def _sessions() -> list[Panel]:
    """Every task of a service sees the same sessions and blocks: hence max, not sum."""
    blocks = "gatehouse_db_blocks_total"
    cached, read = (f"max({rate(f'{blocks}{{found={found}}}')})" for found in ('"cache"', '"disk"'))
    return [
        graph(
            "Sessions",
            "max by (service, state) (gatehouse_db_sessions)",
            "`idle_in_transaction` for long holds locks and keeps dead rows: some code waits inside a transaction",
            legend="{{service}} {{state}}",
        ),
        graph(
            "Waiting for a lock",
            'max by (service) (gatehouse_db_sessions{state="waiting_for_lock"})',
            "Above 0 for more than moments: look for the longest transaction, or for a migration",
        ),
        graph(
            "Longest transaction",
            "max by (service) (gatehouse_db_oldest_transaction_seconds)",
            "Requests end within seconds; what is longer holds its locks, and vacuum waits for it",
            unit="s",
        ),
        graph(
            "Oldest transaction of any role",
            "max by (kind) (gatehouse_db_open_transaction_seconds)",
            "Also of a forgotten psql: one that has written holds its locks, one that only reads keeps vacuum waiting",
            legend="{{kind}}",
            unit="s",
        ),
        graph(
            "Slow statements",
            by_service("gatehouse_db_slow_statements_total"),
            "A second, slower than database.slow_statement_ms; each is in the log, with its trace id",
        ),
        graph(
            "Found in the cache",
            f"{cached} / ({cached} + {read} > 0)",
            "Below 0.99 for long: the database's memory is smaller than what is read often",
            legend="cache",
            unit="percentunit",
        ),
        graph(
            "Deadlocks",
            "max(increase(gatehouse_db_deadlocks_total[$__rate_interval]))",
            "Each ended somebody's transaction with an error: two places lock the same rows in another order",
            legend="deadlocks",
        ),
    ]


def _statements() -> list[Panel]:
    """Every task of a service sees the same counters: hence max, not sum."""
    seconds, calls = (f"gatehouse_db_statement_{name}_total" for name in ("seconds", "calls"))
    spent, run = (f"max by (service, statement) ({rate(name)})" for name in (seconds, calls))
    return [
        graph(
            "Where the database's time goes",
            f"topk(10, {spent})",
            "Seconds a second; what is at the top is worth an index, or fewer calls",
            legend="{{service}}: {{statement}}",
            unit="s",
        ),
        graph(
            "Time of one run",
            f"topk(10, {spent} / ({run} > 0))",
            "The mean of each statement now; values are $1, $2, ... A slow one is in the service's log too",
            legend="{{service}}: {{statement}}",
            unit="s",
        ),
        Panel(
            title="Slowest statements",
            queries=[
                PanelQuery(
                    f"topk(20, max by (service, statement) ({seconds}) / (max by (service, statement) ({calls}) > 0))"
                )
            ],
            help="Mean time of a run since the database began to count; of each service, the ten that take most",
            kind="table",
            columns=["service", "statement", "Value"],
            unit="s",
        ),
    ]


def _schema() -> list[Panel]:
    return [
        graph(
            "Collections that are behind",
            "max by (service) (gatehouse_collections_unmet)",
            "Above 0 the service isn't ready: a migration is pending",
        ),
        Panel(
            title="Versions of collections",
            queries=[PanelQuery("count by (service, collection, version) (gatehouse_collection_version_info)")],
            help="As db-manager recorded them; two versions of one collection can't be",
            kind="table",
            columns=["service", "collection", "version"],
        ),
    ]
