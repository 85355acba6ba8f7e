"""`gate db import --table`: takes over single tables that were made by hand in a schema that db-manager manages."""

from pathlib import Path
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from gatehouse_db_manager import api
from gatehouse_db_manager.config.load import load
from gatehouse_db_manager.database.address import Address
from gatehouse_db_manager.database.inspector import inspect
from gatehouse_db_manager.database.lock import lock
from gatehouse_db_manager.errors import Problem, RefusedError, nearest
from gatehouse_db_manager.importer.read import ImportFindings, read
from gatehouse_db_manager.importer.record import RECORD, of_collection
from gatehouse_db_manager.importer.write import Imported, files_of
from gatehouse_db_manager.planning import ddl


def adopt(url: Address, names: tuple[str, ...], root: Path, *, environment: str, lock_wait: float = 60.0) -> Imported:
    """Writes the collection files of tables (`schema.table`) into the checkout at `root` and records them. The two
    roles of the schema get their rights on them; nothing else changes.

    Raises RefusedError, and writes nothing, if one doesn't exist, is managed already or can't be a collection.
    """
    schemas = tuple(dict.fromkeys(name.partition(".")[0] for name in names))
    with api.connect(url) as connection:
        found = read(connection, schemas)
        managed = inspect(connection, schemas)
    known = [f"{table.schema}.{table.name}" for table in found.tables]
    recorded = {f"{one}.{name}" for one in schemas for kind, name in managed.schema(one).objects if kind == "table"}
    files = {_file(name): text for name in names if (text := files_of(found).files.get(_file(name)))}
    problems = []
    for name in names:
        # The first that applies.
        reasons = {
            ("does not exist in this database.", nearest(name, known)): name not in known,
            ("is already managed by db-manager.", "Change its collection file."): name in recorded,
            ("is in a schema that is not managed.", "Import the whole schema: run without --table."): (
                not managed.schema(name.partition(".")[0]).objects
            ),
            ("can't be a collection.", "See what `gate db import --files-only` lists about it."): _file(name)
            not in files,
            ("has a collection file already.", f"Delete {_file(name)}, or rename it."): (root / _file(name)).exists(),
            ("is in a schema without a schema.yaml there.", "Give the checkout that has it with --out."): (
                not (root / _file(name)).parents[1].joinpath("schema.yaml").is_file()
            ),
        }
        if why := next((why for why, applies in reasons.items() if applies), None):
            problems.append(Problem(file="database", key="table", value=name, message=why[0], fix=why[1]))
    if problems:
        raise RefusedError(problems)
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8", newline="\n")
    configuration = load(root, schemas)
    with api.connect(url) as connection:
        for schema in configuration.schemas:
            chosen = [one for one in schema.collections if f"{schema.name}.{one.name}" in names]
            with lock(connection, schema.name, lock_wait), connection.transaction():
                for statement in ddl.rights_of_tables(msgspec.structs.replace(schema, collections=tuple(chosen))):
                    connection.execute(statement.encode())
                for kept in (item for one in chosen for item in of_collection(one)):
                    connection.execute(RECORD, [schema.name, kept.kind, kept.name, kept.digest, Jsonb(kept.details)])
    left = api.plan(url, configuration, environment=environment)
    if not left.steps and not left.refusals:
        api.apply(url, configuration, environment=environment, lock_wait=lock_wait)
    return Imported(files=files, unmanaged=_about(found, names), schemas=schemas)


def _file(name: str) -> str:
    schema, _, table = name.partition(".")
    return f"services/{schema}/database/collections/{table}.yaml"


def _about(found: ImportFindings, names: tuple[str, ...]) -> tuple[str, ...]:
    """What is listed about these tables."""
    listed: list[Any] = [*files_of(found).unmanaged]
    return tuple(text for text in listed if any(f"{name}:" in text or text.endswith(name) for name in names))
