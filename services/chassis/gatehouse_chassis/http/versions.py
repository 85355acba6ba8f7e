"""Reads the Version documents that db-manager wrote for this schema (`dbm.version`), and the state of its sessions."""

import asyncio

from gatehouse_chassis.data.database import Database
from gatehouse_chassis.http.health import CollectionVersion
from gatehouse_chassis.metrics.pg_sessions import SESSIONS, PgSessions

SELECT = """
    select collection, version, to_char(applied_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as applied_at
    from dbm.version where schema = $1 order by collection
"""


# Seconds to wait for an answer: less than health.READINESS_TIMEOUT.
PATIENCE = 0.8


class DatabaseVersions:
    """The Version documents of one database's schema; implements `health.VersionSource`. `sessions`: as last seen.

    A full pool isn't a database that is away: while others get answers and only this look waits for a connection, what
    was seen before holds. Else a busy task would say that it isn't ready, and its load would go to the next.
    """

    def __init__(self, database: Database) -> None:
        self._schema = database.schema
        self._select = database.prepare(SELECT, CollectionVersion)
        self._look = database.prepare(SESSIONS, PgSessions)
        self._database = database
        self._seen: list[CollectionVersion] | None = None
        self.sessions: PgSessions | None = None

    async def versions(self) -> list[CollectionVersion]:
        try:
            async with asyncio.timeout(PATIENCE):
                self._seen, self.sessions = await self._select.all(self._schema), await self._look.one()
        except TimeoutError:
            if self._seen is None or not self._database.answered_within(PATIENCE):
                self.sessions = None
                raise
        except BaseException:
            self.sessions = None
            raise
        return self._seen or []
