"""Constraint changes on an existing table. A new definition exists next to the old one until it is valid, and scans
don't block reads or writes."""

import re

from gatehouse_db_manager.config.model import Constraint
from gatehouse_db_manager.config.values import quote
from gatehouse_db_manager.database.snapshot import LiveConstraint
from gatehouse_db_manager.planning.columns import number_columns, require_columns
from gatehouse_db_manager.planning.ddl import next_name
from gatehouse_db_manager.planning.indexes import Resting, change_index, index_of
from gatehouse_db_manager.planning.plan import Hazard
from gatehouse_db_manager.planning.table_change import WITHOUT_INDEX, TableChange, prove, space


def enforce(change: TableChange) -> None:
    """Adds rules about the table alone, including keys."""
    require_columns(change)
    number_columns(change)
    change_constraints(change, "primary_key", "unique", "check", "exclusion")
    for index in change.table.indexes:
        if space(index) not in change.handled:
            change_index(change, index)


def change_constraints(change: TableChange, *kinds: str) -> None:
    for item in change.table.constraints:
        if item.kind in kinds and space(item) not in change.handled:
            _change(change, item)


def _change(change: TableChange, item: Constraint) -> None:
    live = change.live.constraints.get(item.name)
    following = next_name(item.name)
    if live is not None and change.stands(item, live):
        if not live.valid:
            prove(change, item)
        if following in change.live.constraints:
            drop_constraint(change, item.kind, following, "left over from a change that was reverted")
        return
    if live is None:
        about = [column.name for column in change.table.columns if item.key == f"columns.{column.key}"]
        change.tightens |= not about or any(name in change.live.columns for name in about)
    if change.empty:
        _at_once(change, item, live)
    elif item.kind in WITHOUT_INDEX and live is None:
        prove(change, item)
    elif item.kind in WITHOUT_INDEX:
        _replace(change, item, following)
    else:
        _replace_key(change, item)


def _at_once(change: TableChange, item: Constraint, live: LiveConstraint | None) -> None:
    """On an empty table."""
    rests = Resting(change, item.name)
    taken = item.kind not in WITHOUT_INDEX and item.name in change.live.indexes
    change.step(
        f"{'change' if live else 'add'} {_kind(item)} {item.name}",
        "its definition changed, and the table is empty" if live else "it is new, and the table is empty",
        *rests.down,
        *([f"drop index {change.schema.name}.{item.name}"] if taken else []),
        change.alter(f"{f'drop constraint {item.name}, ' if live else ''}add constraint {item.name} {item.definition}"),
        remember=(*change.forget_other(item), change.remember(item), *rests.remembered),
    )


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


def _replace(change: TableChange, item: Constraint, following: str) -> None:
    """Adds the new definition next to the old one, validates it, then drops the old one."""
    hazards = _narrowed(change, item)
    if hazards is None:
        return
    hazards += _lost(change, item)
    rests = Resting(change, item.name)
    change.tightens |= item.values is None
    beside = change.live.constraints.get(following)
    if beside is not None and not change.stands(item, beside, following):
        drop_constraint(change, item.kind, following, "left over from an earlier change")
        change.without({following})
    prove(change, item, following)
    change.step(
        f"replace {_kind(item)} {item.name}",
        "the new one is valid for every row",
        *rests.down,
        change.alter(f"drop constraint {item.name}"),
        change.alter(f"rename constraint {following} to {item.name}"),
        remember=(
            *change.forget_other(item),
            change.remember(item),
            change.forget(item.kind, following),
            *rests.remembered,
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


def drop_constraint(change: TableChange, kind: str, name: str, why: str) -> None:
    drop = change.alter(f"drop constraint {name}")
    change.step(f"drop {kind.replace('_', ' ')} {name}", why, drop, remember=(change.forget(kind, name),))


def _deferral(item: Constraint) -> str:
    found = re.search(r" deferrable.*", item.definition, re.IGNORECASE)
    return found[0] if found else ""


def _replace_key(change: TableChange, item: Constraint) -> None:
    """Replaces a primary key or unique constraint: builds the new index first, then swaps them."""
    if item.kind == "exclusion":
        return  # see table_rewrite.py: it can't be built concurrently
    old = change.live.constraints.get(item.name)
    if item.kind == "unique" and old is None:
        change_index(change, index_of(item))
        attach = change.alter(f"add constraint {item.name} unique using index {item.name}{_deferral(item)}")
        remembered = (change.remember(item), change.forget("index", item.name))
        change.step(f"attach {item.name} as a constraint", "its index is built and valid", attach, remember=remembered)
        return
    following = next_name(item.name)
    change_index(change, index_of(item, following))
    if item.kind == "primary_key":
        # A table has one primary key, whatever its name.
        old = next((one for one in change.live.constraints.values() if one.kind == "primary_key"), None)
    word = "primary key" if item.kind == "primary_key" else "unique"
    statements = [change.alter(f"drop constraint {old.name}")] if old else []
    statements.append(change.alter(f"add constraint {item.name} {word} using index {following}{_deferral(item)}"))
    renamed = [old] if old and old.name != item.name else []
    change.handled |= {space(one) for one in renamed}
    what = f"no longer has {item.name} as {old.definition if old else 'it was'}"
    bad = change.alter(f"drop constraint {item.name}, add constraint {item.name} {item.definition}")
    rests = Resting(change, old.name if old else "-", stays=bool(old and old.columns == item.columns))
    change.step(
        f"replace {_kind(item)} {item.name}",
        "its index is valid; both change in one transaction",
        *rests.down,
        *statements,
        *rests.up,
        phase="contract",
        remember=(
            *change.forget_other(item),
            change.remember(item),
            change.forget("index", following),
            *(change.forget(one.kind, one.name) for one in renamed),
            *rests.remembered,
        ),
        hazards=(change.hazard("unique.change", item.name, what, bad=bad),),
    )
    rests.validate(change.step)


def _kind(item: Constraint) -> str:
    return item.kind.replace("_", " ")
