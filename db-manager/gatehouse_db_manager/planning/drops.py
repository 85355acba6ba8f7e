"""Drops constraints and indexes that db-manager made and that are no longer in the file."""

from collections.abc import Iterator

from gatehouse_db_manager.planning.constraints import forget
from gatehouse_db_manager.planning.ddl import next_name, with_suffix
from gatehouse_db_manager.planning.foreign_keys import checked, put_up, resting_on, taken_down
from gatehouse_db_manager.planning.plan import Remember
from gatehouse_db_manager.planning.table_change import (
    NOTHING,
    WITHOUT_INDEX,
    TableChange,
    brief,
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
        if (live.kind, name) in change.objects and not _is_anothers(change, name):
            yield live.kind, name
    for name in change.live.indexes:
        if ("index", name) in change.objects:
            yield "index", name
