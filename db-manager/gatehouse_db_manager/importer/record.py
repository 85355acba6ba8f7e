"""Takes over an imported database: records in `dbm` what exists, so that the plan is empty.

Adds the schema dbm and two roles per schema; no existing table, row or grant changes.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from gatehouse_db_manager import api
from gatehouse_db_manager.config.imported import SCRIPT_MARK
from gatehouse_db_manager.config.model import Collection, Configuration, Schema, short_digest
from gatehouse_db_manager.database.address import Address
from gatehouse_db_manager.database.inspector import inspect
from gatehouse_db_manager.database.lock import lock
from gatehouse_db_manager.errors import Problem, RefusedError
from gatehouse_db_manager.execution.script_objects import note_definitions, there
from gatehouse_db_manager.planning import ddl
from gatehouse_db_manager.planning.plan import Plan, Remember
from gatehouse_db_manager.planning.schema_objects import remember_schema
from gatehouse_db_manager.planning.table_change import remember

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

_SECURED = re.compile("^(forced )?row-level security of |, forced$")
RECORD = b"insert into dbm.object (schema, kind, name, digest, details) values (%s, %s, %s, %s, %s)"


def record(url: Address, configuration: Configuration, *, environment: str, lock_wait: float = 60.0) -> Plan:
    """Records every imported schema and its versions; returns the remaining plan, which should be empty.

    Raises RefusedError if db-manager already manages one of the schemas, or the database belongs to another
    environment."""
    bare = Configuration(root=configuration.root, schemas=())
    api.apply(url, bare, environment=environment, lock_wait=lock_wait)
    with api.connect(url) as connection:
        stop_if_managed(connection, [schema.name for schema in configuration.schemas])
        for schema in configuration.schemas:
            with lock(connection, schema.name, lock_wait), connection.transaction():
                _let_in(connection, schema)
                for kept in _stands(schema):
                    row = [schema.name, kept.kind, kept.name, kept.digest, Jsonb(kept.details)]
                    connection.execute(RECORD, row)
                _found(connection, schema)
    planned = api.plan(url, configuration, environment=environment)
    if not planned.steps and not planned.refusals:
        # Writes only the versions and the record of the run.
        api.apply(url, configuration, environment=environment, lock_wait=lock_wait)
        planned = api.plan(url, configuration, environment=environment)
    return planned


def stop_if_managed(connection: "psycopg.Connection[Any]", schemas: Iterable[str]) -> None:
    """Raises RefusedError if db-manager already manages one of the schemas."""
    live = inspect(connection, list(schemas))
    problems = [
        Problem(
            file="database",
            key="schema",
            value=name,
            message="is already managed by db-manager.",
            fix="Change its configuration files; to only write files, pass --files-only.",
        )
        for name in schemas
        if live.schema(name).objects
    ]
    if problems:
        raise RefusedError(problems)


def _let_in(connection: "psycopg.Connection[Any]", schema: Schema) -> None:
    """Creates the two roles and their grants; no other role loses a right."""
    statements = [ddl.create_role(role) for role in (schema.service_role, schema.reader_role)]
    statements += [one for one in ddl.grants(schema) if not one.startswith("revoke")]
    for statement in statements:
        connection.execute(statement.encode())


def _found(connection: "psycopg.Connection[Any]", schema: Schema) -> None:
    """Records views, functions, triggers and policies that are in files: their change or loss is drift from now on."""
    written = {script.sql.partition("\n")[0].removeprefix(SCRIPT_MARK): script.name for script in schema.scripts}
    for name, details in there(connection, schema.name, schema.roles).items():
        secured = {"policy": name.rpartition(" on ")[2], "row security": _SECURED.sub("", name)}.get(details["type"])
        what = f"row-level security of {schema.name}.{secured}" if secured else _in_full(schema.name, name)
        if what in written:
            known = {**details, "script": written[what]}
            connection.execute(RECORD, [schema.name, "found", name, "", Jsonb(known)])
    note_definitions(connection, schema.name)


def _in_full(schema: str, name: str) -> str:
    """As read.py calls it: view shop.rich, trigger touch on shop.customer."""
    kind, _, rest = name.partition(" ")
    return f"{kind} {rest.replace(' on ', f' on {schema}.')}" if kind == "trigger" else f"{kind} {schema}.{rest}"


def _stands(schema: Schema) -> "Iterator[Remember]":
    yield remember_schema(schema, schema.extensions)
    for sequence in schema.sequences:
        yield Remember(kind="sequence", name=sequence.name, digest=sequence.digest)
    for collection in schema.collections:
        yield from of_collection(collection)
    for script in schema.scripts:
        yield Remember(kind="script", name=script.name, digest=script.digest)


def of_collection(collection: Collection) -> "Iterator[Remember]":
    """The records of a table as its file describes it."""
    table = collection.table
    yield Remember(kind="table", name=table.name, digest=short_digest(table.name))
    yield from (remember(table.name, item) for item in (*table.columns, *table.constraints, *table.indexes))
