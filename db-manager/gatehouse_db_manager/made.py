"""What repeatable scripts made: dropped as a whole before they run again, so that views of views, other columns and
scripts that are gone need no thought. Tables hold data and are never dropped here; a sequence goes on counting where it
was."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.types.json import Jsonb

from gatehouse_db_manager import others

if TYPE_CHECKING:
    Connection = psycopg.Connection[Any]

# By identity: the last value of a sequence, and whether it has been given out.
Counters = dict[str, tuple[int, bool]]


def there(connection: "Connection", schema: str, roles: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Views, functions, triggers, policies, rights and so on of a schema by name. `roles`: the schema's own."""
    given = {"schemas": [schema], "own": [f"{schema} {role}" for role in roles]}
    rows = connection.execute(others.QUERY.encode(), given).fetchall()
    return {name: {"type": kind, "identity": identity, "order": oid} for _, name, kind, identity, oid in rows}


def drop_made(connection: "Connection", schema: str) -> Counters:
    """Everything the scripts made. What something else depends on stays, and `create or replace` must do."""
    query = "select name, details from dbm.object where schema = %s and kind = 'made'"
    made = sorted(connection.execute(query, [schema]).fetchall(), key=lambda row: -row[1]["order"])
    counters: Counters = {}
    for name, details in made:
        kind, identity = details["type"], details["identity"]
        try:
            with connection.transaction():
                if kind == "sequence":
                    row = connection.execute(f"select last_value, is_called from {identity}".encode()).fetchone()  # noqa: S608
                    counters |= {identity: row} if row else {}
                connection.execute(others.drop(kind, identity).encode())
                query = "delete from dbm.object where schema = %s and kind = 'made' and name = %s"
                connection.execute(query, [schema, name])
        except (
            psycopg.errors.DependentObjectsStillExist,
            psycopg.errors.UndefinedTable,
            psycopg.errors.UndefinedObject,
            psycopg.errors.UndefinedColumn,
        ):
            continue
    return counters


def record_made(
    connection: "Connection", schema: str, roles: Iterable[str], before: set[str], counters: Counters
) -> None:
    """What is there now and wasn't before. What could not be dropped stays recorded."""
    now = there(connection, schema, roles)
    identities = {item["identity"] for item in now.values()}
    for identity, (value, called) in counters.items():
        if identity in identities:
            connection.execute("select setval(%s::regclass, %s, %s)", [identity, value, called])
    rows = [{"name": name, "details": item} for name, item in now.items() if name not in before]
    connection.execute(
        """insert into dbm.object (schema, kind, name, digest, details)
        select %s, 'made', name, '', details from jsonb_to_recordset(%s) as given (name text, details jsonb)
        on conflict (schema, kind, name) do update set details = excluded.details""",
        [schema, Jsonb(rows)],
    )
    query = "delete from dbm.object where schema = %s and kind in ('made', 'found') and not name = any(%s)"
    connection.execute(query, [schema, list(now)])
    note_definitions(connection, schema)


def note_definitions(connection: "Connection", schema: str) -> None:
    """How PostgreSQL words what is made or found: where it words it otherwise later, somebody changed it by hand."""
    known = definitions(connection, [schema]).get(schema, {})
    major = connection.info.server_version // 10000
    words = Jsonb({name: f"{major}:{text}" for name, text in known.items()})
    connection.execute(
        """update dbm.object set details = details || jsonb_build_object('live', %s::jsonb -> name)
        where schema = %s and kind in ('made', 'found') and %s::jsonb ? name""",
        [words, schema, words],
    )


def definitions(connection: "Connection", schemas: list[str]) -> dict[str, dict[str, str]]:
    """By schema and name."""
    found: dict[str, dict[str, str]] = {}
    for schema, name, text in connection.execute(others.DEFINITIONS.encode(), {"schemas": schemas}).fetchall():
        found.setdefault(schema, {})[name] = text
    return found
