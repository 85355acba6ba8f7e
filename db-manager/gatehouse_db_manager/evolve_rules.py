"""How the constraints and indexes of a table with rows may change. A new rule stands beside the old one until it holds,
and what needs to look at every row does so without holding up reads and writes."""

import re
from collections.abc import Iterator
from typing import Any

from gatehouse_db_manager.live import LiveConstraint
from gatehouse_db_manager.model import Constraint, Index
from gatehouse_db_manager.plan_structs import Hazard, Remember
from gatehouse_db_manager.render import create_index, next_name, with_suffix
from gatehouse_db_manager.table_change import (
    NOTHING,
    WITHOUT_INDEX,
    TableChange,
    brief,
    mentions,
    remember,
    space,
    validate,
)
from gatehouse_db_manager.values import quote

# As SCAN_SPEED: rough, in bytes a second.
BUILD_SPEED = 30e6


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
    """The hazard of an enumerator that allows less; None when rows have what it no longer allows."""
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
        why = f"{rows:,} row{' has' if rows == 1 else 's have'} it."
        change.refuse("enumerator.narrow.rows", item.key, danger, why=why, rows=rows, name=item.name)
        return None
    return (change.hazard("enumerator.narrow", item.name, danger, rows=rows),)


def _replace(change: TableChange, item: Constraint) -> None:
    """The new definition stands beside the old one until it holds; only then does the old one go."""
    following = next_name(item.name)
    if change.empty:
        drop, add = f"drop constraint {item.name}", f"add constraint {item.name} {item.definition}"
        references = change.release(item.name)
        change.step(
            f"change {_kind(item)} {item.name}",
            "its definition changed, and the table is empty",
            *_let_go(references),
            change.alter(f"{drop}, {add}"),
            remember=(*change.forget_other(item), remember(item), *_forgotten(references)),
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
            _forget(change, item.kind, following, "it is left over from an older change")
        _add_not_valid(change, item, following)
        validate(change, item, name=following)
    elif not beside.valid:
        validate(change, item, name=following)
    change.step(
        f"let the new {_kind(item)} {item.name} take the old one's place",
        "the new one holds for every row",
        *_let_go(references),
        change.alter(f"drop constraint {item.name}"),
        change.alter(f"rename constraint {following} to {item.name}"),
        remember=(
            *change.forget_other(item),
            remember(item),
            Remember(kind=item.kind, name=following),
            *_forgotten(references),
        ),
        hazards=hazards,
    )


def _lost(change: TableChange, item: Constraint) -> tuple[Hazard, ...]:
    """The hazard of a rule by whose name there will be one of another kind."""
    live = change.live.constraints[item.name]
    if live.kind in {item.kind, "check"}:
        return ()
    lesson = "foreign_key.drop" if live.kind == "foreign_key" else "unique.drop"
    bad = change.alter(f"drop constraint {item.name}")
    return (change.hazard(lesson, item.name, f"no longer has {item.name} as {live.definition}", bad=bad),)


def _leftover(change: TableChange, item: Constraint, *, done: bool) -> None:
    following = next_name(item.name)
    if done and following in change.live.constraints:
        _forget(change, item.kind, following, "it is left over from a change that was taken back")


def _forget(change: TableChange, kind: str, name: str, why: str) -> None:
    drop = change.alter(f"drop constraint {name}")
    change.step(f"drop {kind.replace('_', ' ')} {name}", why, drop, remember=(Remember(kind=kind, name=name),))


def _add_not_valid(change: TableChange, item: Constraint, name: str, **more: Any) -> None:
    target = re.search(r" references ([^ (]+)", item.definition, re.IGNORECASE)
    other = f" and {target[1]}" if target else ""
    change.step(
        f"add {_kind(item)} {name} for new rows",
        "new and changed rows are held to it at once, without looking at the others",
        change.alter(f"add constraint {name} {item.definition} not valid"),
        locks=brief(change.table.name + other),
        remember=(remember(item, name),),
        **more,
    )


def index_of(item: Constraint, name: str = "") -> Index:
    """The unique index that a unique constraint or primary key may be made of."""
    found = re.search(r" include (\([^)]*\))", item.definition, re.IGNORECASE)
    include = f" include {found[1]}" if found else ""
    nulls = " nulls not distinct" if "nulls not distinct" in item.definition.lower() else ""
    definition = f"using btree ({', '.join(item.columns)}){include}{nulls}"
    return Index(name=name or item.name, key=item.key, definition=definition, unique=True)


def _unique(change: TableChange, item: Constraint) -> None:
    """A unique constraint over an index that is built while writes go on."""
    change_index(change, index_of(item))
    change.step(
        f"make {item.name} a constraint",
        "its index is built and valid",
        change.alter(f"add constraint {item.name} unique using index {item.name}{_deferral(item)}"),
        remember=(remember(item), Remember(kind="index", name=item.name)),
    )


def _deferral(item: Constraint) -> str:
    found = re.search(r" deferrable.*", item.definition, re.IGNORECASE)
    return found[0] if found else ""


def _replace_key(change: TableChange, item: Constraint) -> None:
    """Another primary key or unique constraint: its index is built beside the old one, then they change places."""
    if item.kind == "exclusion":
        return  # rewrite.py: PostgreSQL has no way to build one beside the traffic
    following = next_name(item.name)
    change_index(change, index_of(item, following))
    old = change.live.constraints.get(item.name)
    if item.kind == "primary_key":
        # A table has one primary key, whatever its name was.
        old = next((one for one in change.live.constraints.values() if one.kind == "primary_key"), None)
    word = "primary key" if item.kind == "primary_key" else "unique"
    statements = [change.alter(f"drop constraint {old.name}")] if old else []
    gone = [Remember(kind=old.kind, name=old.name)] if old and old.name != item.name else []
    change.handled |= {space(one.kind, one.name) for one in gone}
    statements.append(change.alter(f"add constraint {item.name} {word} using index {following}{_deferral(item)}"))
    what = f"no longer has {item.name} as {old.definition if old else 'it was'}"
    references = change.release(old.name) if old else ()
    change.step(
        f"let the new {_kind(item)} {item.name} take the old one's place",
        "its index is built and valid; both in one transaction",
        *_let_go(references),
        *statements,
        phase="contract",
        remember=(
            *change.forget_other(item),
            remember(item),
            Remember(kind="index", name=following),
            *gone,
            *_forgotten(references),
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


def _let_go(references: tuple[tuple[str, str], ...]) -> list[str]:
    return [f"alter table {table} drop constraint {name}" for table, name in references]


def _forgotten(references: tuple[tuple[str, str], ...]) -> list[Remember]:
    return [Remember(kind="foreign_key", name=name) for _, name in references]


def _instead_of_constraint(change: TableChange, index: Index, old: LiveConstraint) -> None:
    """An index by the name of a constraint, whose own index has that name."""
    following = next_name(index.name)
    references = change.release(old.name)
    if change.empty:
        create = create_index(change.schema.name, change.table.name, index)
        change.step(
            f"let index {index.name} take the place of the constraint",
            "the table is empty",
            *_let_go(references),
            change.alter(f"drop constraint {old.name}"),
            create,
            remember=(Remember(kind=old.kind, name=old.name), remember(index), *_forgotten(references)),
        )
        return
    beside = change.live.indexes.get(following)
    if not (beside and beside.valid and change.stands(index, beside, following)):
        if beside:
            _drop_index(change, following, "it is left over from an older change")
        _build(change, index, following)
    statement = change.alter(f"drop constraint {old.name}")
    change.step(
        f"let index {index.name} take the place of the constraint",
        "the new one is built and valid",
        *_let_go(references),
        statement,
        f"alter index {change.schema.name}.{following} rename to {index.name}",
        phase="contract",
        reversible=False,
        remember=(
            Remember(kind=old.kind, name=old.name),
            remember(index),
            Remember(kind="index", name=following),
            *_forgotten(references),
        ),
        hazards=(
            change.hazard("unique.drop", old.name, f"no longer has {old.name} as {old.definition}", bad=statement),
        ),
    )


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
        drop = [*_let_go(references), f"drop index {change.schema.name}.{index.name}"] if live else []
        create = create_index(change.schema.name, change.table.name, index)
        what = "change" if live else "add"
        remembered = (remember(index), *_forgotten(references))
        change.step(f"{what} index {index.name}", "the table is empty", *drop, create, remember=remembered)
    elif live and live.valid:
        _replace_index(change, index)
    else:
        if live:
            _drop_index(change, index.name, "it was left half-built")
        _build(change, index, index.name)


def _replace_index(change: TableChange, index: Index) -> None:
    following = next_name(index.name)
    beside = change.live.indexes.get(following)
    if not (beside and beside.valid and change.stands(index, beside, following)):
        if beside:
            _drop_index(change, following, "it is left over from an older change")
        _build(change, index, following)
    references = change.release(index.name)
    change.step(
        f"let the new index {index.name} take the old one's place",
        "the new one is built and valid",
        *_let_go(references),
        f"drop index {change.schema.name}.{index.name}",
        f"alter index {change.schema.name}.{following} rename to {index.name}",
        remember=(remember(index), Remember(kind="index", name=following), *_forgotten(references)),
    )


def _build(change: TableChange, index: Index, name: str) -> None:
    change.step(
        f"build {'unique ' if index.unique else ''}index {name}",
        "it is new; CONCURRENTLY, as the table has rows",
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


def drop_unwanted(change: TableChange) -> None:
    """Only what db-manager made itself: what somebody added by hand is not touched."""
    rules = {item.name for item in change.table.constraints}
    indexes = {item.name for item in change.table.indexes}
    indexed = {item.name for item in change.table.constraints if item.kind not in WITHOUT_INDEX}
    given = {with_suffix(f"{change.table.name}_{one.name}", "__given") for one in change.to_require}
    for kind, name in _made_here(change):
        wanted = indexes | indexed if kind == "index" else rules if kind in WITHOUT_INDEX else rules | indexes
        if name in wanted | {next_name(one) for one in wanted} | given or space(kind, name) in change.handled:
            continue
        if kind == "check":
            _forget(change, kind, name, "it is no longer in the file")
        elif kind == "index":
            _drop_lost(change, kind, name, f"drop index concurrently if exists {change.schema.name}.{name}", "no_tx")
        else:
            _drop_lost(change, kind, name, change.alter(f"drop constraint {name}"), "tx")


def _drop_lost(change: TableChange, kind: str, name: str, statement: str, how: str) -> None:
    live = change.live.indexes[name] if kind == "index" else change.live.constraints[name]
    definition = live.definition
    resting = _resting(change, name)
    rule = kind in {"unique", "exclusion", "primary_key"} or getattr(live, "unique", False)
    lesson = "unique.drop" if rule else "foreign_key.drop" if kind == "foreign_key" else "index.drop"
    hazards = ()
    # What falls with a column is part of that column's loss.
    if not any(mentions(definition, column) for column in change.gone):
        hazards = (change.hazard(lesson, name, f"no longer has {name}", bad=statement),)
    if resting and kind == "index":
        statement, how = f"drop index {change.schema.name}.{name}", "tx"
    change.contract(
        f"drop {kind.replace('_', ' ')} {name}",
        "it is no longer in the file",
        *_let_go(tuple((table, item.name) for table, item in resting)),
        statement,
        *(f"alter table {table} add constraint {item.name} {item.definition} not valid" for table, item in resting),
        kind=how,
        reversible=True,
        locks=NOTHING if how == "no_tx" else brief(change.table.name),
        remember=(Remember(kind=kind, name=name), *(remember(item) for _, item in resting)),
        hazards=hazards,
    )
    if resting:
        change.contract(
            f"check every row against {', '.join(item.name for _, item in resting)}",
            "they rest on another key of the same columns now",
            *(f"alter table {table} validate constraint {item.name}" for table, item in resting),
            locks=NOTHING,
            remember=tuple(remember(item) for _, item in resting),
        )


def _resting(change: TableChange, index: str) -> list[tuple[str, Constraint]]:
    """Foreign keys that stay though the key goes that they rest on: there is another one of the same columns."""
    wanted = {(one.name, item.name): item for one in change.schema.collections for item in one.table.constraints}
    return [
        (f"{change.schema.name}.{table.name}", wanted[table.name, name])
        for table in change.tables.values()
        for name, live in table.constraints.items()
        if live.rests_on == index and (table.name, name) in wanted and wanted[table.name, name].kind == "foreign_key"
    ]


def _made_here(change: TableChange) -> Iterator[tuple[str, str]]:
    for name, live in change.live.constraints.items():
        if (live.kind, name) in change.objects:
            yield live.kind, name
    for name in change.live.indexes:
        if ("index", name) in change.objects:
            yield "index", name


def _kind(item: Constraint) -> str:
    return item.kind.replace("_", " ")
