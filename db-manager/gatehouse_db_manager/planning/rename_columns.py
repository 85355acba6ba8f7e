"""Renames (`renamed_from`): which are due, in which order, and how they affect the columns of a table. Collections are
in rename_tables.py.

A rename breaks running code, so it needs approval; the safe alternative is to add a new one next to the old one.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import msgspec

from gatehouse_db_manager.config.model import Column, Constraint, Index, short_digest
from gatehouse_db_manager.config.names import given_by_postgres
from gatehouse_db_manager.database.snapshot import LiveColumn, LiveTable, Recorded
from gatehouse_db_manager.planning.ddl import next_name
from gatehouse_db_manager.planning.plan import Remember
from gatehouse_db_manager.planning.table_change import TableChange, mentions, recorded_name, space, substitute

# What is renamed: (kind, old name, new name).
Move = tuple[str, str, str]


def due(
    given: Mapping[str, str], live: Collection[str], wanted: Collection[str], done: Callable[[str, str], bool]
) -> dict[str, str]:
    """Which of the renames `given` (new name -> old name) are still pending.

    A file may keep `renamed_from` after the rename, and the old name may be in use again: so a name that is still
    wanted is only taken away if something else is renamed to it. Two objects may swap names."""
    found: dict[str, str] = {}
    for new, old in given.items():
        if old in live and old not in found.values() and not (new in live and done(new, old)):
            found[new] = old
    while True:
        away = set(found.values())
        kept = {
            new: old
            for new, old in found.items()
            if (new not in live or new in away) and (old not in wanted or old in found)
        }
        if kept == found:
            return found
        found = kept


def in_order(names: Mapping[str, str]) -> list[list[tuple[str, str]]]:
    """Old name -> new name as single renames, in an order in which each new name is free. A cycle starts and ends with
    a temporary name; its renames are together in one list."""
    pending, ordered = dict(names), []
    while pending:
        if free := [old for old, new in pending.items() if new not in pending]:
            ordered += [[(old, pending.pop(old))] for old in free]
            continue
        first = next(iter(pending))
        between = f"moved_{short_digest(first)[:8]}"
        circle, last = [(first, between)], pending.pop(first)
        while free := next((old for old, new in pending.items() if new not in pending and new == circle[-1][0]), None):
            circle.append((free, pending.pop(free)))
        ordered.append([*circle, (between, last)])
    return ordered


class RecordChanges:
    """Records that stand under another name or with another digest once a rename has run; what follows is planned with
    them. PostgreSQL's text is dropped from them, as it changes."""

    def __init__(self, objects: dict[tuple[str, str], Recorded]) -> None:
        self.objects = objects
        self._changed: dict[tuple[str, str], Remember] = {}

    @property
    def net(self) -> tuple[Remember, ...]:
        """The records after all renames: a name that is freed may be taken again."""
        return tuple(self._changed.values())

    def put(self, kind: str, name: str, digest: str, details: Mapping[str, Any]) -> None:
        kept = {key: value for key, value in details.items() if key != "live"}
        self.objects[kind, name] = Recorded(digest=digest, details=kept)
        self._note(Remember(kind=kind, name=name, digest=digest, details=kept))

    def take(self, kind: str, name: str) -> Recorded | None:
        """The record, which goes."""
        self._note(Remember(kind=kind, name=name))
        return self.objects.pop((kind, name), None)

    def move(self, kind: str, name: str, other: str) -> None:
        if recorded := self.take(kind, name):
            self.put(kind, other, recorded.digest, recorded.details)

    def _note(self, item: Remember) -> None:
        self._changed.pop((item.kind, item.name), None)
        self._changed[item.kind, item.name] = item


def rename_columns(change: TableChange) -> None:
    """What follows is planned with the new names."""
    wanted = {column.name: column for column in change.table.columns}
    given = {name: column.renamed_from for name, column in wanted.items() if column.renamed_from}

    def done(new: str, old: str) -> bool:
        recorded = change.recorded("column", new)
        return recorded is not None and recorded.details.get("from") == old

    found = due(given, change.live.columns, wanted, done)
    if found:
        _Columns(change, wanted, found).rename()


