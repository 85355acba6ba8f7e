"""Drops tables whose file was deleted, once approved and after everything that refers to them is gone."""

from collections.abc import Callable, Iterable, Iterator

from gatehouse_db_manager.config.model import Schema
from gatehouse_db_manager.database.snapshot import LiveSchema, LiveTable
from gatehouse_db_manager.planning.plan import Remember, Step
from gatehouse_db_manager.planning.table_change import brief, hazard


def drop_tables(
    schema: Schema, live: LiveSchema, dropped: Iterable[str], count: Callable[[str], int | None]
) -> Iterator[Step]:
    """`dropped`: tables without a file; `count` asks how many rows there are."""
    for name in (name for name in dropped if name in live.tables):
        full = f"{schema.name}.{live.tables[name].was or name}"
        rows = count(f"select count(*) from {full}") if live.tables[name].size else 0  # noqa: S608 (checked names)
        yield _drop(schema, live, live.tables[name], rows)


def unlink_tables(schema: Schema, live: LiveSchema, dropped: Iterable[str], changed: set[str]) -> Iterator[Step]:
    """Drops the foreign keys of these tables to one another, and to tables of which something else goes first."""
    tables = [live.tables[name] for name in dropped if name in live.tables]
    known = {table.was or table.name: table.name for table in live.tables.values()}
    ends = {f"{schema.name}.{one}" for one in {*changed, *(table.name for table in tables)}}
    ends |= {f"{schema.name}.{old}" for old, new in known.items() if f"{schema.name}.{new}" in ends}
    ends |= {one.removeprefix("public.") for one in ends}
    for table in tables:
        for link in table.constraints.values():
            if link.kind == "foreign_key" and link.target in ends:
                yield _unlink(schema, table.name, link.name)


def _drop(schema: Schema, live: LiveSchema, table: LiveTable, rows: int | None) -> Step:
    name, known = table.name, table.was or table.name
    full = f"{schema.name}.{known}"
    file = f"{schema.file.rpartition('/')[0]}/collections/{known}.yaml"
    lost = f"dropping {full} deletes its {rows:,} row{'' if rows == 1 else 's'} for good." if rows else ""
    drop = hazard(
        "table.drop", full, file, f"was deleted, which drops the table {full}", why=lost, rows=rows, full=full
    )
    made = [("table", name)]
    made += [("column", f"{name}.{one}") for one in table.columns]
    made += [(one.kind, one.name) for one in table.constraints.values()]
    made += [("index", one) for one in table.indexes]
    return Step(
        schema=schema.name,
        collection=name,
        kind="tx",
        what=f"drop table {name}",
        why="its file is gone",
        statements=(f"drop table {schema.name}.{name}",),
        phase="contract",
        locks=brief(name),
        reversible=False,
        hazards=(drop,),
        remember=tuple(Remember(kind=kind, name=key) for kind, key in made if (kind, key) in live.objects),
    )


def _unlink(schema: Schema, table: str, name: str) -> Step:
    return Step(
        schema=schema.name,
        collection=table,
        kind="tx",
        phase="contract",
        what=f"unlink {name}",
        why="its table is dropped later",
        statements=(f"alter table {schema.name}.{table} drop constraint if exists {name}",),
        locks=brief(table),
        reversible=False,
        remember=(Remember(kind="foreign_key", name=name),),
    )
