"""Updates existing rows in batches, in primary key order.

Each batch is a transaction that also records its last key, so a killed run resumes there. Rows added meanwhile are not
its concern: it ends at the highest key that existed when it began (pgroll #583).
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from gatehouse_db_manager.planning.plan import Backfill

if TYPE_CHECKING:
    import psycopg

FIRST_BATCH = 2_000
LARGEST_BATCH = 50_000
# Seconds. Rows stay locked while their batch runs, so it must be well below what a request may wait.
_QUICK, _SLOW = 0.1, 0.3
# Pause after a batch, as a share of its duration, so that other queries get through.
_PAUSE = 0.03


class Batches:
    """One running backfill."""

    def __init__(self, connection: "psycopg.Connection[Any]", schema: str, work: Backfill) -> None:
        self.connection = connection
        self.schema = schema
        self.work = work
        self.size = FIRST_BATCH
        self.rows = 0
        self.place: list[str] | None = None
        self.upper: list[str] | None = None
        self.keys = ", ".join(work.key)
        self.types: list[str] = []

    def start(self) -> bool:
        """Finds where it ends, or where an earlier run stopped. False: there are no rows."""
        query = """select format_type(a.atttypid, a.atttypmod) from unnest(%s::text[])
            with ordinality as k (name, position)
            join pg_attribute a on a.attrelid = to_regclass(%s) and a.attname = k.name order by k.position"""
        found = self.connection.execute(query, [list(self.work.key), self.work.table]).fetchall()
        self.types = [name for (name,) in found]
        query = "select place, upper, rows from dbm.backfill where schema = %s and name = %s"
        row = self.connection.execute(query, [self.schema, self.work.name]).fetchone()
        if row:
            self.place, self.upper, self.rows = row
            return True
        if not self.work.key:
            return True
        self.upper = self._last("", [])
        if self.upper is None:
            return False
        query = "insert into dbm.backfill (schema, name, upper) values (%s, %s, %s)"
        self.connection.execute(query, [self.schema, self.work.name, Jsonb(self.upper)])
        return True

    def batch(self, guard: Callable[[], None]) -> bool:
        """Runs one batch; False if it was the last. `guard` runs in its transaction and raises if a newer run took
        over."""
        if not self.work.key:
            return self._at_once(guard)
        started = time.monotonic()
        low, values = self._above()
        with self.connection.transaction():
            self.connection.execute("set local lock_timeout = '100ms'")
            guard()
            bound = self._bound(low, values)
            last = bound is None
            until = bound or self.upper or []
            condition = "" if self.work.condition == "true" else f" and ({self.work.condition})"
            cursor = self.connection.execute(
                f"update {self.work.table} set {self.work.assignments} where {low}"  # noqa: S608 (checked configuration)
                f"({self.keys}) <= ({self._casts()}){condition}".encode()
                .replace(b"%", b"%%")
                .replace(b"%%s", b"%s"),
                [*values, *until],
            )
            rows = self.rows + cursor.rowcount
            query = "update dbm.backfill set place = %s, rows = %s where schema = %s and name = %s"
            self.connection.execute(query, [Jsonb(until), rows, self.schema, self.work.name])
        self.rows, self.place = rows, until
        self._adapt(time.monotonic() - started)
        return not last

    def _at_once(self, guard: Callable[[], None]) -> bool:
        """Without a primary key it can't resume, so it is one transaction."""
        with self.connection.transaction():
            guard()
            statement = f"update {self.work.table} set {self.work.assignments} where {self.work.condition}"  # noqa: S608
            self.rows = self.connection.execute(statement.encode()).rowcount
        return False

    def pause(self, seconds: float) -> None:
        time.sleep(seconds * _PAUSE)

    def finish(self) -> None:
        """In the caller's transaction."""
        query = "delete from dbm.backfill where schema = %s and name = %s"
        self.connection.execute(query, [self.schema, self.work.name])

    def _casts(self) -> str:
        return ", ".join(f"%s::{one}" for one in self.types)

    def _above(self) -> tuple[str, list[str]]:
        return (f"({self.keys}) > ({self._casts()}) and ", list(self.place)) if self.place else ("", [])

    def _bound(self, low: str, values: list[str]) -> list[str] | None:
        """The last key of this batch, if rows remain after it."""
        return self._last(f"where {low}({self.keys}) < ({self._casts()})", [*values, *(self.upper or [])], self.size)

    def _last(self, where: str, values: list[str], offset: int = 0) -> list[str] | None:
        texts = ", ".join(f"t.{name}::text" for name in self.work.key)
        # With `t.`, as a bare name would mean the text that is selected, and 10 comes before 9 there.
        order = ", ".join(f"t.{name}{'' if offset else ' desc'}" for name in self.work.key)
        skip = f"offset {offset - 1}" if offset else ""
        query = f"select {texts} from {self.work.table} t {where} order by {order} {skip} limit 1"  # noqa: S608
        row = self.connection.execute(query.encode(), values).fetchone()
        return list(row) if row else None

    def _adapt(self, seconds: float) -> None:
        if seconds < _QUICK:
            self.size = min(self.size * 2, LARGEST_BATCH)
        elif seconds > _SLOW:
            self.size = max(self.size // 2, 100)
