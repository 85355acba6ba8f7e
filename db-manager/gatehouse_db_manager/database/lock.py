"""Locks between runs of db-manager: polled, never awaited inside PostgreSQL.

A session that waits in pg_advisory_lock() holds a snapshot, and CREATE INDEX CONCURRENTLY waits for every snapshot:
if the holder of the lock builds an index, both wait forever (golang-migrate #960, flyway #1654).
"""

import random
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gatehouse_db_manager.errors import LockError

if TYPE_CHECKING:
    import psycopg

BOOTSTRAP = "dbm"
_KEY = "hashtextextended('gatehouse db-manager ' || %s, 0)"


@contextmanager
def lock(
    connection: "psycopg.Connection[Any]", name: str, wait: float, waiting: Callable[[float], None] = lambda _: None
) -> Generator[None]:
    """Holds the lock of schema `name`; raises LockError after `wait` seconds. Also released when the session ends."""
    start = time.monotonic()
    pause = 0.02
    while not _is_free(connection, name):
        waited = time.monotonic() - start
        if waited >= wait:
            raise LockError(
                f"The schema {name} is locked by another run of db-manager ({_holder(connection, name)}); "
                f"waited {waited:.0f} s. Wait for it to finish or end that session, then apply again to resume."
            )
        waiting(waited)
        time.sleep(min(pause * random.uniform(0.5, 1.5), max(wait - waited, 0.001)))  # noqa: S311 (jitter)
        pause = min(pause * 1.5, 1.0)
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute(f"select pg_advisory_unlock({_KEY})", [name])


def _is_free(connection: "psycopg.Connection[Any]", name: str) -> bool:
    row = connection.execute(f"select pg_try_advisory_lock({_KEY})", [name]).fetchone()
    return bool(row and row[0])


def _holder(connection: "psycopg.Connection[Any]", name: str) -> str:
    """Describes the session that holds it."""
    row = connection.execute(
        f"""select a.pid, coalesce(nullif(a.application_name, ''), 'unnamed'), a.backend_start::timestamptz(0)::text
        from pg_locks l join pg_stat_activity a using (pid)
        where l.locktype = 'advisory' and l.granted
            and l.database = (select oid from pg_database where datname = current_database())
            and l.classid::bigint = (({_KEY}) >> 32) & 4294967295 and l.objid::bigint = ({_KEY}) & 4294967295""",  # noqa: S608
        [name, name],
    ).fetchone()
    return f"session {row[0]}, {row[1]}, since {row[2]}" if row else "it has just ended"
