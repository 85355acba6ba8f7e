"""How the constraints and indexes of a table with rows may change. A new rule stands beside the old one until it holds,
and what needs to look at every row does so without holding up reads and writes."""

from collections.abc import Iterator

import msgspec

from gatehouse_db_manager.errors import nearest
from gatehouse_db_manager.model import Constraint, Index
from gatehouse_db_manager.plan_structs import Remember
from gatehouse_db_manager.render import create_index, next_name
from gatehouse_db_manager.table_change import NOTHING, TableChange, brief, remember, validate

# As SCAN_SPEED: rough, in bytes a second.
BUILD_SPEED = 30e6


def change_constraint(change: TableChange, item: Constraint) -> None:
    if item.name in change.added_checks:
        return
    live = change.live.constraints.get(item.name)
    recorded = change.objects.get((item.kind, item.name))
    if live is None:
        _new_constraint(change, item)
    elif recorded is None or recorded.digest != item.digest:
        _changed_constraint(change, item, recorded.details.get("values") if recorded else None)
    elif not live.valid:
        validate(change, item)
    _leftover(change, item, done=bool(recorded and recorded.digest == item.digest))


def _new_constraint(change: TableChange, item: Constraint) -> None:
    about = [column.name for column in change.table.columns if item.key == f"columns.{column.key}"]
    change.tightens |= not about or any(name in change.live.columns for name in about)
    if change.empty:
        action = change.alter(f"add constraint {item.name} {item.definition}")
        change.step(
            f"add {_kind(item)} {item.name}",
            "it is new, and the table is empty",
            action,
            remember=(remember(item),),
        )
    elif item.kind in {"check", "foreign_key"}:
        _add_not_valid(change, item, item.name)
        validate(change, item)
    elif item.kind == "unique":
        _unique(change, item)
    else:
        change.refuse(
            item.key,
            f"adds {_kind(item)} {item.name} to a table with rows: every write would wait while it is built.",
            "Add it while the table is empty, or use a unique index.",
        )


def _changed_constraint(change: TableChange, item: Constraint, old_values: list[str] | None) -> None:
    gone = sorted(set(old_values or ()) - set(item.values or old_values or ()))
    if gone and not change.empty:
        change.refuse(
            item.key,
            f"no longer allows {', '.join(gone)}: rows may have it, and running code may write it.",
            "Keep the value, and say in its description that it is not used any more.",
        )
    elif change.empty or item.kind in {"check", "foreign_key"}:
        _replace(change, item)
    else:
        change.refuse(
            item.key,
            f"changes {_kind(item)} {item.name}: running code relies on the old one (ON CONFLICT), and between "
            "the two could come rows that break both.",
            "Give the new one another name and keep the old one beside it.",
        )


def _replace(change: TableChange, item: Constraint) -> None:
    """The new definition stands beside the old one until it holds; only then does the old one go."""
    following = next_name(item.name)
    if change.empty:
        drop, add = f"drop constraint {item.name}", f"add constraint {item.name} {item.definition}"
        change.step(
            f"change {_kind(item)} {item.name}",
            "its definition changed, and the table is empty",
            change.alter(f"{drop}, {add}"),
            remember=(remember(item),),
        )
        return
    change.tightens |= item.values is None
    beside = change.live.constraints.get(following)
    recorded = change.objects.get((item.kind, following))
    if beside is None or recorded is None or recorded.digest != item.digest:
        if beside is not None:
            _forget(change, item.kind, following, "it is left over from an older change")
        _add_not_valid(change, item, following)
        validate(change, item, name=following)
    elif not beside.valid:
        validate(change, item, name=following)
    change.step(
        f"let the new {_kind(item)} {item.name} take the old one's place",
        "the new one holds for every row",
        change.alter(f"drop constraint {item.name}"),
        change.alter(f"rename constraint {following} to {item.name}"),
        remember=(remember(item), Remember(kind=item.kind, name=following)),
    )


def _leftover(change: TableChange, item: Constraint, *, done: bool) -> None:
    following = next_name(item.name)
    if done and following in change.live.constraints:
        _forget(change, item.kind, following, "it is left over from a change that was taken back")