class _Columns:
    """Renames the columns of one table. `found`: new name -> old name."""

    def __init__(self, change: TableChange, wanted: Mapping[str, Column], found: Mapping[str, str]) -> None:
        self.change, self.wanted, self.found = change, wanted, found
        self.table = change.table.name
        self.names = {old: new for new, old in found.items()}
        self.moves: list[Move] = [("column", old, new) for old, new in self.names.items()]
        self.records = RecordChanges(change.objects)

    def rename(self) -> None:
        change = self.change
        self._columns()
        self._words()
        self._rules()
        self._generated()
        change.names_now |= self.found
        change.reshaped = True
        listed = [f"{old} to {new}" for old, new in self.names.items()]
        change.step(
            f"rename column{'s' if len(listed) > 1 else ''} {', '.join(listed)}",
            "renamed_from in its file",
            *statements(change.schema.name, self.table, self.moves),
            phase="contract",
            remember=self.records.net,
            hazards=tuple(
                change.hazard("column.rename", f"{self.table}.{old}", f"renames {old} to {new}", column=old, new=new)
                for old, new in self.names.items()
            ),
        )

    def _columns(self) -> None:
        change, table = self.change, self.table
        columns, records = {}, {}
        for old, live in change.live.columns.items():
            new = self.names.get(old, old)
            columns[new], moves = follow_column(msgspec.structs.replace(live, name=new), (table, old), (table, new))
            self.moves += moves
            recorded = self.records.take("column", f"{table}.{old}") if new != old else None
            if recorded:
                records[new] = recorded
        change.live.columns.clear()
        change.live.columns.update(columns)
        for new, recorded in records.items():
            known = recorded.details.items()
            kept = {key: value for key, value in known if key in {"default", "generated", "backfill"}}
            self.records.put("column", f"{table}.{new}", recorded.digest, {**kept, "from": self.found[new]})

    def _words(self) -> None:
        """Updates PostgreSQL's text of rules, indexes and other tables' foreign keys to the new names."""
        live = self.change.live
        for name, rule in live.constraints.items():
            columns = tuple(self.names.get(one, one) for one in rule.columns)
            text = substitute(rule.definition, self.names)
            live.constraints[name] = msgspec.structs.replace(rule, columns=columns, definition=text)
        for name, index in live.indexes.items():
            live.indexes[name] = msgspec.structs.replace(index, definition=substitute(index.definition, self.names))
        for table in self.change.tables.values():
            for name, rule in list(table.constraints.items()):
                if rule.target == self.change.full and table.name != self.table:
                    head, word, tail = rule.definition.partition(" REFERENCES ")
                    text = head + word + substitute(tail, self.names)
                    table.constraints[name] = msgspec.structs.replace(rule, definition=text)
                    self._pointing(table.name, name)

    def _pointing(self, table: str, name: str) -> None:
        """A foreign key of another table stays the same when the columns it refers to are renamed."""
        recorded = self.change.objects.get(("foreign_key", f"{table}.{name}"))
        files = (one.table.constraints for one in self.change.schema.collections if one.name == table)
        item = next((one for items in files for one in items if one.name == name and one.kind == "foreign_key"), None)
        if recorded is None:
            return
        digest = recorded.digest
        if item is not None:
            head, word, tail = item.definition.partition(" references ")
            earlier = msgspec.structs.replace(item, definition=head + word + substitute(tail, self.found))
            digest = item.digest if earlier.digest == digest else self._stale(digest, tail)
        self.records.put("foreign_key", f"{table}.{name}", digest, recorded.details)

    def _stale(self, digest: str, words: str) -> str:
        """Marks a digest as stale if a column has taken a name that the definition used."""
        about = any(mentions(words, new) for new in self.found)
        return f"renamed {digest}" if about and not digest.startswith("renamed ") else digest

    def _rules(self) -> None:
        """A rule that means the same under the new names is neither validated nor rebuilt; its name may change."""
        change = self.change
        items = (*change.table.constraints, *change.table.indexes)
        former = self._former_names(items)
        named = {item.name for item in items}
        # What has its name now is renamed.
        away = {(place, was) for (place, _), was in former.items()}
        found = []
        for item in items:
            was = former.get(space(item), item.name)
            kind = "index" if isinstance(item, Index) else item.kind
            place = change.live.rules[isinstance(item, Index)]
            recorded = change.recorded(kind, was)
            if recorded is None or was not in place or (was == item.name and space(item) in away):
                continue
            earlier = msgspec.structs.replace(item, definition=substitute(item.definition, self.found))
            found.append((item, kind, was, place, recorded, earlier.digest == recorded.digest))
        # First all names are freed, then all are taken.
        standing = [place.pop(was) for _, _, was, place, _, _ in found]
        for item, kind, was, place, _, _ in found:
            self.records.take(kind, recorded_name(self.table, kind, was))
            if was != item.name:
                self.moves.append((kind, was, item.name))
                place.pop(next_name(was), None)
        for (item, kind, _, place, recorded, same), live in zip(found, standing, strict=True):
            place[item.name] = msgspec.structs.replace(live, name=item.name)
            digest = item.digest if same else self._stale(recorded.digest, live.definition)
            self.records.put(kind, recorded_name(self.table, kind, item.name), digest, recorded.details)
        for live in (*change.live.constraints.values(), *change.live.indexes.values()):
            # Rules that go: if the run is killed, none of them must be mistaken for what it was.
            kind = getattr(live, "kind", "index")
            recorded = change.recorded(kind, live.name)
            stale = self._stale(recorded.digest, live.definition) if recorded and live.name not in named else ""
            if recorded and stale not in {"", recorded.digest}:
                self.records.put(kind, recorded_name(self.table, kind, live.name), stale, recorded.details)
        follow(change.tables.values(), self.moves)

    def _former_names(self, items: Iterable[Constraint | Index]) -> dict[tuple[str, str], str]:
        """Former names of rules that are named after a column, where the new name is free."""
        prefixes = {}
        for new, old in self.found.items():
            prefixes[f"columns.{self.wanted[new].key}"] = (self.wanted[new].key, _key(self.wanted[new], old))
        named = {space(item) for item in items}
        former: dict[tuple[str, str], str] = {}
        for item in items:
            here = self.change.live.indexes if isinstance(item, Index) else self.change.live.constraints
            pairs = [prefixes[item.key]] if item.key in prefixes else [*prefixes.values(), *self.found.items()]
            for new, old in pairs:
                if item.name.startswith(f"{self.table}_{new}_"):
                    was = f"{self.table}_{old}_{item.name.removeprefix(f'{self.table}_{new}_')}"
                    free = item.key in prefixes or (space(item)[0], was) not in named
                    if was in here and free:
                        former[space(item)] = was
        while True:
            away = {(place, was) for (place, _), was in former.items()}
            taken = {space(one) for one in (*self.change.live.constraints.values(), *self.change.live.indexes.values())}
            kept = {one: was for one, was in former.items() if one not in taken or one in away}
            if kept == former:
                return former
            former = kept

    def _generated(self) -> None:
        """Generated columns over renamed columns stay the same."""
        for name, column in self.wanted.items():
            recorded = self.change.recorded("column", name)
            live = self.change.column(name)
            if recorded is None or live is None or not live.generated or column.generated is None:
                continue
            text = substitute(live.default or "", self.names)
            self.change.live.columns[name] = msgspec.structs.replace(live, default=text)
            was = str(recorded.details.get("generated"))
            same = was == substitute(column.generated, self.found)
            now = column.generated if same else self._stale(was, text)
            if now != was:
                details = {**recorded.details, "generated": now}
                self.records.put("column", f"{self.table}.{name}", recorded.digest, details)


