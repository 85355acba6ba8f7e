"""Reads the Version documents that db-manager wrote (`dbm.version`) for this service's schema."""

from gatehouse_chassis.database import Database
from gatehouse_chassis.health import CollectionVersion

SELECT = """
    select collection, version, to_char(applied_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as applied_at
    from dbm.version where schema = $1 order by collection
"""


class DatabaseVersions:
    """The Version documents of one database's schema; implements `health.VersionSource`."""

    def __init__(self, database: Database) -> None:
        self._schema = database.schema
        self._select = database.prepare(SELECT, CollectionVersion)

    async def versions(self) -> list[CollectionVersion]:
        return await self._select.all(self._schema)
