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
    standing = [name for name in dropped if name in live.tables]
    for name in standing:
        links = [one for one in live.tables[name].constraints.values() if one.kind == "foreign_key"]
        yield from (_unlink(schema, name, one.name) for one in links if one.target.split(".")[-1] in standing)
    for name in standing:
        full = f"{schema.name}.{live.tables[name].was or name}"
        rows = count(f"select count(*) from {full}") if live.tables[name].size else 0  # noqa: S608 (checked names)
        yield _drop(schema, live, live.tables[name], rows)


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
        why="both tables go",
        statements=(f"alter table {schema.name}.{table} drop constraint if exists {name}",),
        locks=brief(table),
        reversible=False,
        remember=(Remember(kind="foreign_key", name=name),),
    )
