"""Renames, where a file says `renamed_from`: a column or a collection gets its new name together with the rules that
are named after it.

Running code breaks at that moment, so somebody has to approve it; the safe way is a new one beside the old one.
"""

from collections.abc import Iterable

import msgspec

from gatehouse_db_manager.live import LiveColumn, LiveSchema, Recorded
from gatehouse_db_manager.model import Collection, Column, Constraint, Index, Schema
from gatehouse_db_manager.names import LONGEST
from gatehouse_db_manager.plan_structs import Remember, Step
from gatehouse_db_manager.render import next_name
from gatehouse_db_manager.table_change import RULES, TableChange, brief, hazard, remember, remember_column, substitute


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
    # PostgreSQL names the sequence behind an identity column, and (from 18 on) NOT NULL, after the column.
    default_name = f"{table}_{old}_not_null"
    followed = live.not_null_name == default_name and len(f"{table}_{new}_not_null") <= LONGEST
    named = f"{table}_{new}_not_null" if followed else live.not_null_name
    change.live.columns[new] = msgspec.structs.replace(live, name=new, not_null_name=named)
    change.names_now[new] = old
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
    if followed:
        statements.append(change.alter(f"rename constraint {default_name} to {named}"))
    statements += _rename_sequence(change.schema, live, f"{table}_{old}", f"{table}_{new}")
    for item in (*change.table.constraints, *change.table.indexes):
        _follow(change, item, old, new, statements, remembered)
    change.reshaped = True
    change.step(
        f"rename column {old} to {new}",
        "its file says so",
        *statements,
        phase="contract",
        remember=tuple(remembered),
        hazards=(change.hazard("column.rename", f"{table}.{old}", f"renames {old} to {new}", column=old, new=new),),
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


def rename_tables(schema: Schema, live: LiveSchema) -> Iterable[Step]:
    """What follows is planned as if collections had their new names already. `live` is changed in place."""
    wanted = {collection.name for collection in schema.collections}
    for collection in schema.collections:
        old = collection.renamed_from
        if not old or old in wanted or collection.name in live.tables:
            continue
        if old in live.tables and ("table", old) in live.objects:
            yield _rename_table(schema, live, collection, old)


def _rename_table(schema: Schema, live: LiveSchema, collection: Collection, old: str) -> Step:
    new = collection.name
    table = live.tables.pop(old)
    statements = [f"alter table {schema.name}.{old} rename to {new}"]
    full = f"{schema.name}.{new}"
    names: dict[str, str] = {}
    for column in table.columns.values():
        statements += _rename_sequence(schema, column, f"{old}_{column.name}", f"{new}_{column.name}")
        if column.not_null_name == f"{old}_{column.name}_not_null":
            follows = f"{new}_{column.name}_not_null"
            statements.append(f"alter table {full} rename constraint {column.not_null_name} to {follows}")
            table.columns[column.name] = msgspec.structs.replace(column, not_null_name=follows)
    for name in (*table.constraints, *table.indexes):
        follows = new + name.removeprefix(old)
        recorded = any((kind, name) in live.objects for kind in RULES)
        if not (recorded and name.startswith(f"{old}_") and len(follows) <= LONGEST):
            continue
        names[name] = follows
        if name in table.constraints:
            statements.append(f"alter table {full} rename constraint {name} to {follows}")
            table.constraints[follows] = msgspec.structs.replace(table.constraints.pop(name), name=follows)
        else:
            statements.append(f"alter index {schema.name}.{name} rename to {follows}")
            table.indexes[follows] = msgspec.structs.replace(table.indexes.pop(name), name=follows)
    live.tables[new] = msgspec.structs.replace(table, name=new, was=old)
    statements += [
        f"update dbm.{one} set collection = '{new}' where schema = '{schema.name}' and collection = '{old}'"  # noqa: S608
        for one in ("collection_version", "data")
    ]
    if old in live.versions:
        live.versions[new] = live.versions.pop(old)
    for kind in ("reference", "test"):
        if (old, kind) in live.data:
            live.data[new, kind] = live.data.pop((old, kind))
    return Step(
        schema=schema.name,
        collection=new,
        kind="tx",
        phase="contract",
        what=f"rename collection {old} to {new}",
        why="its file says so",
        statements=tuple(statements),
        locks=brief(old),
        reversible=False,
        remember=tuple(_rename_records(schema, live, old, new, names)),
        hazards=(
            hazard(
                "table.rename",
                f"{schema.name}.{old}",
                collection.file,
                f"renames the collection {old} to {new}",
                table=old,
                full=f"{schema.name}.{old}",
                new=new,
            ),
        ),
    )


def _rename_records(schema: Schema, live: LiveSchema, old: str, new: str, names: dict[str, str]) -> Iterable[Remember]:
    """Everything that is recorded under the old names, and what refers to the table, under the new ones."""
    target, own = f"{schema.name}.{old}", {one.name for one in live.tables[new].constraints.values()}
    pointing = set()
    for table in live.tables.values():
        for name, rule in list(table.constraints.items()):
            if rule.target == target:
                table.constraints[name] = msgspec.structs.replace(rule, target=f"{schema.name}.{new}")
                pointing.add(name)
    wanted = {
        item.name: item
        for collection in schema.collections
        for item in collection.table.constraints
        if item.kind == "foreign_key"
    }
    for (kind, name), recorded in list(live.objects.items()):
        follows = name
        if kind == "table" and name == old:
            follows = new
        elif kind == "column" and name.startswith(f"{old}."):
            follows = new + name.removeprefix(old)
        elif kind in RULES:
            follows = names.get(name, name)
        if follows == name and not (kind in RULES and (name in pointing or name in own)):
            continue
        details = {key: value for key, value in recorded.details.items() if key != "live"}
        digest = recorded.digest
        item = wanted.get(follows)
        if kind == "foreign_key" and item is not None:
            earlier = msgspec.structs.replace(item, definition=substitute(item.definition, {new: old}))
            digest = item.digest if earlier.digest == digest else digest
        if follows != name:
            del live.objects[kind, name]
            yield Remember(kind=kind, name=name)
        live.objects[kind, follows] = Recorded(digest=digest, details=details)
        yield Remember(kind=kind, name=follows, digest=digest, details=details)


def _rename_sequence(schema: Schema, column: LiveColumn, old: str, new: str) -> list[str]:
    if not column.identity or len(f"{new}_seq") > LONGEST:
        return []
    return [f"alter sequence {schema.name}.{old}_seq rename to {new}_seq"]
