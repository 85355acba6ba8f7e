"""Checks that the services' Piccolo tables match the database: code must not read a missing column, expect another
type, or treat a nullable column as required.

Piccolo tables are never the source of the schema, and db-manager imports no service: each module is imported in a
process of its own. Extra columns in the database are fine: the schema changes first, then the code.
"""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gatehouse_db_manager.errors import FailedError, Problem

if TYPE_CHECKING:
    import psycopg

    from gatehouse_db_manager.config.model import Configuration

# Runs in a process of its own, so that nothing of a service is imported here.
_DESCRIBE = """
import importlib, json, sys
from piccolo.table import Table
module = importlib.import_module(sys.argv[1])
found = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Table)]
print(json.dumps([
    {"name": one.__name__, "schema": one._meta.schema or "public", "table": one._meta.tablename, "columns": [
        {"name": column._meta.db_column_name, "type": column.column_type, "nullable": bool(column._meta.null)}
        for column in one._meta.columns]}
    for one in found if one.__module__ == module.__name__]))
"""
_IMPORT = 60  # seconds
# Piccolo's type names -> PostgreSQL's, as format_type() spells them.
_TYPES = {
    "BIGSERIAL": "bigint",
    "BOOLEAN": "boolean",
    "BYTEA": "bytea",
    "DECIMAL": "numeric",
    "DOUBLE PRECISION": "double precision",
    "NUMERIC": "numeric",
    "SERIAL": "integer",
    "TIMESTAMP": "timestamp without time zone",
    "TIMESTAMPTZ": "timestamp with time zone",
    "VARCHAR": "character varying",
}
_COLUMNS = b"""
select n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull or a.attgenerated <> ''
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where n.nspname = any(%s) and c.relkind in ('r', 'p', 'v', 'm')
"""


class CodeColumn(msgspec.Struct, frozen=True):
    name: str
    type: str
    nullable: bool


class CodeTable(msgspec.Struct, frozen=True):
    """A Piccolo table as declared in a service."""

    name: str
    schema: str
    table: str
    columns: tuple[CodeColumn, ...]


class Actual(msgspec.Struct, frozen=True):
    """A column in the database or the configuration. `given`: never null, as it is NOT NULL or generated."""

    type: str
    given: bool


# By (schema, table), then by column.
Columns = dict[tuple[str, str], dict[str, Actual]]


def code_tables(module: str) -> tuple[CodeTable, ...]:
    """The Piccolo tables of a module such as `gatehouse_person.tables`. Raises FailedError."""
    command = [sys.executable, "-c", _DESCRIBE, module]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_IMPORT)  # noqa: S603 (ours)
    except subprocess.TimeoutExpired:
        message = f"The tables of {module} can't be read: importing it takes more than {_IMPORT} s. Fix the module."
        raise FailedError(message) from None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise FailedError(f"The tables of {module} can't be read: {reason} Fix the module, or run uv sync.")
    return msgspec.json.decode(done.stdout, type=tuple[CodeTable, ...])


def check(root: Path, configuration: "Configuration", actual: Columns) -> list[Problem]:
    """Compares every service whose schema is configured with `actual`."""
    schemas = {schema.name for schema in configuration.schemas}
    problems = []
    for module in service_modules(root):
        tables = [table for table in code_tables(module) if table.schema in schemas]
        problems += compare(module, tables, actual)
    return problems


def service_modules(root: Path) -> list[str]:
    """The `tables` modules of services with a database, in the checkout at `root`."""
    folders = sorted(file.parents[1] for file in root.glob("services/*/database/schema.yaml"))
    files = [file for folder in folders for file in folder.glob("gatehouse_*/tables.py")]
    return [f"{file.parent.name}.tables" for file in files]


def configured(configuration: "Configuration") -> Columns:
    """The columns of each table in the configuration."""
    return {
        (schema.name, one.name): {
            item.name: Actual(item.sql_type, item.required or item.generated is not None) for item in one.table.columns
        }
        for schema in configuration.schemas
        for one in schema.collections
    }


def applied(connection: "psycopg.Connection[Any]", schemas: Iterable[str]) -> Columns:
    """The columns of each table in the database."""
    found: Columns = {}
    for schema, table, column, sql_type, given in connection.execute(_COLUMNS, [list(schemas)]).fetchall():
        found.setdefault((schema, table), {})[column] = Actual(sql_type, given)
    return found


def compare(module: str, tables: Iterable[CodeTable], actual: Columns) -> list[Problem]:
    """Where code and database differ. Empty if they match."""
    problems = []
    for table in tables:
        columns = actual.get((table.schema, table.table))
        where = f"{module.replace('.', '/')}.py"
        if columns is None:
            message = f"declares {table.schema}.{table.table}, which doesn't exist."
            problems.append(Problem(file=where, key=table.name, message=message, fix="Add its collection file."))
            continue
        for column in table.columns:
            if found := _misfit(column, columns.get(column.name)):
                key = f"{table.name}.{column.name}"
                problems.append(Problem(file=where, key=key, value=column.type, message=found[0], fix=found[1]))
    return problems


def _misfit(column: CodeColumn, actual: Actual | None) -> tuple[str, str] | None:
    if actual is None:
        return "doesn't exist in the table.", "Add it to the collection file, or remove it from the code."
    wanted = _sql_type(column.type)
    # numeric(10,2) is read as numeric, varchar(50) as varchar.
    if wanted != actual.type and wanted != actual.type.partition("(")[0]:
        return f"is {actual.type} in the database.", f"Use the Piccolo column for {actual.type}."
    if not column.nullable and not actual.given:
        return (
            "is nullable in the database, but not in the code.",
            "Use null=True in the code, or `required: true` in the file.",
        )
    return None


def _sql_type(piccolo: str) -> str:
    if piccolo.endswith("[]"):
        return _sql_type(piccolo.removesuffix("[]")) + "[]"
    bare = piccolo.partition("(")[0].strip()
    return _TYPES.get(bare, bare.lower())
