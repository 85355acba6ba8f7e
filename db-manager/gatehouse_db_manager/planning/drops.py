"""Drops what db-manager made and no file has any more: constraints and indexes of a table, and last whole tables, once
approved and after everything that refers to them is gone."""

from collections.abc import Callable, Iterable, Iterator

from gatehouse_db_manager.config.model import Schema
from gatehouse_db_manager.database.snapshot import LiveSchema, LiveTable
from gatehouse_db_manager.planning.constraints import forget
from gatehouse_db_manager.planning.ddl import next_name, with_suffix
from gatehouse_db_manager.planning.foreign_keys import checked, put_up, resting_on, taken_down
from gatehouse_db_manager.planning.plan import Remember, Step
from gatehouse_db_manager.planning.table_change import (
    NOTHING,
    WITHOUT_INDEX,
    TableChange,
    brief,
    hazard,
    mentions,
    remember,
    space,
)


def drop_unwanted(change: TableChange) -> None:
    """Drops only what db-manager made; what was added by hand stays."""
    rules = {item.name for item in change.table.constraints}
    indexes = {item.name for item in change.table.indexes}
    indexed = {item.name for item in change.table.constraints if item.kind not in WITHOUT_INDEX}
    given = {with_suffix(f"{change.table.name}_{one.name}", "__given") for one in change.to_require}
    for kind, name in _made_here(change):
        wanted = indexes | indexed if kind == "index" else rules if kind in WITHOUT_INDEX else rules | indexes
        if name in wanted | {next_name(one) for one in wanted} | given or space(kind, name) in change.handled:
            continue
        if _is_anothers(change, name):
            continue
        if kind == "check":
            forget(change, kind, name, "it is no longer in the file")
        elif kind == "index":
            _drop_lost(change, kind, name, f"drop index concurrently if exists {change.schema.name}.{name}", "no_tx")
        else:
            _drop_lost(change, kind, name, change.alter(f"drop constraint {name}"), "tx")


def _drop_lost(change: TableChange, kind: str, name: str, statement: str, how: str) -> None:
    live = change.live.indexes[name] if kind == "index" else change.live.constraints[name]
    definition = live.definition
    resting = resting_on(change, name)
    rule = kind in {"unique", "exclusion", "primary_key"} or getattr(live, "unique", False)
    lesson = "unique.drop" if rule else "foreign_key.drop" if kind == "foreign_key" else "index.drop"
    hazards = ()
    # What goes with a column needs no approval of its own.
    if not any(mentions(definition, column) for column in change.gone):
        hazards = (change.hazard(lesson, name, f"no longer has {name}", bad=statement),)
    if resting and kind == "index":
        statement, how = f"drop index {change.schema.name}.{name}", "tx"
    change.contract(
        f"drop {kind.replace('_', ' ')} {name}",
        "it is no longer in the file",
        *taken_down(resting),
        statement,
        *put_up(resting),
        kind=how,
        reversible=True,
        locks=NOTHING if how == "no_tx" else brief(change.table.name),
        remember=(Remember(kind=kind, name=name), *(remember(item) for _, item in resting)),
        hazards=hazards,
    )
    if resting:
        what, why, statements = checked(resting)
        change.contract(what, why, *statements, locks=NOTHING, remember=tuple(remember(item) for _, item in resting))


def _is_anothers(change: TableChange, name: str) -> bool:
    """Whether the record under this name is of another table's constraint: PostgreSQL names them by table."""
    collections = [one for one in change.schema.collections if one.name != change.table.name]
    wanted = {one.name for one in collections if any(item.name == name for item in one.table.constraints)}
    return any(name in change.tables[table].constraints for table in wanted & change.tables.keys())


def _made_here(change: TableChange) -> Iterator[tuple[str, str]]:
    for name, live in change.live.constraints.items():
        if (live.kind, name) in change.objects:
            yield live.kind, name
    for name in change.live.indexes:
        if ("index", name) in change.objects:
            yield "index", name


def drop_tables(
    schema: Schema, live: LiveSchema, dropped: Iterable[str], count: Callable[[str], int | None]
) -> Iterator[Step]:
    """`dropped`: tables without a file; `count` asks how many rows there are."""
    for name in (name for name in dropped if name in live.tables):
        full = f"{schema.name}.{live.tables[name].was or name}"
        rows = count(f"select count(*) from {full}") if live.tables[name].size else 0  # noqa: S608 (checked names)
        yield _drop_table(schema, live, live.tables[name], rows)


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


def _drop_table(schema: Schema, live: LiveSchema, table: LiveTable, rows: int | None) -> Step:
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
