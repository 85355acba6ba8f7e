"""Reads the Version documents that db-manager wrote for this schema (`dbm.version`), the state of its sessions, and
which statements take the most of the database's time.
"""

import asyncio
import time
from collections.abc import Callable

import asyncpg
import structlog

from gatehouse_chassis.data.database import Database
from gatehouse_chassis.data.statements import RowBuilder
from gatehouse_chassis.http.health import CollectionVersion
from gatehouse_chassis.metrics.pg_sessions import SESSIONS, PgSessions
from gatehouse_chassis.metrics.pg_statements import SECONDS_BETWEEN, WHERE, StatementTime, statements_sql

SELECT = """
    select collection, version, to_char(applied_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as applied_at
    from dbm.version where schema = $1 order by collection
"""

log = structlog.get_logger()

# Seconds to wait for an answer: less than health.READINESS_TIMEOUT.
PATIENCE = 0.8


class DatabaseVersions:
    """The Version documents of one database's schema; implements `health.VersionSource`. `sessions`: as last seen.

    Args:
        database: Whose schema it is.
        clock: This machine's, in seconds since 1970.

    It asks on a connection of its own. On the pool's, a busy task, or one whose writers all wait for one locked row,
    would say that it isn't ready, and its load would go to the next.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._versions = RowBuilder(CollectionVersion)
        self._sessions = RowBuilder(PgSessions)
        self._statements = RowBuilder(StatementTime)
        self._looked = float("-inf")
        self.clock_offset = 0.0
        self.sessions: PgSessions | None = None
        self.statements: list[StatementTime] = []

    async def versions(self) -> list[CollectionVersion]:
        try:
            async with asyncio.timeout(PATIENCE):
                # By hand, both: db-manager's and PostgreSQL's own tables, which are no service's collections.
                versions = await self._database.fetch_aside(SELECT, self._database.schema)
                asked = self._clock()
                # By hand: see above.
                sessions = await self._database.fetch_aside(SESSIONS)
                answered = self._clock()
                await self._look_at_statements()
        except BaseException:
            self.sessions = None
            raise
        self.sessions = self._sessions.build(sessions[0])
        now = self.sessions.database_time  # read between `asked` and `answered`, if the clocks agree
        self.clock_offset = max(now - answered, 0.0) or min(now - asked, 0.0)
        return self._versions.build_all(versions)

    async def _look_at_statements(self) -> None:
        if time.monotonic() - self._looked < SECONDS_BETWEEN:
            return
        self._looked = time.monotonic()
        try:
            # By hand, both: see above.
            views = await self._database.fetch_aside(WHERE)
            rows = await self._database.fetch_aside(statements_sql(views[0][0])) if views else []
        except asyncpg.PostgresError as error:  # readiness doesn't depend on it
            log.warning("the statements that take the most time can't be read", error=str(error))
            rows = []
        self.statements = self._statements.build_all(rows)
