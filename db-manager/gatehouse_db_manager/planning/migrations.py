"""The steps of migration files: those between the applied and the wanted version."""

from collections.abc import Iterable
from typing import Any

from gatehouse_db_manager.config.model import Migration, Schema
from gatehouse_db_manager.database.snapshot import LiveSchema
from gatehouse_db_manager.planning.plan import Backfill, Step
from gatehouse_db_manager.planning.table_change import hazard


def pending(schema: Schema, live: LiveSchema) -> tuple[Migration, ...]:
    """Migrations between the applied and the wanted version."""
    wanted = {one.name: one.version for one in schema.collections}
    chosen = []
    for one in schema.migrations:
        applied = live.versions.get(one.collection)
        if applied is None or one.key in live.migrations:
            continue
        before = tuple(map(int, applied.version.split(".")))[:3]
        if before < one.version <= wanted[one.collection][:3]:
            chosen.append(one)
    return tuple(chosen)


def plan_migrations(schema: Schema, live: LiveSchema, chosen: Iterable[Migration], kind: str) -> Iterable[Step]:
    """The steps of those of one kind."""
    for one in (one for one in chosen if one.kind == kind):
        batches = kind == "backfill"
        more = _batches(schema, live, one) if batches else _transaction(schema, one)
        yield Step(
            schema=schema.name,
            collection=one.collection,
            what=f"run {one.key}",
            why=f"{one.collection} passes {'.'.join(map(str, one.version))}{'; in batches, resumable' * batches}",
            reversible=False,
            migrations=(one,),
            **more,
        )


def _transaction(schema: Schema, one: Migration) -> dict[str, Any]:
    contract = one.kind == "contract"
    name = f"{schema.name}.{one.key} {one.digest[:20]}"
    return {
        "phase": "contract" if contract else "expand",
        "statements": (f"set local search_path = {schema.name}, public", one.sql),
        "locks": "what its statements lock (each waits at most 100 ms, then retries)",
        "hazards": (hazard("migration.contract", name, one.file, "removes something"),) if contract else (),
    }


def _batches(schema: Schema, live: LiveSchema, one: Migration) -> dict[str, Any]:
    table = live.tables.get(one.collection)
    rules = table.constraints.values() if table else ()
    key = next((rule.columns for rule in rules if rule.kind == "primary_key"), ())
    full = f"{schema.name}.{one.collection}"
    return {
        "kind": "backfill",
        "phase": "backfill",
        "statements": (one.sql,),
        "locks": "a few rows at a time",
        "seconds": (table.size if table else 0) / 5e6,
        "backfill": Backfill(name=one.key, table=full, key=key, assignments=one.assignments, condition=one.condition),
    }
