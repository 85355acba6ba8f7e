"""Renames collections (`renamed_from`): the table, and everything that is named after it."""

import re
from collections.abc import Iterable, Iterator

import msgspec

from gatehouse_db_manager.config.model import Collection, Constraint, Schema, short_digest
from gatehouse_db_manager.config.names import LONGEST, given_by_postgres
from gatehouse_db_manager.database.snapshot import LiveSchema, Recorded
from gatehouse_db_manager.planning.plan import Remember, Step
from gatehouse_db_manager.planning.rename_columns import Move, due, follow, in_order, net, statements
from gatehouse_db_manager.planning.table_change import RULES, brief, hazard, substitute

# The statements of a rename, and what is recorded otherwise by it.
_Done = tuple[list[str], list[Remember]]


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
        moved = [
            _Table(schema, live, old, new, origin).rename() for (old, new), origin in zip(group, origins, strict=True)
        ]
        ends = [(group[0][0], group[-1][1]), *group[1:-1]] if len(group) > 1 else group
        yield _step(schema, wanted, ends, moved)


def move_table(schema: Schema, live: LiveSchema, old: str, new: str) -> Step:
    """Renames a table that will be dropped, as something else needs its name. Changes `live` in place."""
    sql, remembered = _Table(schema, live, old, new, old).rename()
    return Step(
        schema=schema.name,
        collection=old,
        kind="tx",
        phase="contract",
        what=f"rename table {old} to {new}",
        why="an index needs the name, and the table will be dropped",
        statements=tuple(sql),
        locks=brief(old),
        reversible=True,
        remember=net(remembered),
    )


def _step(schema: Schema, wanted: dict[str, Collection], ends: list[tuple[str, str]], moved: list[_Done]) -> Step:
    settled = [remember_table(wanted[new]) for _, new in ends]
    listed = ", ".join(f"{old} to {new}" for old, new in ends)
    return Step(
        schema=schema.name,
        collection=ends[0][1],
        kind="tx",
        phase="contract",
        what=f"rename collection{'s' if len(ends) > 1 else ''} {listed}",
        why="renamed_from in its file",
        statements=tuple(one for sql, _ in moved for one in sql),
        locks=brief(", ".join(old for old, _ in ends)),
        reversible=False,
        remember=net([*(item for _, items in moved for item in items), *settled]),
        hazards=tuple(
            hazard(
                "table.rename",
                f"{schema.name}.{old}",
                wanted[new].file,
                f"renames the collection {old} to {new}",
                table=old,
                full=f"{schema.name}.{old}",
                new=new,
            )
            for old, new in ends
        ),
    )


class _Table:
    """One table to rename. `origin`: its name before an intermediate one."""

    def __init__(self, schema: Schema, live: LiveSchema, old: str, new: str, origin: str) -> None:
        self.schema, self.live, self.old, self.new, self.origin = schema, live, old, new, origin
        self.table = live.tables.pop(old)
        self.full = f"{schema.name}.{new}"

    def rename(self) -> tuple[list[str], list[Remember]]:
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
        names = {name: follows for _, name, follows in moves}
        return sql, list(self._records(names))

    def _columns(self) -> Iterator[Move]:
        for column in list(self.table.columns.values()):
            for label, kind in (("seq", "sequence"), ("not_null", "check")):
                before, after = (given_by_postgres(one, column.name, label) for one in (self.old, self.new))
                has = column.not_null_name == before if label == "not_null" else bool(column.identity)
                if has and before != after:
                    yield kind, before, after
                if has and label == "not_null":
                    self.table.columns[column.name] = msgspec.structs.replace(column, not_null_name=after)

    def _rules(self) -> Iterator[Move]:
        for place in self.table.rules:
            before = dict(place)
            place.clear()  # a name that one frees may be taken by the next
            for name, item in before.items():
                kind = getattr(item, "kind", "index")
                follows = self.new + name.removeprefix(self.old)
                recorded = (kind, name) in self.live.objects
                if recorded and name.startswith(f"{self.old}_") and len(follows) <= LONGEST:
                    place[follows] = msgspec.structs.replace(item, name=follows)
                    yield kind, name, follows
                else:
                    place[name] = item

    def _records(self, names: dict[str, str]) -> Iterator[Remember]:
        """Everything that is recorded under the old names, and what refers to the table, under the new ones."""
        live, old, new = self.live, self.old, self.new
        own = {one.name for one in live.tables[new].constraints.values()}
        pointing = set(self._pointing())
        wanted = {
            item.name: item
            for collection in self.schema.collections
            for item in collection.table.constraints
            if item.kind == "foreign_key"
        }
        kept = []
        for (kind, name), recorded in list(live.objects.items()):
            if kind in {"made", "found"}:
                if item := self._made(kind, name, recorded, names):
                    del live.objects[kind, name]
                    yield Remember(kind=kind, name=name)
                    kept.append(item)
                continue
            follows = name
            if kind == "table" and name == old:
                follows = new
            elif kind == "column" and name.startswith(f"{old}."):
                follows = new + name.removeprefix(old)
            elif kind in RULES and self._is_own(kind, names.get(name, name)):
                follows = names.get(name, name)
            if follows == name and not (kind in RULES and (name in pointing or name in own)):
                continue
            details = {key: value for key, value in recorded.details.items() if key != "live"}
            digest = (
                self._digest(wanted.get(follows), recorded.digest, name in pointing)
                if kind == "foreign_key"
                else recorded.digest
            )
            if follows != name:
                del live.objects[kind, name]
                yield Remember(kind=kind, name=name)
            kept.append(Remember(kind=kind, name=follows, digest=digest, details=details))
        for item in kept:
            live.objects[item.kind, item.name] = Recorded(digest=item.digest or "", details=item.details)
            yield item

    def _made(self, kind: str, name: str, recorded: Recorded, names: dict[str, str]) -> Remember | None:
        """What scripts made of the table, such as `trigger keep on person`, under its new name."""
        place = re.compile(rf"(?<![\w.]){re.escape(f'{self.schema.name}.{self.old}')}(?!\w)")
        about = re.compile(rf"( (?:on|of) ){self.old}(?=$|[,:])")
        was = str(recorded.details.get("identity", ""))
        follows, identity = about.sub(rf"\g<1>{self.new}", place.sub(self.full, name)), place.sub(self.full, was)
        if recorded.details.get("type") == "comment":
            follows, identity = substitute(follows, names), substitute(identity, names)
        if follows == name and identity == was:
            return None
        if name in self.live.others:
            self.live.others[self.live.others.index(name)] = follows
        details = {key: value for key, value in recorded.details.items() if key != "live"}
        return Remember(kind=kind, name=follows, digest=recorded.digest, details={**details, "identity": identity})

    def _is_own(self, kind: str, name: str) -> bool:
        table = self.live.tables[self.new]
        rule = table.constraints.get(name)
        return name in table.indexes if kind == "index" else rule is not None and rule.kind == kind

    def _digest(self, item: Constraint | None, digest: str, points_here: bool) -> str:
        """A foreign key to the table is the same one whatever the table is called; if the file wants another one, it
        isn't to be taken for one to what is called so next."""
        stale = digest
        if points_here and not digest.startswith("renamed "):
            stale = f"renamed {digest}"
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
                    yield name