def _forget(change: TableChange, kind: str, name: str, why: str) -> None:
    drop = change.alter(f"drop constraint {name}")
    change.step(f"drop {kind.replace('_', ' ')} {name}", why, drop, remember=(Remember(kind=kind, name=name),))


def _add_not_valid(change: TableChange, item: Constraint, name: str) -> None:
    other = f" and {item.definition.split(' references ')[1].split(' ')[0]}" if item.kind == "foreign_key" else ""
    change.step(
        f"add {_kind(item)} {name} for new rows",
        "new and changed rows are held to it at once, without looking at the others",
        change.alter(f"add constraint {name} {item.definition} not valid"),
        locks=brief(change.table.name + other),
        remember=(remember(item, name),),
    )


def _unique(change: TableChange, item: Constraint) -> None:
    """A unique constraint over an index that is built while writes go on."""
    index = Index(
        name=item.name,
        key=item.key,
        definition="using btree " + item.definition.removeprefix("unique ").strip(),
        unique=True,
    )
    if "nulls not distinct" in item.definition:
        index = msgspec.structs.replace(index, definition=f"using btree ({', '.join(item.columns)}) nulls not distinct")
    change_index(change, index)
    change.step(
        f"make {item.name} a constraint",
        "its index is built and valid",
        change.alter(f"add constraint {item.name} unique using index {item.name}"),
        remember=(remember(item), Remember(kind="index", name=item.name)),
    )


def change_index(change: TableChange, index: Index) -> None:
    live = change.live.indexes.get(index.name)
    recorded = change.objects.get(("index", index.name))
    if live and live.valid and recorded and recorded.digest == index.digest:
        return
    change.tightens |= index.unique
    if change.empty:
        drop = [f"drop index {change.schema.name}.{index.name}"] if live else []
        create = create_index(change.schema.name, change.table.name, index)
        what = "change" if live else "add"
        change.step(f"{what} index {index.name}", "the table is empty", *drop, create, remember=(remember(index),))
    elif live and live.valid:
        _replace_index(change, index)
    else:
        if live:
            _drop_index(change, index.name, "it was left half-built")
        _build(change, index, index.name)


def _replace_index(change: TableChange, index: Index) -> None:
    following = next_name(index.name)
    beside = change.live.indexes.get(following)
    recorded = change.objects.get(("index", following))
    if not (beside and beside.valid and recorded and recorded.digest == index.digest):
        if beside:
            _drop_index(change, following, "it is left over from an older change")
        _build(change, index, following)
    change.step(
        f"let the new index {index.name} take the old one's place",
        "the new one is built and valid",
        f"drop index {change.schema.name}.{index.name}",
        f"alter index {change.schema.name}.{following} rename to {index.name}",
        remember=(remember(index), Remember(kind="index", name=following)),
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
    wanted = {item.name for item in (*change.table.constraints, *change.table.indexes)}
    wanted |= {next_name(name) for name in wanted}
    for kind, name in _made_here(change):
        if name in wanted:
            continue
        if kind == "index" and name in change.live.indexes and not change.live.indexes[name].unique:
            _drop_index(change, name, "it is no longer in the file")
        elif kind in {"check", "exclusion", "foreign_key"}:
            _forget(change, kind, name, "it is no longer in the file")
        else:
            known = [item.name for item in change.table.constraints]
            change.refuse(
                "unique" if kind != "primary_key" else "primary_key",
                f"no longer has {name}: running code may rely on it (ON CONFLICT), and rows that break it can't be "
                "undone.",
                f"Keep it for now. {nearest(name, known)}",
            )


def _made_here(change: TableChange) -> Iterator[tuple[str, str]]:
    for name in change.live.constraints:
        kind = change.live.constraints[name].kind
        if (kind, name) in change.objects:
            yield kind, name
    for name in change.live.indexes:
        if ("index", name) in change.objects:
            yield "index", name


def _kind(item: Constraint) -> str:
    return item.kind.replace("_", " ")
