"""Drops what db-manager made and no file has any more: constraints and indexes of a table, and last whole tables, once
approved and after everything that refers to them is gone."""

from collections.abc import Callable, Iterable, Iterator

from gatehouse_db_manager.config.model import Schema
from gatehouse_db_manager.database.snapshot import LiveSchema, LiveTable
from gatehouse_db_manager.planning.constraints import drop_constraint
from gatehouse_db_manager.planning.ddl import next_name, with_suffix
from gatehouse_db_manager.planning.indexes import Resting
from gatehouse_db_manager.planning.plan import Remember, Step
from gatehouse_db_manager.planning.table_change import (
    NOTHING,
    RULES,
    WITHOUT_INDEX,
    TableChange,
    brief,
    forget,
    hazard,
    mentions,
    space,
)


def drop_unwanted(change: TableChange) -> None:
    """Drops only what db-manager made; what was added by hand stays."""
    rules = {item.name for item in change.table.constraints}
    indexes = {item.name for item in change.table.indexes}
    indexed = {item.name for item in change.table.constraints if item.kind not in WITHOUT_INDEX}
    given = {with_suffix(f"{change.table.name}_{one.name}", "__given") for one in change.to_require}
    made = [(live.kind, name) for name, live in change.live.constraints.items()]
    made += [("index", name) for name in change.live.indexes]
    for kind, name in made:
        wanted = indexes | indexed if kind == "index" else rules if kind in WITHOUT_INDEX else rules | indexes
        stays = wanted | {next_name(one) for one in wanted} | given
        if not change.recorded(kind, name) or name in stays or space(kind, name) in change.handled:
            continue
        if kind == "check":
            drop_constraint(change, kind, name, "it is no longer in the file")
        elif kind == "index":
            _drop_lost(change, kind, name, f"drop index concurrently if exists {change.schema.name}.{name}", "no_tx")
        else:
            _drop_lost(change, kind, name, change.alter(f"drop constraint {name}"), "tx")


def _drop_lost(change: TableChange, kind: str, name: str, statement: str, how: str) -> None:
    live = change.live.indexes[name] if kind == "index" else change.live.constraints[name]
    definition = live.definition
    rests = Resting(change, name, stays=True, late=True)
    rule = kind in {"unique", "exclusion", "primary_key"} or getattr(live, "unique", False)
    lesson = "unique.drop" if rule else "foreign_key.drop" if kind == "foreign_key" else "index.drop"
    hazards = ()
    # What goes with a column needs no approval of its own.
    if not any(mentions(definition, column) for column in change.gone):
        hazards = (change.hazard(lesson, name, f"no longer has {name}", bad=statement),)
    if rests.down and kind == "index":
        statement, how = f"drop index {change.schema.name}.{name}", "tx"
    change.contract(
        f"drop {kind.replace('_', ' ')} {name}",
        "it is no longer in the file",
        *rests.down,
        statement,
        *rests.up,
        kind=how,
        reversible=True,
        locks=NOTHING if how == "no_tx" else brief(change.table.name),
        remember=(change.forget(kind, name), *rests.remembered),
        hazards=hazards,
    )
    rests.validate(change.contract)


def drop_tables(
    schema: Schema, live: LiveSchema, dropped: Iterable[str], count: Callable[[str], int | None]
) -> Iterator[Step]:
    """`dropped`: tables without a file; `count` asks how many rows there are."""
    for table in (live.tables[name] for name in dropped if name in live.tables):
        name, known = table.name, table.was or table.name
        full = f"{schema.name}.{known}"
        rows = count(f"select count(*) from {full}") if table.size else 0  # noqa: S608 (checked names)
        lost = f"dropping {full} deletes its {rows:,} row{'' if rows == 1 else 's'} for good." if rows else ""
        file, danger = schema.file_of(known), f"was deleted, which drops the table {full}"
        yield Step(
            schema=schema.name,
            collection=name,
            what=f"drop table {name}",
            why="its file is gone",
            statements=(f"drop table {schema.name}.{name}",),
            phase="contract",
            locks=brief(name),
            reversible=False,
            hazards=(hazard("table.drop", full, file, danger, why=lost, rows=rows, full=full),),
            remember=tuple(Remember(kind=kind, name=key) for kind, key in live.objects if _is_of(table, kind, key)),
        )


def _is_of(table: LiveTable, kind: str, name: str) -> bool:
    """Whether a record is of this table."""
    if kind in {"table", "index"}:
        return name == table.name if kind == "table" else name in table.indexes
    return kind in {"column", *RULES} and name.partition(".")[0] == table.name


def unlink_tables(schema: Schema, live: LiveSchema, dropped: Iterable[str], changed: set[str]) -> Iterator[Step]:
    """Drops their foreign keys first, to one another and to tables of which something goes (`changed`)."""
    ends = {*changed, *dropped}
    ends |= {live.tables[name].was for name in ends if name in live.tables}
    for name in (one for one in dropped if one in live.tables):
        rules = live.tables[name].constraints.values()
        links = [one.name for one in rules if one.kind == "foreign_key" and one.target.rpartition(".")[2] in ends]
        if links:
            yield Step(
                schema=schema.name,
                collection=name,
                phase="contract",
                what=f"unlink {', '.join(links)}",
                why="its table is dropped later",
                statements=tuple(f"alter table {schema.name}.{name} drop constraint if exists {one}" for one in links),
                locks=brief(name),
                reversible=False,
                remember=tuple(forget(name, "foreign_key", one) for one in links),
            )
