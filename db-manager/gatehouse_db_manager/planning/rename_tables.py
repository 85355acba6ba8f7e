"""Renames tables: collections (`renamed_from`), with everything that is named after them, and what has a name that
something else needs."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from gatehouse_db_manager.config.model import Collection, Constraint, Schema, short_digest
from gatehouse_db_manager.config.names import LONGEST
from gatehouse_db_manager.database.snapshot import LiveSchema, Recorded
from gatehouse_db_manager.planning.ddl import with_suffix
from gatehouse_db_manager.planning.plan import Remember, Step
from gatehouse_db_manager.planning.rename_columns import (
    Move,
    RecordChanges,
    due,
    follow,
    follow_column,
    in_order,
    statements,
)
from gatehouse_db_manager.planning.table_change import RULES, WITHOUT_INDEX, brief, hazard, recorded_name, substitute


def remember_table(collection: Collection) -> Remember:
    details = {"from": collection.renamed_from} if collection.renamed_from else {}
    return Remember(kind="table", name=collection.name, digest=short_digest(collection.name), details=details)


def rename_tables(schema: Schema, live: LiveSchema) -> Iterable[Step]:
    """Changes `live` in place: what follows is planned with the new names."""
    wanted = {collection.name: collection for collection in schema.collections}
    given = {name: one.renamed_from for name, one in wanted.items() if one.renamed_from}
    own = {name: old for name, old in given.items() if ("table", old) in live.objects}

    def done(new: str, old: str) -> bool:
        recorded = live.objects.get(("table", new))
        return recorded is None or recorded.details.get("from") == old

    names = {old: new for new, old in due(own, live.tables, wanted, done).items()}
    for group in in_order(names):
        # Collections that swap names do so in one transaction.
        origins = [*(old for old, _ in group[:-1]), group[0][0]]
        records, sql = RecordChanges(live.objects), []
        for (old, new), origin in zip(group, origins, strict=True):
            sql += _Table(schema, live, records, old, new, origin).rename()
        ends = [(group[0][0], group[-1][1]), *group[1:-1]] if len(group) > 1 else group
        for _, new in ends:
            settled = remember_table(wanted[new])
            records.put("table", new, settled.digest or "", settled.details)
        yield _renamed(schema, wanted, ends, sql, records)


def make_way(schema: Schema, live: LiveSchema) -> Iterator[Step]:
    """Frees names that something else is about to take. Index names are unique in a schema, so one that is dropped from
    one table may be needed by another, or by a new table. Until it is dropped, the old object gets a temporary name.
    Changes `live` in place: what follows is planned as if the renames had run."""
    wanted = dict(_wanted(schema))
    for name in list(live.tables):
        if wanted.get(name) and ("table", name) in live.objects:
            yield _move_table(schema, live, name, with_suffix(name, "__gone"))
    for table in live.tables.values():
        for place in table.rules:
            for name, item in list(place.items()):
                kind = getattr(item, "kind", "index")
                taken = kind not in WITHOUT_INDEX and wanted.get(name, table.name) != table.name
                recorded = live.objects.get((kind, recorded_name(table.name, kind, name)))
                if not taken or recorded is None:
                    continue
                other = with_suffix(name, "__gone")
                place[other] = msgspec.structs.replace(place.pop(name), name=other)
                renamed = RecordChanges(live.objects)
                renamed.move(kind, recorded_name(table.name, kind, name), recorded_name(table.name, kind, other))
                follow(live.tables.values(), [(kind, name, other)])
                what, why = (
                    f"rename {name} of {table.name} to {other}",
                    f"{wanted[name] or 'the schema'} needs the name",
                )
                sql = statements(schema.name, table.name, [(kind, name, other)])
                yield _step(schema, table.name, what, why, sql, renamed, locks=brief(table.name), phase="expand")


def _wanted(schema: Schema) -> Iterator[tuple[str, str]]:
    """Each wanted name with its table; "" for a table's own name."""
    for collection in schema.collections:
        yield collection.name, ""
        for item in (*collection.table.constraints, *collection.table.indexes):
            if getattr(item, "kind", "index") not in WITHOUT_INDEX:
                yield item.name, collection.name


def _move_table(schema: Schema, live: LiveSchema, old: str, new: str) -> Step:
    """Renames a table that will be dropped, as something else needs its name. Changes `live` in place."""
    records = RecordChanges(live.objects)
    sql = _Table(schema, live, records, old, new, old).rename()
    why = "an index needs the name, and the table will be dropped"
    return _step(schema, old, f"rename table {old} to {new}", why, sql, records, reversible=True, locks=brief(old))


def _renamed(
    schema: Schema, wanted: dict[str, Collection], ends: list[tuple[str, str]], sql: list[str], records: RecordChanges
) -> Step:
    listed = ", ".join(f"{old} to {new}" for old, new in ends)
    what = f"rename collection{'s' if len(ends) > 1 else ''} {listed}"
    hazards = []
    for old, new in ends:
        full, danger = f"{schema.name}.{old}", f"renames the collection {old} to {new}"
        hazards.append(hazard("table.rename", full, wanted[new].file, danger, table=old, full=full, new=new))
    more: dict[str, Any] = {
        "locks": brief(", ".join(old for old, _ in ends)),
        "reversible": False,
        "hazards": tuple(hazards),
    }
    return _step(schema, ends[0][1], what, "renamed_from in its file", sql, records, **more)


def _step(
    schema: Schema, collection: str, what: str, why: str, sql: list[str], records: RecordChanges, **more: Any
) -> Step:
    about: dict[str, Any] = {"collection": collection, "what": what, "why": why, "phase": "contract", **more}
    return Step(schema=schema.name, statements=tuple(sql), remember=records.net, **about)


