"""Constraint changes on an existing table. A new definition exists next to the old one until it is valid, and scans
don't block reads or writes."""

import re
from typing import Any

from gatehouse_db_manager.config.model import Constraint
from gatehouse_db_manager.config.values import quote
from gatehouse_db_manager.planning.ddl import next_name
from gatehouse_db_manager.planning.foreign_keys import checked, put_up, taken_down, unchanged
from gatehouse_db_manager.planning.indexes import change_index, forgotten, index_of, let_go
from gatehouse_db_manager.planning.plan import Hazard, Remember
from gatehouse_db_manager.planning.table_change import (
    NOTHING,
    WITHOUT_INDEX,
    TableChange,
    brief,
    remember,
    space,
    validate,
)


def change_constraint(change: TableChange, item: Constraint) -> None:
    live = change.live.constraints.get(item.name)
    done = live is not None and change.stands(item, live)
    if live is None:
        _new_constraint(change, item)
    elif not done:
        _changed_constraint(change, item)
    elif not live.valid:
        validate(change, item)
    _leftover(change, item, done=done)


def _new_constraint(change: TableChange, item: Constraint) -> None:
    about = [column.name for column in change.table.columns if item.key == f"columns.{column.key}"]
    change.tightens |= not about or any(name in change.live.columns for name in about)
    if change.empty:
        taken = item.kind not in WITHOUT_INDEX and item.name in change.live.indexes
        change.step(
            f"add {_kind(item)} {item.name}",
            "it is new, and the table is empty",
            *([f"drop index {change.schema.name}.{item.name}"] if taken else []),
            change.alter(f"add constraint {item.name} {item.definition}"),
            remember=(*change.forget_other(item), remember(item)),
        )
    elif item.kind in {"check", "foreign_key"}:
        _add_not_valid(change, item, item.name)
        validate(change, item)
    elif item.kind == "unique":
        _unique(change, item)
    else:
        _replace_key(change, item)


def _changed_constraint(change: TableChange, item: Constraint) -> None:
    if change.empty or item.kind in {"check", "foreign_key"}:
        _replace(change, item)
    else:
        _replace_key(change, item)


def _narrowed(change: TableChange, item: Constraint) -> tuple[Hazard, ...] | None:
    """The hazard of an enumerator that allows less; None, and a refusal, if rows hold a removed value."""
    recorded = change.recorded(item.kind, item.name)
    old = recorded.details.get("values") if recorded else None
    gone = sorted(set(old or ()) - set(item.values or old or ()))
    if not gone or change.empty:
        return ()
    (column,) = item.columns
    listed = ", ".join(map(quote, gone))
    is_list = " <@ " in item.definition
    test = f"{column} && array[{listed}]::text[]" if is_list else f"{column} in ({listed})"
    rows = change.count(test)
    danger = f"no longer allows {', '.join(gone)}"
    if rows and not change.migrates:
        why = f"{rows:,} row{' has' if rows == 1 else 's have'} this value."
        change.refuse("enumerator.narrow.rows", item.key, danger, why=why, rows=rows, name=item.name)
        return None
    return (change.hazard("enumerator.narrow", item.name, danger, rows=rows),)


def _replace(change: TableChange, item: Constraint) -> None:
    """Adds the new definition next to the old one, validates it, then drops the old one."""
    following = next_name(item.name)
    if change.empty:
        drop, add = f"drop constraint {item.name}", f"add constraint {item.name} {item.definition}"
        references = change.release(item.name)
        change.step(
            f"change {_kind(item)} {item.name}",
            "its definition changed, and the table is empty",
            *let_go(references),
            change.alter(f"{drop}, {add}"),
            remember=(*change.forget_other(item), remember(item), *forgotten(references)),
        )
        return
    hazards = _narrowed(change, item)
    if hazards is None:
        return
    hazards += _lost(change, item)
    references = change.release(item.name)
    change.tightens |= item.values is None
    beside = change.live.constraints.get(following)
    if beside is None or not change.stands(item, beside, following):
        if beside is not None:
            forget(change, item.kind, following, "left over from an earlier change")
        _add_not_valid(change, item, following)
        validate(change, item, name=following)
    elif not beside.valid:
        validate(change, item, name=following)
    change.step(
        f"replace {_kind(item)} {item.name}",
        "the new one is valid for every row",
        *let_go(references),
        change.alter(f"drop constraint {item.name}"),
        change.alter(f"rename constraint {following} to {item.name}"),
        remember=(
            *change.forget_other(item),
            remember(item),
            Remember(kind=item.kind, name=following),
            *forgotten(references),
        ),
        hazards=hazards,
    )


