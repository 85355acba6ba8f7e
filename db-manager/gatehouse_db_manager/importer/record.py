"""Takes imported tables over: records in `dbm` what stands, so that planning finds nothing to do.

Only the schema dbm and the two roles of each schema are new; no table, right or row that was there is touched.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from gatehouse_db_manager import api
from gatehouse_db_manager.config.imported import SCRIPT_MARK
from gatehouse_db_manager.config.model import Configuration, Schema, short_digest
from gatehouse_db_manager.database.address import Address
from gatehouse_db_manager.database.inspector import inspect
from gatehouse_db_manager.database.lock import lock
from gatehouse_db_manager.errors import Problem, RefusedError
from gatehouse_db_manager.execution.script_objects import note_definitions, there
from gatehouse_db_manager.planning import ddl
from gatehouse_db_manager.planning.plan import Plan, Remember
from gatehouse_db_manager.planning.schema_objects import remember_schema
from gatehouse_db_manager.planning.table_change import remember, remember_column

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

_SECURED = re.compile("^row-level security of |, forced$")
_RECORD = b"insert into dbm.object (schema, kind, name, digest, details) values (%s, %s, %s, %s, %s)"


def record(url: Address, configuration: Configuration, *, environment: str, lock_wait: float = 60.0) -> Plan:
    """Records every imported schema and writes its versions; the plan that is left, which is empty if all went well.

    Raises RefusedError when db-manager manages one of the schemas already, or the database belongs elsewhere.
    """
    bare = Configuration(root=configuration.root, schemas=())
    api.apply(url, bare, environment=environment, lock_wait=lock_wait)
    with api.connect(url) as connection:
        stop_if_managed(connection, [schema.name for schema in configuration.schemas])
        for schema in configuration.schemas:
            with lock(connection, schema.name, lock_wait), connection.transaction():
                _let_in(connection, schema)
                for kept in _stands(schema):
                    row = [schema.name, kept.kind, kept.name, kept.digest, Jsonb(kept.details)]
                    connection.execute(_RECORD, row)
                _found(connection, schema)
    planned = api.plan(url, configuration, environment=environment)
    if not planned.steps and not planned.refusals:
        # Versions only: writes them and the run's record, and changes nothing else.
        api.apply(url, configuration, environment=environment, lock_wait=lock_wait)
        planned = api.plan(url, configuration, environment=environment)
    return planned


def stop_if_managed(connection: "psycopg.Connection[Any]", schemas: Iterable[str]) -> None:
    """Raises RefusedError when db-manager made or took over one of the schemas already."""
    live = inspect(connection, list(schemas))
    problems = [
        Problem(
            file="database",
            key="schema",
            value=name,
            message="is managed by db-manager already.",
            fix="Change it by its own configuration files; to only see what is there, say --files-only.",
        )
        for name in schemas
        if live.schema(name).objects
    ]
    if problems:
        raise RefusedError(problems)


def _let_in(connection: "psycopg.Connection[Any]", schema: Schema) -> None:
    """The two roles, with their rights beside those that others have: nobody loses any."""
    statements = [ddl.create_role(role) for role in (schema.service_role, schema.reader_role)]
    statements += [one for one in ddl.grants(schema) if not one.startswith("revoke")]
    for statement in statements:
        connection.execute(statement.encode())


def _found(connection: "psycopg.Connection[Any]", schema: Schema) -> None:
    """Views, functions, triggers and policies that were written down: their loss or change is drift from now on."""
    written = {script.sql.partition("\n")[0].removeprefix(SCRIPT_MARK): script.name for script in schema.scripts}
    for name, details in there(connection, schema.name, schema.roles).items():
        secured = {"policy": name.rpartition(" on ")[2], "row security": _SECURED.sub("", name)}.get(details["type"])
        what = f"row-level security of {schema.name}.{secured}" if secured else _in_full(schema.name, name)
        if what in written:
            known = {**details, "script": written[what]}
            connection.execute(_RECORD, [schema.name, "found", name, "", Jsonb(known)])
    note_definitions(connection, schema.name)


def _in_full(schema: str, name: str) -> str:
    """As read.py calls it: view shop.rich, trigger touch on shop.customer."""
    kind, _, rest = name.partition(" ")
    return f"{kind} {rest.replace(' on ', f' on {schema}.')}" if kind == "trigger" else f"{kind} {schema}.{rest}"


def _stands(schema: Schema) -> "Iterator[Remember]":
    yield remember_schema(schema, ())
    for sequence in schema.sequences:
        yield Remember(kind="sequence", name=sequence.name, digest=sequence.digest)
    for collection in schema.collections:
        table = collection.table
        yield Remember(kind="table", name=table.name, digest=short_digest(table.name))
        yield from (remember_column(table.name, column) for column in table.columns)
        yield from (remember(item) for item in (*table.constraints, *table.indexes))
    for script in schema.scripts:
        yield Remember(kind="script", name=script.name, digest=script.digest)
