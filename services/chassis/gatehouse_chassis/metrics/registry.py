"""The metrics of a service: its traffic (traffic.py), its calls to others, pool, sessions, build and versions.

Names follow https://prometheus.io/docs/practices/naming/. One registry an application, so that several live in one test
process. Labels are bounded: an unknown path or method is counted under `unmatched` or `other`.
"""

from collections.abc import Callable, Iterable, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from gatehouse_chassis.metrics.exposition import ASKED_FOR, MEDIA_TYPE, Exposition
from gatehouse_chassis.metrics.pg_sessions import PgSessions, SessionsCollector
from gatehouse_chassis.metrics.pg_statements import StatementsCollector, StatementTime
from gatehouse_chassis.metrics.sockets import SocketFigures, SocketsCollector
from gatehouse_chassis.metrics.traffic import Traffic
from gatehouse_chassis.service.service import ServiceContext

disable_created_metrics()  # a series more for each counter and histogram, which nobody asks for

PoolState = Callable[[], tuple[int, int, int, int]]
PoolCounts = Callable[[], tuple[int, int, float, int, int, int]]


class Metrics:
    """The metrics of one application; the outermost middleware counts each request in `traffic`."""

    def __init__(self, service: ServiceContext) -> None:
        self.registry = CollectorRegistry()
        self._service = service.name
        self.traffic = Traffic(service.name, service.entry.objectives.latency_p99_ms / 1000)
        self.registry.register(self.traffic)
        build = Gauge(
            "gatehouse_build_info",
            "1, labelled with what runs",
            ("service", "version", "commit"),
            registry=self.registry,
        )
        build.labels(service.name, service.build.version, service.build.commit).set(1)
        self._calls = Counter(
            "gatehouse_client_requests_total",
            "Calls to other services, by outcome",
            ("service", "target", "outcome"),
            registry=self.registry,
        )
        self._database_up = Gauge(
            "gatehouse_database_up", "1 when the database answered the last check", ("service",), registry=self.registry
        )
        self._unmet = Gauge(
            "gatehouse_collections_unmet",
            "Collections that are older in the database than this code needs",
            ("service",),
            registry=self.registry,
        )
        self._collections: Sequence[tuple[str, str]] = ()
        self.registry.register(_Collections(self._service, lambda: self._collections))
        ProcessCollector(registry=self.registry)
        self._exposition = Exposition(self.registry)

    def count_call(self, target: str, outcome: str) -> None:
        """Count one call to another service; `outcome` is a status class (2xx ...) or a kind of failure."""
        self._calls.labels(self._service, target, outcome).inc()

    def watch_pool(self, state: PoolState, counts: PoolCounts) -> None:
        """Export a connection pool.

        `state()` gives (open, idle, waiting callers, maximum); `counts()` what only grows: connections asked for, those
        that waited, the seconds of that, those that gave up, how often all connections had to be replaced, and slow
        statements.
        """
        self.registry.register(_Pool(self._service, state, counts))

    def watch_sessions(self, look: Callable[[], PgSessions | None]) -> None:
        """Export what the service's sessions in PostgreSQL do; nothing while it isn't known."""
        self.registry.register(SessionsCollector(self._service, look))

    def watch_statements(self, look: Callable[[], Sequence[StatementTime]]) -> None:
        """Export the statements that take the most of the database's time."""
        self.registry.register(StatementsCollector(self._service, look))

    def watch_sockets(self) -> SocketFigures:
        """Export the figures that are counted in what this returns."""
        figures = SocketFigures()
        self.registry.register(SocketsCollector(self._service, figures))
        return figures

    def saw_database(self, versions: Sequence[tuple[str, str]] | None, unmet: int) -> None:
        """Record a database check: (collection, version) as db-manager wrote them, None when it didn't answer."""
        self._database_up.labels(self._service).set(0 if versions is None else 1)
        if versions is not None:
            self._collections = tuple(versions)
            self._unmet.labels(self._service).set(unmet)

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """The exposition and its media type: OpenMetrics, which has exemplars, for who asks for it; else plain text."""
        if ASKED_FOR in accept:
            return self._exposition.openmetrics(), MEDIA_TYPE
        return generate_latest(self.registry), CONTENT_TYPE_PLAIN_0_0_4


class _Pool(Collector):
    def __init__(self, service: str, state: PoolState, counts: PoolCounts) -> None:
        self._service = service
        self._state = state
        self._counts = counts

    def collect(self) -> Iterable[Metric]:
        names = (
            ("connections", "Connections that are open"),
            ("idle", "Open connections that nobody uses"),
            ("waiting", "Requests waiting for a connection"),
            ("max", "Connections at most"),
        )
        for (name, text), value in zip(names, self._state(), strict=True):
            family = GaugeMetricFamily(f"gatehouse_db_pool_{name}", text, labels=["service"])
            family.add_metric([self._service], value)
            yield family
        counts = (
            ("pool_acquires", "Connections asked for"),
            ("pool_waits", "Those that found none idle"),
            ("pool_wait_seconds", "Time that callers waited"),
            ("pool_timeouts", "Callers that gave up waiting"),
            ("pool_reconnects", "Times that all connections were replaced"),
            ("slow_statements", "Statements that took longer than database.slow_statement_ms"),
        )
        for (name, text), value in zip(counts, self._counts(), strict=True):
            counter = CounterMetricFamily(f"gatehouse_db_{name}", text, labels=["service"])
            counter.add_metric([self._service], value)
            yield counter


class _Collections(Collector):
    def __init__(self, service: str, versions: Callable[[], Sequence[tuple[str, str]]]) -> None:
        self._service = service
        self._versions = versions

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(
            "gatehouse_collection_version_info",
            "1, labelled with the version that db-manager applied",
            labels=["service", "collection", "version"],
        )
        for collection, version in self._versions():
            family.add_metric([self._service, collection, version], 1)
        yield family