def _key(column: Column, old: str) -> str:
    """The former key of the column that this one is a part of."""
    return old.removesuffix(column.name.removeprefix(column.key))


def follow_column(column: LiveColumn, before: tuple[str, str], after: tuple[str, str]) -> tuple[LiveColumn, list[Move]]:
    """Renames what PostgreSQL named after a table and its column: the sequence of an identity, and NOT NULL (from 18
    on)."""
    was, now = (given_by_postgres(*names, "not_null") for names in (before, after))
    moves = [("check", was, now)] if column.not_null_name == was != now else []
    column = msgspec.structs.replace(column, not_null_name=now) if moves else column
    was, now = (given_by_postgres(*names, "seq") for names in (before, after))
    return column, [*moves, *([("sequence", was, now)] if column.identity and was != now else [])]


def follow(tables: Iterable[LiveTable], moves: Iterable[Move]) -> None:
    """Foreign keys follow an index whose name changes."""
    names = {old: new for kind, old, new in moves if kind in {"index", "primary_key", "unique"}}
    for table in tables:
        for name, rule in list(table.constraints.items()):
            if rule.rests_on in names:
                table.constraints[name] = msgspec.structs.replace(rule, rests_on=names[rule.rests_on])


def statements(schema: str, table: str, moves: Iterable[Move]) -> list[str]:
    """The renames as SQL, in an order in which each name is free. A check may share a name with an index."""
    moves = list(moves)
    columns = {old: new for kind, old, new in moves if kind == "column"}
    others = {old: new for kind, old, new in moves if kind != "column"}
    kinds: dict[str, list[str]] = {}
    for kind, old, _ in moves:
        if kind != "column":
            kinds.setdefault(old, []).append(kind)
    found = [
        f"alter table {schema}.{table} rename column {one} to {other}"
        for group in in_order(columns)
        for one, other in group
    ]
    for group in in_order(others):
        for one, other in group:
            for kind in kinds[group[0][0] if one == group[-1][0] and len(group) > 1 else one]:
                found.append(_renamed(schema, table, kind, one, other))
    return found


def _renamed(schema: str, table: str, kind: str, one: str, other: str) -> str:
    if kind in {"index", "sequence"}:
        return f"alter {kind} {schema}.{one} rename to {other}"
    return f"alter table {schema}.{table} rename constraint {one} to {other}"