class _Table:
    """One table to rename. `origin`: its name before an intermediate one."""

    def __init__(
        self, schema: Schema, live: LiveSchema, records: RecordChanges, old: str, new: str, origin: str
    ) -> None:
        self.schema, self.live, self.old, self.new, self.origin = schema, live, old, new, origin
        self.records = records
        self.table = live.tables.pop(old)
        self.full = f"{schema.name}.{new}"

    def rename(self) -> list[str]:
        """The statements."""
        schema, live, old, new = self.schema, self.live, self.old, self.new
        sql = [f"alter table {schema.name}.{old} rename to {new}"]
        moves = [*self._columns(), *self._rules()]
        sql += statements(schema.name, new, moves)
        live.tables[new] = msgspec.structs.replace(self.table, name=new, was=self.table.was or old)
        follow(live.tables.values(), moves)
        sql += [
            f"update dbm.{one} set collection = '{new}' where schema = '{schema.name}' and collection = '{old}'"  # noqa: S608
            for one in ("collection_version", "data")
        ]
        if old in live.versions:
            live.versions[new] = live.versions.pop(old)
        for kind in ("reference", "test"):
            if (old, kind) in live.data:
                live.data[new, kind] = live.data.pop((old, kind))
        self._records({name: follows for _, name, follows in moves})
        return sql

    def _columns(self) -> Iterator[Move]:
        for name, column in list(self.table.columns.items()):
            self.table.columns[name], moves = follow_column(column, (self.old, name), (self.new, name))
            yield from moves

    def _rules(self) -> Iterator[Move]:
        for place in self.table.rules:
            before = dict(place)
            place.clear()  # a name that one frees may be taken by the next
            for name, item in before.items():
                kind = getattr(item, "kind", "index")
                follows = self.new + name.removeprefix(self.old)
                recorded = (kind, recorded_name(self.old, kind, name)) in self.live.objects
                if recorded and name.startswith(f"{self.old}_") and len(follows) <= LONGEST:
                    place[follows] = msgspec.structs.replace(item, name=follows)
                    yield kind, name, follows
                else:
                    place[name] = item

    def _records(self, names: dict[str, str]) -> None:
        """Everything that is recorded under the old names, and what refers to the table, under the new ones."""
        pointing = set(self._pointing())
        wanted = {
            ("foreign_key", f"{collection.name}.{item.name}"): item
            for collection in self.schema.collections
            for item in collection.table.constraints
        }
        moved = []
        for (kind, name), recorded in list(self.live.objects.items()):
            if kind in {"made", "found"}:
                follows, details = self._made(name, recorded, names)
            else:
                follows, details = self._follows(kind, name, names), recorded.details
            points = kind == "foreign_key" and name in pointing
            own_index = kind == "index" and follows in self.live.tables[self.new].indexes
            if (follows, details) != (name, recorded.details) or points or own_index:
                self.records.take(kind, name)
                item = wanted.get((kind, follows))
                digest = self._digest(item, recorded.digest, points) if kind == "foreign_key" else recorded.digest
                moved.append((kind, follows, digest, details))
        for one in moved:
            self.records.put(*one)

    def _follows(self, kind: str, name: str, names: dict[str, str]) -> str:
        """The name of a record of this table after the rename."""
        if kind == "table":
            return self.new if name == self.old else name
        if kind == "index":
            after = names.get(name, name)
            return after if after in self.live.tables[self.new].indexes else name
        table, _, part = name.partition(".")
        if table != self.old or kind not in {"column", *RULES}:
            return name
        return f"{self.new}.{part if kind == 'column' else names.get(part, part)}"

    def _made(self, name: str, recorded: Recorded, names: dict[str, str]) -> tuple[str, dict[str, Any]]:
        """What scripts made of the table, such as `trigger keep on person`: its name and details afterwards."""
        place = re.compile(rf"(?<![\w.]){re.escape(f'{self.schema.name}.{self.old}')}(?!\w)")
        about = re.compile(rf"( (?:on|of) ){self.old}(?=$|[,:])")
        was = str(recorded.details.get("identity", ""))
        follows, identity = about.sub(rf"\g<1>{self.new}", place.sub(self.full, name)), place.sub(self.full, was)
        if recorded.details.get("type") == "comment":
            follows, identity = substitute(follows, names), substitute(identity, names)
        if (follows, identity) == (name, was):
            return name, recorded.details
        if name in self.live.others:
            self.live.others[self.live.others.index(name)] = follows
        return follows, {**recorded.details, "identity": identity}

    def _digest(self, item: Constraint | None, digest: str, points_here: bool) -> str:
        """A foreign key to the table is the same one whatever the table is called; if the file wants another one, it
        isn't to be taken for one to what is called so next."""
        stale = f"renamed {digest}" if points_here and not digest.startswith("renamed ") else digest
        if item is None:
            return stale
        earlier = msgspec.structs.replace(item, definition=substitute(item.definition, {self.new: self.origin}))
        return item.digest if earlier.digest == digest else stale

    def _pointing(self) -> Iterator[str]:
        target = f"{self.schema.name}.{self.old}"
        for table in self.live.tables.values():
            for name, rule in list(table.constraints.items()):
                if rule.target == target:
                    text = rule.definition.replace(f"{target}(", f"{self.full}(")
                    table.constraints[name] = msgspec.structs.replace(rule, target=self.full, definition=text)
                    yield f"{table.name}.{name}"
