"""Loads reference and test data: upserts by primary key, one statement per file.

Rows that are no longer in a file stay, and columns that it doesn't mention keep their value.
"""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from gatehouse_db_manager.config.model import Data
from gatehouse_db_manager.config.relative_times import resolved_rows

_DONE = """
insert into dbm.data (schema, collection, kind, digest, rows) values (%s, %s, %s, %s, %s)
on conflict (schema, collection, kind) do update set digest = excluded.digest, rows = excluded.rows, applied_at = now()
"""


def load_rows(connection: "psycopg.Connection[Any]", schema: str, data: Data) -> None:
    """Inserts and updates in the caller's transaction. Foreign keys are checked at its end, so the order doesn't
    matter."""
    connection.execute("set constraints all deferred")
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in resolved_rows(data.rows, datetime.now(UTC)):
        by_columns[tuple(sorted(row))].append(row)
    key = _primary_key(connection, schema, data.collection)
    for columns, rows in by_columns.items():
        connection.execute(_upsert(f"{schema}.{data.collection}", columns, key).encode(), [Jsonb(rows)])
    # A table that was empty has no statistics until autovacuum runs. Skips a table that another ANALYZE has locked.
    connection.execute(f"analyze (skip_locked) {schema}.{data.collection}".encode())
    connection.execute(_DONE, [schema, data.collection, data.kind, data.digest, len(data.rows)])


def _primary_key(connection: "psycopg.Connection[Any]", schema: str, table: str) -> tuple[str, ...]:
    query = """select a.attname from pg_index x
        join pg_attribute a on a.attrelid = x.indrelid and a.attnum = any(x.indkey)
        where x.indrelid = to_regclass(%s) and x.indisprimary"""
    return tuple(name for (name,) in connection.execute(query, [f"{schema}.{table}"]).fetchall())


def _upsert(full: str, columns: tuple[str, ...], key: tuple[str, ...]) -> str:
    """An upsert that doesn't write unchanged rows. Column names come from the checked configuration."""
    listed = ", ".join(columns)
    others = [name for name in columns if name not in key]
    statement = (
        f"insert into {full} as kept ({listed}) select {listed} from jsonb_populate_recordset(null::{full}, %s)"  # noqa: S608
        f" on conflict ({', '.join(key)}) do "
    )
    if not others:
        return statement + "nothing"
    changes = ", ".join(f"{name} = excluded.{name}" for name in others)
    old, new = ", ".join(f"kept.{name}" for name in others), ", ".join(f"excluded.{name}" for name in others)
    return f"{statement}update set {changes} where ({old}) is distinct from ({new})"
