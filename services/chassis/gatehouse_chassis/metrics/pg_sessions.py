"""The state of a service's sessions in PostgreSQL (working, waiting for a lock, in a transaction), the cache, and how
long transactions of any role have been open.

It needs no further privilege and no exporter beside PostgreSQL. What another role's session does, and since when, is
hidden from a service; that a transaction is open isn't: each holds a lock on its own virtual id, which everybody may
read in pg_locks. So its age is the time since this process saw that id first.
"""

import time
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
        (select deadlocks from pg_stat_database where datname = current_database()) as deadlocks,
        array(
            select o.virtualtransaction || case when exists (
                select from pg_locks w where w.pid = o.pid and w.granted and (
                    w.locktype = 'transactionid' and w.mode = 'ExclusiveLock'
                    or w.locktype = 'relation' and w.mode not in ('AccessShareLock', 'RowShareLock')
                )
            ) then ' writes' else '' end
            from pg_locks o join pg_stat_activity s on s.pid = o.pid
            where o.locktype = 'virtualxid' and o.mode = 'ExclusiveLock' and o.granted and o.pid <> pg_backend_pid()
                and s.datname = current_database() and s.usename is not null
        ) as open_transactions,
        (select extract(epoch from now() - coalesce(last_archived_time, stats_reset))::float8 from pg_stat_archiver
            where current_setting('archive_mode') <> 'off') as archive_age_seconds,
        extract(epoch from clock_timestamp())::float8 as database_time
    from pg_stat_activity
    where usename = current_user and datname = current_database() and pid <> pg_backend_pid()
"""


class PgSessions(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions of the service's role, of all its tasks. Blocks and deadlocks: all of the database, ever.

    `archive_age_seconds`: since a part of the log was last archived (RDS does so every five minutes, and can restore up
    to then); None where none is. `open_transactions`: of all roles, by virtual id; those that have written, or locked
    out others, end with WRITES. `database_time`: seconds since 1970, by the database's clock.
    """

    active: int
    idle: int
    idle_in_transaction: int
    waiting_for_lock: int
    oldest_transaction_seconds: float
    blocks_cached: int
    blocks_read: int
    deadlocks: int
    open_transactions: list[str] = []
    archive_age_seconds: float | None = None
    database_time: float = 0.0


WRITES = " writes"


class TransactionAges:
    """For how long each open transaction has been seen; it forgets those that ended."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: dict[str, float] = {}
        self._writing: set[str] = set()

    def saw(self, found: Iterable[str]) -> None:
        """All that are open now (PgSessions.open_transactions)."""
        now = self._clock()
        names = {one.removesuffix(WRITES): one.endswith(WRITES) for one in found}
        self._first = {name: self._first.get(name, now) for name in names}
        self._writing = {name for name, writes in names.items() if writes}

    def oldest(self) -> dict[str, float]:
        """Seconds, of those that have written and of those that only read; 0 where there is none."""
        now = self._clock()
        ages = {"writing": 0.0, "reading": 0.0}
        for name, first in self._first.items():
            kind = "writing" if name in self._writing else "reading"
            ages[kind] = max(ages[kind], now - first)
        return ages


class SessionsCollector(Collector):
    def __init__(self, service: str, look: Callable[[], PgSessions | None]) -> None:
        self._service = service
        self._look = look
        self._ages = TransactionAges()

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
        self._ages.saw(seen.open_transactions)
        ages = GaugeMetricFamily(
            "gatehouse_db_open_transaction_seconds",
            "For how long the oldest transaction of any role has been seen open",
            labels=["service", "kind"],
        )
        for kind, seconds in self._ages.oldest().items():
            ages.add_metric([self._service, kind], seconds)
        yield ages
        if seen.archive_age_seconds is not None:
            archived = GaugeMetricFamily(
                "gatehouse_db_archive_age_seconds",
                "How long ago a part of PostgreSQL's log was last archived, which is how far back a backup may end",
                labels=["service"],
            )
            archived.add_metric([self._service], seen.archive_age_seconds)
            yield archived
        blocks = CounterMetricFamily(
            "gatehouse_db_blocks", "Blocks that the database needed, by where they were", labels=["service", "found"]
        )
        blocks.add_metric([self._service, "cache"], seen.blocks_cached)
        blocks.add_metric([self._service, "disk"], seen.blocks_read)
        yield blocks
        deadlocks = CounterMetricFamily("gatehouse_db_deadlocks", "Deadlocks of the database", labels=["service"])
        deadlocks.add_metric([self._service], seen.deadlocks)
        yield deadlocks