def _lost(change: TableChange, item: Constraint) -> tuple[Hazard, ...]:
    """The hazard of a constraint whose name a constraint of another kind takes."""
    live = change.live.constraints[item.name]
    if live.kind in {item.kind, "check"}:
        return ()
    lesson = "foreign_key.drop" if live.kind == "foreign_key" else "unique.drop"
    bad = change.alter(f"drop constraint {item.name}")
    return (change.hazard(lesson, item.name, f"no longer has {item.name} as {live.definition}", bad=bad),)


def _leftover(change: TableChange, item: Constraint, *, done: bool) -> None:
    following = next_name(item.name)
    if done and following in change.live.constraints:
        forget(change, item.kind, following, "left over from a change that was reverted")


def forget(change: TableChange, kind: str, name: str, why: str) -> None:
    drop = change.alter(f"drop constraint {name}")
    change.step(f"drop {kind.replace('_', ' ')} {name}", why, drop, remember=(Remember(kind=kind, name=name),))


def _add_not_valid(change: TableChange, item: Constraint, name: str, **more: Any) -> None:
    target = re.search(r" references ([^ (]+)", item.definition, re.IGNORECASE)
    other = f" and {target[1]}" if target else ""
    change.step(
        f"add {_kind(item)} {name} (not valid yet)",
        "checks new and changed rows at once, without scanning existing ones",
        change.alter(f"add constraint {name} {item.definition} not valid"),
        locks=brief(change.table.name + other),
        remember=(remember(item, name),),
        **more,
    )


def _unique(change: TableChange, item: Constraint) -> None:
    """Adds a unique constraint from an index that is built concurrently."""
    change_index(change, index_of(item))
    change.step(
        f"attach {item.name} as a constraint",
        "its index is built and valid",
        change.alter(f"add constraint {item.name} unique using index {item.name}{_deferral(item)}"),
        remember=(remember(item), Remember(kind="index", name=item.name)),
    )


def _deferral(item: Constraint) -> str:
    found = re.search(r" deferrable.*", item.definition, re.IGNORECASE)
    return found[0] if found else ""


def _replace_key(change: TableChange, item: Constraint) -> None:
    """Replaces a primary key or unique constraint: builds the new index first, then swaps them."""
    if item.kind == "exclusion":
        return  # see table_rewrite.py: it can't be built concurrently
    following = next_name(item.name)
    change_index(change, index_of(item, following))
    old = change.live.constraints.get(item.name)
    if item.kind == "primary_key":
        # A table has one primary key, whatever its name.
        old = next((one for one in change.live.constraints.values() if one.kind == "primary_key"), None)
    word = "primary key" if item.kind == "primary_key" else "unique"
    statements = [change.alter(f"drop constraint {old.name}")] if old else []
    gone = [Remember(kind=old.kind, name=old.name)] if old and old.name != item.name else []
    change.handled |= {space(one.kind, one.name) for one in gone}
    statements.append(change.alter(f"add constraint {item.name} {word} using index {following}{_deferral(item)}"))
    what = f"no longer has {item.name} as {old.definition if old else 'it was'}"
    resting = unchanged(change, old.name) if old and old.columns == item.columns else []
    references = change.release(old.name, frozenset(one.name for _, one in resting)) if old else ()
    change.step(
        f"replace {_kind(item)} {item.name}",
        "its index is valid; both change in one transaction",
        *let_go(references),
        *taken_down(resting),
        *statements,
        *put_up(resting),
        phase="contract",
        remember=(
            *change.forget_other(item),
            remember(item),
            Remember(kind="index", name=following),
            *gone,
            *forgotten(references),
            *(remember(one) for _, one in resting),
        ),
        hazards=(
            change.hazard(
                "unique.change",
                item.name,
                what,
                bad=change.alter(f"drop constraint {item.name}, add constraint {item.name} {item.definition}"),
            ),
        ),
    )
    if resting:
        what, why, checks = checked(resting)
        change.step(what, why, *checks, locks=NOTHING, remember=tuple(remember(one) for _, one in resting))


def _kind(item: Constraint) -> str:
    return item.kind.replace("_", " ")
