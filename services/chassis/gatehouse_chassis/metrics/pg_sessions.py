"""The state of a service's sessions in PostgreSQL (working, waiting for a lock, in a transaction) and the cache.

Each service reads its own role's sessions, which needs no further privilege and no exporter beside PostgreSQL.
"""

from collections.abc import Callable, Iterable

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

# Of one's own role everything may be seen without another grant. PostgreSQL calls a session that waits active, too.
# This look is left out: it would always be one active session.
SESSIONS = """
    select count(*) filter (where state = 'active' and wait_event_type is distinct from 'Lock') as active,
        count(*) filter (where state = 'idle') as idle,
        count(*) filter (where state like 'idle in transaction%') as idle_in_transaction,
        count(*) filter (where wait_event_type = 'Lock') as waiting_for_lock,
        coalesce(extract(epoch from max(now() - xact_start)), 0)::float8 as oldest_transaction_seconds,
        (select blks_hit from pg_stat_database where datname = current_database()) as blocks_cached,
        (select blks_read from pg_stat_database where datname = current_database()) as blocks_read,
        (select deadlocks from pg_stat_database where datname = current_database()) as deadlocks
    from pg_stat_activity
    where usename = current_user and datname = current_database() and pid <> pg_backend_pid()
"""


class PgSessions(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions of the service's role, of all its tasks. Blocks and deadlocks: all of the database, ever."""

    active: int
    idle: int
    idle_in_transaction: int
    waiting_for_lock: int
    oldest_transaction_seconds: float
    blocks_cached: int
    blocks_read: int
    deadlocks: int


class SessionsCollector(Collector):
    def __init__(self, service: str, look: Callable[[], PgSessions | None]) -> None:
        self._service = service
        self._look = look

    def collect(self) -> Iterable[Metric]:
        seen = self._look()
        if seen is None:
            return
        sessions = GaugeMetricFamily(
            "gatehouse_db_sessions",
            "Sessions of the service in PostgreSQL, of all its tasks",
            labels=["service", "state"],
        )
        for state in ("active", "idle", "idle_in_transaction", "waiting_for_lock"):
            sessions.add_metric([self._service, state], getattr(seen, state))
        yield sessions
        oldest = GaugeMetricFamily(
            "gatehouse_db_oldest_transaction_seconds", "Age of the longest open transaction", labels=["service"]
        )
        oldest.add_metric([self._service], seen.oldest_transaction_seconds)
        yield oldest
        blocks = CounterMetricFamily(
            "gatehouse_db_blocks", "Blocks that the database needed, by where they were", labels=["service", "found"]
        )
        blocks.add_metric([self._service, "cache"], seen.blocks_cached)
        blocks.add_metric([self._service, "disk"], seen.blocks_read)
        yield blocks
        deadlocks = CounterMetricFamily("gatehouse_db_deadlocks", "Deadlocks of the database", labels=["service"])
        deadlocks.add_metric([self._service], seen.deadlocks)
        yield deadlocks
