"""Index changes on an existing table: each index is built concurrently, and only a valid one replaces an older one. And
what becomes of foreign keys that rest on an index which goes."""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from gatehouse_db_manager.config.model import Constraint, Index
from gatehouse_db_manager.database.snapshot import LiveConstraint, LiveRule
from gatehouse_db_manager.planning.ddl import create_index, next_name
from gatehouse_db_manager.planning.plan import Remember
from gatehouse_db_manager.planning.table_change import NOTHING, WITHOUT_INDEX, TableChange, forget, remember

# Bytes per second, roughly; see SCAN_SPEED.
BUILD_SPEED = 30e6


def change_index(change: TableChange, index: Index) -> None:
    rule, live = change.live.constraints.get(index.name), change.live.indexes.get(index.name)
    if rule and rule.kind not in WITHOUT_INDEX:
        _replace_index(change, index, rule)
        return
    if live and live.valid and change.stands(index, live):
        following = next_name(index.name)
        if following in change.live.indexes:
            _drop_index(change, following, "it is left over from a change that was taken back")
        return
    change.tightens |= index.unique
    if live and (live.valid or change.empty):
        _replace_index(change, index, live)
        return
    if live:
        _drop_index(change, index.name, "it is invalid: an earlier build failed")
    if change.empty:
        create = create_index(change.schema.name, change.table.name, index)
        change.step(f"add index {index.name}", "the table is empty", create, remember=(change.remember(index),))
    else:
        _build(change, index)


def _replace_index(change: TableChange, index: Index, old: LiveRule) -> None:
    """Replaces an index, or a constraint of its name, once the new one is valid beside it."""
    schema, table, rests = change.schema.name, change.table.name, Resting(change, old.name)
    drop, what = f"drop index {schema}.{old.name}", f"index {old.name}"
    more: dict[str, Any] = {}
    remembered = [change.remember(index), *rests.remembered]
    if isinstance(old, LiveConstraint):
        drop, what = change.alter(f"drop constraint {old.name}"), f"constraint {old.name} with an index"
        lost = change.hazard("unique.drop", old.name, f"no longer has {old.name} as {old.definition}", bad=drop)
        more = {} if change.empty else {"phase": "contract", "reversible": False, "hazards": (lost,)}
        remembered.append(change.forget(old.kind, old.name))
    if change.empty:
        take, why = create_index(schema, table, index), "the table is empty"
    else:
        following = next_name(index.name)
        change_index(change, msgspec.structs.replace(index, name=following))
        take, why = f"alter index {schema}.{following} rename to {index.name}", "the new index is valid"
        remembered.append(change.forget("index", following))
    change.step(f"replace {what}", why, *rests.down, drop, take, remember=tuple(remembered), **more)


def _build(change: TableChange, index: Index) -> None:
    name = index.name
    change.step(
        f"build {'unique ' if index.unique else ''}index {name}",
        "concurrently, as the table has rows",
        create_index(change.schema.name, change.table.name, index, concurrently=True),
        kind="no_tx",
        locks=NOTHING,
        seconds=change.live.size / BUILD_SPEED,
        remember=(change.remember(index),),
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
        remember=(change.forget("index", name),),
    )


def index_of(item: Constraint, name: str = "") -> Index:
    """The unique index from which a unique constraint or primary key is made."""
    found = re.search(r" include (\([^)]*\))", item.definition, re.IGNORECASE)
    include = f" include {found[1]}" if found else ""
    nulls = " nulls not distinct" if "nulls not distinct" in item.definition.lower() else ""
    definition = f"using btree ({', '.join(item.columns)}){include}{nulls}"
    return Index(name=name or item.name, key=item.key, definition=definition, unique=True)


class Resting:
    """The foreign keys on `index`, of all tables. Those that can stay, as another key has its columns (`stays`), are
    dropped and added again in the transaction of the change, so they are never missing, and validated in a second one.
    The others are dropped; what their files want comes once the new key stands. `late`: foreign keys are as their files
    want them by now. What isn't ours is never dropped: planning/dependents.py refuses it by name.

    Attributes:
        down, up: statements before and after the change."""

    def __init__(self, change: TableChange, index: str, *, stays: bool = False, late: bool = False) -> None:
        wanted = {(one.name, item.name): item for one in change.schema.collections for item in one.table.constraints}
        self._kept: list[tuple[str, Constraint]] = []
        self.down: list[str] = []
        self.up: list[str] = []
        self.remembered: list[Remember] = []
        self._schema = change.schema.name
        resting = [(table.name, name) for table in change.tables.values() for name in table.resting_on(index)]
        for table, name in resting:
            full, item = f"{self._schema}.{table}", wanted.get((table, name))
            recorded = change.objects.get(("foreign_key", f"{table}.{name}"))
            same = item is not None and recorded is not None and (late or recorded.digest == item.digest)
            if stays and same and item is not None:
                self._kept.append((table, item))
                self.up.append(f"alter table {full} add constraint {name} {item.definition} not valid")
                self.remembered.append(remember(table, item))
            elif late or recorded is None or (full, name) in change.fallen:
                continue
            else:
                change.fallen.add((full, name))
                self.remembered.append(forget(table, "foreign_key", name))
            self.down.append(f"alter table {full} drop constraint {name}")

    def validate(self, add: Callable[..., None]) -> None:
        """Adds the step that validates those which stay."""
        if not self._kept:
            return
        validated = (f"alter table {self._schema}.{table} validate constraint {one.name}" for table, one in self._kept)
        add(
            f"validate {', '.join(item.name for _, item in self._kept)}",
            "they now depend on another key with the same columns",
            *validated,
            locks=NOTHING,
            remember=tuple(remember(table, item) for table, item in self._kept),
        )
