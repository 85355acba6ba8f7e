"""Reads the Version documents that db-manager wrote (`dbm.version`) for this schema, and what its sessions do."""

from gatehouse_chassis.database import Database
from gatehouse_chassis.health import CollectionVersion
from gatehouse_chassis.sessions import SESSIONS, Sessions

SELECT = """
    select collection, version, to_char(applied_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as applied_at
    from dbm.version where schema = $1 order by collection
"""


class DatabaseVersions:
    """The Version documents of one database's schema; implements `health.VersionSource`. `sessions`: as last seen."""

    def __init__(self, database: Database) -> None:
        self._schema = database.schema
        self._select = database.prepare(SELECT, CollectionVersion)
        self._look = database.prepare(SESSIONS, Sessions)
        self.sessions: Sessions | None = None

    async def versions(self) -> list[CollectionVersion]:
        self.sessions = None
        found = await self._select.all(self._schema)
        self.sessions = await self._look.one()
        return found
