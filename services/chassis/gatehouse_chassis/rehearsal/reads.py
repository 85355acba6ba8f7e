"""Reads a restored database as who finds it: which versions its schemas have, and how many rows there are."""

import asyncio
import time
from typing import Any
from urllib.parse import quote

import asyncpg

from gatehouse_chassis.rehearsal.restored_copy import RehearsalError

# RDS sets the master's new password some time after it was asked to.
PATIENCE_SECONDS = 900.0
STATEMENT_SECONDS = 900.0
TABLES = """
select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any($1) and c.relkind in ('r', 'p') and not c.relispartition order by 1, 2
"""


async def connected(url: str, *, poll: float, patience: float = PATIENCE_SECONDS) -> Any:
    """A connection, once the server takes the password. Raises RehearsalError."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return await asyncpg.connect(url, timeout=30, command_timeout=STATEMENT_SECONDS)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if time.monotonic() > deadline:
                raise RehearsalError(f"The copy lets nobody in: {type(error).__name__}: {error}") from error
        await asyncio.sleep(poll)


async def rows_by_schema(connection: Any, environment: str) -> dict[str, int]:
    """How many rows each schema has that db-manager keeps. Raises RehearsalError where something isn't there."""
    if await connection.fetchval("select to_regclass('dbm.environment')") is None:
        raise RehearsalError("The copy has no records of db-manager (schema dbm): it is empty, or another database.")
    name = await connection.fetchval("select name from dbm.environment")
    if name != environment:
        raise RehearsalError(f"The copy is the database of {name}, not of {environment}.")
    versions = await connection.fetch("select schema, collection from dbm.version")
    schemas = {each["schema"]: 0 for each in versions}
    tables = await connection.fetch(TABLES, sorted(schemas))
    missing = {(each["schema"], each["collection"]) for each in versions} - {tuple(each) for each in tables}
    if missing or not schemas:
        listed = ", ".join(f"{schema}.{table}" for schema, table in sorted(missing)) or "any schema"
        raise RehearsalError(f"The copy lacks {listed}, of which db-manager has the version.")
    for schema, table in tables:
        schemas[schema] += await connection.fetchval(f"select count(*) from {_quoted(schema)}.{_quoted(table)}")  # noqa: S608 - names from the catalog
    return schemas


async def let_in(connection: Any, role: str, password: str) -> None:
    """Gives the role a password in the copy; it knows the one that it has in the environment."""
    statement = await connection.fetchval(
        "select format('alter role %I password %L', $1::text, $2::text)", role, password
    )
    await connection.execute(statement)


def address(user: str, password: str, place: tuple[str, int], database: str, options: str) -> str:
    host, port = place
    return f"postgresql://{user}:{quote(password, safe='')}@{host}:{port}/{database}{'?' + options if options else ''}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
