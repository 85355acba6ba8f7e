"""Renames, where a file says `renamed_from`: a column gets its new name together with the rules that are named
after it.

Running code breaks at that moment, so somebody has to approve it; the safe way is a new column beside the old one.
"""

import msgspec

from gatehouse_db_manager.live import Recorded
from gatehouse_db_manager.model import Column, Constraint, Index
from gatehouse_db_manager.names import LONGEST
from gatehouse_db_manager.plan_structs import Remember
from gatehouse_db_manager.render import next_name
from gatehouse_db_manager.table_change import TableChange, remember, remember_column, substitute


def rename_columns(change: TableChange) -> None:
    """What follows is planned as if the names were changed already."""
    kept = {column.name for column in change.table.columns}
    for column in change.table.columns:
        old = column.renamed_from
        if old and column.name not in change.live.columns and old in change.live.columns and old not in kept:
            _rename(change, column, old)


def _rename(change: TableChange, column: Column, old: str) -> None:
    table, new = change.table.name, column.name
    live = change.live.columns.pop(old)
    change.live.columns[new] = msgspec.structs.replace(live, name=new)
    for name, rule in change.live.constraints.items():
        columns = tuple(new if one == old else one for one in rule.columns)
        change.live.constraints[name] = msgspec.structs.replace(rule, columns=columns)
    recorded = change.objects.pop(("column", f"{table}.{old}"), None)
    remembered = [Remember(kind="column", name=f"{table}.{old}")]
    if recorded:
        details = {key: value for key, value in recorded.details.items() if key != "live"}
        change.objects["column", f"{table}.{new}"] = msgspec.structs.replace(recorded, details=details)
        given = {key: value for key, value in details.items() if key in {"default", "generated", "backfill"}}
        item = remember_column(table, column)
        remembered.append(msgspec.structs.replace(item, digest=recorded.digest, details=given))
    statements = [change.alter(f"rename column {old} to {new}")]
    default_name = f"{table}_{old}_not_null"
    if live.not_null_name == default_name and len(f"{table}_{new}_not_null") <= LONGEST:
        statements.append(change.alter(f"rename constraint {default_name} to {table}_{new}_not_null"))
    for item in (*change.table.constraints, *change.table.indexes):
        _follow(change, item, old, new, statements, remembered)
    change.reshaped = True
    change.step(
        f"rename column {old} to {new}",
        "its file says so",
        *statements,
        phase="contract",
        remember=tuple(remembered),
        hazards=(
            change.hazard(
                "rename",
                f"{table}.{old}",
                f"renames {old} to {new}",
                "code that is running asks for the old name and fails from that moment on.",
                bad=statements[0],
                good=f"Add {new} beside {old}, write both, move the readers, then drop {old}.",
            ),
        ),
    )


def _follow(
    change: TableChange,
    item: Constraint | Index,
    old: str,
    new: str,
    statements: list[str],
    remembered: list[Remember],
) -> None:
    """A rule that means the same under the new name is neither checked nor built again; only its name may change."""
    table = change.table.name
    before = f"{table}_{old}_{item.name.removeprefix(f'{table}_{new}_')}"
    was = before if item.name.startswith(f"{table}_{new}_") else item.name
    kind = "index" if isinstance(item, Index) else item.kind
    recorded = change.objects.get((kind, was))
    place = change.live.indexes if isinstance(item, Index) else change.live.constraints
    if recorded is None or was not in place or (was != item.name and item.name in place):
        return
    names = {new: old}
    earlier = msgspec.structs.replace(item, definition=substitute(item.definition, names))
    same = earlier.digest == recorded.digest
    if was != item.name:
        what = "index" if isinstance(item, Index) else "constraint"
        renamed = f"alter index {change.schema.name}.{was} rename to {item.name}"
        statements.append(renamed if what == "index" else change.alter(f"rename constraint {was} to {item.name}"))
        found = place.pop(was)
        place[item.name] = msgspec.structs.replace(found, name=item.name)  # ty: ignore[invalid-assignment]
        del change.objects[kind, was]
        remembered.append(Remember(kind=kind, name=was))
        place.pop(next_name(was), None)
    digest = item.digest if same else recorded.digest
    details = {key: value for key, value in recorded.details.items() if key != "live"}
    change.objects[kind, item.name] = Recorded(digest=digest, details=details)
    if same or was != item.name:
        remembered.append(msgspec.structs.replace(remember(item), digest=digest, details=details))
