"""Do the services' Piccolo tables fit the database? The code must not read a column that isn't there, nor with
another type, nor call something always given that may be null.

Piccolo's tables are never the source of the schema, and db-manager imports no service: each service's own
interpreter is asked what its tables say. More columns in the database than in the code are fine: schema first, then
code.
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

# Run in an interpreter of its own: what a service imports stays there.
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
# Piccolo's words -> PostgreSQL's, as format_type() spells them.
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
    """A Piccolo table as a service's code has it."""

    name: str
    schema: str
    table: str
    columns: tuple[CodeColumn, ...]


class Actual(msgspec.Struct, frozen=True):
    """A column as the database, or the configuration, has it. `given`: the code needn't expect null, because it is
    NOT NULL or generated from columns that are."""

    type: str
    given: bool


# By (schema, table), then by column.
Columns = dict[tuple[str, str], dict[str, Actual]]


def code_tables(module: str) -> tuple[CodeTable, ...]:
    """What the Piccolo tables of a module such as `gatehouse_person.tables` say. Raises FailedError."""
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
    """Every service whose schema is configured, against `actual`."""
    schemas = {schema.name for schema in configuration.schemas}
    problems = []
    for module in service_modules(root):
        tables = [table for table in code_tables(module) if table.schema in schemas]
        problems += compare(module, tables, actual)
    return problems


def service_modules(root: Path) -> list[str]:
    """The tables modules of services that have a database, in the checkout at `root`."""
    folders = sorted(file.parents[1] for file in root.glob("services/*/database/schema.yaml"))
    files = [file for folder in folders for file in folder.glob("gatehouse_*/tables.py")]
    return [f"{file.parent.name}.tables" for file in files]


def configured(configuration: "Configuration") -> Columns:
    """The columns that the configuration gives to each table."""
    return {
        (schema.name, one.name): {
            item.name: Actual(item.sql_type, item.required or item.generated is not None) for item in one.table.columns
        }
        for schema in configuration.schemas
        for one in schema.collections
    }


def applied(connection: "psycopg.Connection[Any]", schemas: Iterable[str]) -> Columns:
    """The columns that the database really has."""
    found: Columns = {}
    for schema, table, column, sql_type, given in connection.execute(_COLUMNS, [list(schemas)]).fetchall():
        found.setdefault((schema, table), {})[column] = Actual(sql_type, given)
    return found


def compare(module: str, tables: Iterable[CodeTable], actual: Columns) -> list[Problem]:
    """Where code and database don't fit, with the fix. Empty when all is well."""
    problems = []
    for table in tables:
        columns = actual.get((table.schema, table.table))
        where = f"{module.replace('.', '/')}.py"
        if columns is None:
            message = f"is about {table.schema}.{table.table}, which isn't there."
            problems.append(Problem(file=where, key=table.name, message=message, fix="Add its collection file."))
            continue
        for column in table.columns:
            if found := _misfit(column, columns.get(column.name)):
                key = f"{table.name}.{column.name}"
                problems.append(Problem(file=where, key=key, value=column.type, message=found[0], fix=found[1]))
    return problems


def _misfit(column: CodeColumn, actual: Actual | None) -> tuple[str, str] | None:
    if actual is None:
        return "is a column that the table doesn't have.", "Add it to the collection file, or remove it from the code."
    wanted = _sql_type(column.type)
    # numeric(10,2) is read as numeric, varchar(50) as varchar.
    if wanted != actual.type and wanted != actual.type.partition("(")[0]:
        return f"is {actual.type} in the database.", f"Use the Piccolo column for {actual.type}."
    if not column.nullable and not actual.given:
        return "may be null in the database, but the code doesn't expect that.", "Say null=True, or `required: true`."
    return None


def _sql_type(piccolo: str) -> str:
    if piccolo.endswith("[]"):
        return _sql_type(piccolo.removesuffix("[]")) + "[]"
    bare = piccolo.partition("(")[0].strip()
    return _TYPES.get(bare, bare.lower())
