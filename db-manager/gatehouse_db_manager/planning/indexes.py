"""Index changes on an existing table: each index is built concurrently, and only a valid one replaces an older one."""

import re
from collections.abc import Iterable

from gatehouse_db_manager.config.model import Constraint, Index
from gatehouse_db_manager.database.snapshot import LiveConstraint
from gatehouse_db_manager.planning.ddl import create_index, next_name
from gatehouse_db_manager.planning.plan import Remember
from gatehouse_db_manager.planning.table_change import NOTHING, TableChange, remember

# Bytes per second, roughly; see SCAN_SPEED.
BUILD_SPEED = 30e6


def change_index(change: TableChange, index: Index) -> None:
    old = change.live.constraints.get(index.name)
    if old and old.kind in {"unique", "primary_key", "exclusion"}:
        _instead_of_constraint(change, index, old)
        return
    live = change.live.indexes.get(index.name)
    if live and live.valid and change.stands(index, live):
        following = next_name(index.name)
        if following in change.live.indexes:
            _drop_index(change, following, "it is left over from a change that was taken back")
        return
    change.tightens |= index.unique
    if change.empty:
        references = change.release(index.name) if live else ()
        drop = [*let_go(references), f"drop index {change.schema.name}.{index.name}"] if live else []
        create = create_index(change.schema.name, change.table.name, index)
        what = "change" if live else "add"
        remembered = (remember(index), *forgotten(references))
        change.step(f"{what} index {index.name}", "the table is empty", *drop, create, remember=remembered)
    elif live and live.valid:
        _replace_index(change, index)
    else:
        if live:
            _drop_index(change, index.name, "it is invalid: an earlier build failed")
        _build(change, index, index.name)


def _instead_of_constraint(change: TableChange, index: Index, old: LiveConstraint) -> None:
    """Replaces a constraint with an index of the same name."""
    following = next_name(index.name)
    references = change.release(old.name)
    if change.empty:
        create = create_index(change.schema.name, change.table.name, index)
        change.step(
            f"replace constraint {index.name} with an index",
            "the table is empty",
            *let_go(references),
            change.alter(f"drop constraint {old.name}"),
            create,
            remember=(Remember(kind=old.kind, name=old.name), remember(index), *forgotten(references)),
        )
        return
    beside = change.live.indexes.get(following)
    if not (beside and beside.valid and change.stands(index, beside, following)):
        if beside:
            _drop_index(change, following, "it is left over from an older change")
        _build(change, index, following)
    statement = change.alter(f"drop constraint {old.name}")
    change.step(
        f"replace constraint {index.name} with an index",
        "the new index is valid",
        *let_go(references),
        statement,
        f"alter index {change.schema.name}.{following} rename to {index.name}",
        phase="contract",
        reversible=False,
        remember=(
            Remember(kind=old.kind, name=old.name),
            remember(index),
            Remember(kind="index", name=following),
            *forgotten(references),
        ),
        hazards=(
            change.hazard("unique.drop", old.name, f"no longer has {old.name} as {old.definition}", bad=statement),
        ),
    )


def _replace_index(change: TableChange, index: Index) -> None:
    following = next_name(index.name)
    beside = change.live.indexes.get(following)
    if not (beside and beside.valid and change.stands(index, beside, following)):
        if beside:
            _drop_index(change, following, "it is left over from an older change")
        _build(change, index, following)
    references = change.release(index.name)
    change.step(
        f"replace index {index.name}",
        "the new index is valid",
        *let_go(references),
        f"drop index {change.schema.name}.{index.name}",
        f"alter index {change.schema.name}.{following} rename to {index.name}",
        remember=(remember(index), Remember(kind="index", name=following), *forgotten(references)),
    )


def _build(change: TableChange, index: Index, name: str) -> None:
    change.step(
        f"build {'unique ' if index.unique else ''}index {name}",
        "concurrently, as the table has rows",
        create_index(change.schema.name, change.table.name, index, name=name, concurrently=True),
        kind="no_tx",
        locks=NOTHING,
        seconds=change.live.size / BUILD_SPEED,
        remember=(remember(index, name),),
        undo=(f"drop index concurrently if exists {change.schema.name}.{name}",),
        builds=name,
    )


def _drop_index(change: TableChange, name: str, why: str) -> None:
    change.step(
        f"drop index {name}",
        why,
        f"drop index concurrently if exists {change.schema.name}.{name}",
        kind="no_tx",
        locks=NOTHING,
        remember=(Remember(kind="index", name=name),),
    )


def index_of(item: Constraint, name: str = "") -> Index:
    """The unique index from which a unique constraint or primary key is made."""
    found = re.search(r" include (\([^)]*\))", item.definition, re.IGNORECASE)
    include = f" include {found[1]}" if found else ""
    nulls = " nulls not distinct" if "nulls not distinct" in item.definition.lower() else ""
    definition = f"using btree ({', '.join(item.columns)}){include}{nulls}"
    return Index(name=name or item.name, key=item.key, definition=definition, unique=True)


def let_go(references: Iterable[tuple[str, str]]) -> list[str]:
    """Statements that drop foreign keys (table, name)."""
    return [f"alter table {table} drop constraint {name}" for table, name in references]


def forgotten(references: Iterable[tuple[str, str]]) -> list[Remember]:
    """The records that go with them."""
    return [Remember(kind="foreign_key", name=name) for _, name in references]
