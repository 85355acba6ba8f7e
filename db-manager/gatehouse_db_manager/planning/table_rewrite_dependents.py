"""Dependents of columns that are rewritten (table_rewrite.py): rules and indexes, generated columns, and foreign keys
of any table. They are dropped before the rewrite and created again after it."""

import re
from collections.abc import Iterator

from gatehouse_db_manager.config.model import Column, Constraint, Index, Schema
from gatehouse_db_manager.database.snapshot import LiveConstraint, LiveRule, LiveTable
from gatehouse_db_manager.planning.ddl import comment_on_column, create_index
from gatehouse_db_manager.planning.plan import Remember
from gatehouse_db_manager.planning.table_change import TableChange, forget, mentions, space

_TARGET = re.compile(r"references (?:\w+\.)?(\w+)(?: ?\(([^)]*)\))?", re.IGNORECASE)


# When statements run: dependents are dropped first and created last.
_ORDER = ("links down", "rules down", "columns down", "middle", "columns up", "rules up", "links up")


class RewriteDependents:
    """Attributes:
    run: statements by when they run."""

    def __init__(self, schema: Schema, tables: dict[str, LiveTable], changes: list[TableChange]) -> None:
        self.schema = schema
        self.live = tables
        self.changes = {change.table.name: change for change in changes}
        self.keys = {one.name: one.table.primary_key for one in schema.collections}
        records = changes[0].objects if changes else ()
        self.recorded = {name for kind, name in records if kind == "foreign_key"}
        self.run: dict[str, list[str]] = {when: [] for when in _ORDER}
        self.remembered: list[Remember] = []
        self.touched: list[TableChange] = []
        # (table, column) that is rewritten.
        self.concerned: set[tuple[str, str]] = set()
        # Names of constraints and indexes that are dropped or created.
        self.moved: set[str] = set()

    @property
    def statements(self) -> tuple[str, ...]:
        return tuple(one for texts in self.run.values() for one in texts)

    def touch(self, change: TableChange) -> None:
        if change not in self.touched:
            self.touched.append(change)

    def around(self) -> None:
        for change in self.changes.values():
            if concerned := {column for table, column in self.concerned if table == change.table.name}:
                self._derived(change, concerned)
                self._rules(change, concerned)
        for change in self.changes.values():
            self._links(change)
        for name in self.live.keys() - self.changes.keys():
            self._links_of_others(name)

    def column_up(self, change: TableChange, column: Column) -> None:
        self.run["columns up"].append(change.alter(f"add column {column.definition}"))
        if column.description:
            self.run["columns up"].append(comment_on_column(change.full, column))
        self.remembered.append(change.remember(column))

    def _derived(self, change: TableChange, concerned: set[str]) -> None:
        """Drops and creates generated columns over columns that change."""
        columns = {column.name: column for column in change.table.columns}
        for name, live in change.live.columns.items():
            own = change.recorded("column", name) is not None
            if not (live.generated and live.default and own) or space("column", name) in change.handled:
                continue
            if not any(mentions(live.default, one) for one in concerned):
                continue
            change.handled.add(space("column", name))
            concerned.add(name)
            self.concerned.add((change.table.name, name))
            self.run["columns down"].append(change.alter(f"drop column {name}"))
            if name in columns:
                self.column_up(change, columns[name])
            else:
                self.remembered.append(change.forget("column", name))

    def _rules(self, change: TableChange, concerned: set[str]) -> None:
        """All rules but foreign keys. A name may stand for another kind afterwards."""
        for item in (*change.table.constraints, *change.table.indexes):
            if getattr(item, "kind", "") == "foreign_key" or space(item) in change.handled:
                continue
            former = _former(change, item)
            if any(_is_about(one, concerned) for one in (item.definition, *map(_about, former))):
                self.touch(change)
                self.up(change, item)
        for name, rule in change.live.constraints.items():
            own = change.recorded(rule.kind, name) and rule.kind != "foreign_key"
            if own and space(rule) not in change.handled and _is_about(_about(rule), concerned):
                self._down(change, rule.kind, name)
        for name, index in change.live.indexes.items():
            own = change.recorded("index", name)
            if own and space(index) not in change.handled and _is_about(_about(index), concerned):
                self._down(change, "index", name)

    def _links(self, change: TableChange) -> None:
        """Foreign keys whose columns change, or the columns or key that they refer to."""
        for item in change.table.constraints:
            if item.kind != "foreign_key" or space(item) in change.handled:
                continue
            live = change.live.constraints.get(item.name)
            rests = live is not None and live.kind == "foreign_key" and self._rests(change.table.name, live)
            if rests or self._is_moved(change.table.name, item.definition) or self._needs(item.definition):
                self.touch(change)
                self.up(change, item)
        for name, live in change.live.constraints.items():
            own = change.recorded(live.kind, name) and live.kind == "foreign_key"
            if own and space(live) not in change.handled and self._rests(change.table.name, live):
                self._down(change, live.kind, name)

    def _links_of_others(self, table: str) -> None:
        """Of tables that go, or aren't ours."""
        for name, live in self.live[table].constraints.items():
            if live.kind == "foreign_key" and f"{table}.{name}" in self.recorded and self._rests(table, live):
                drop = f"alter table {self.schema.name}.{table} drop constraint if exists {name}"
                self.run["links down"].append(drop)
                self.remembered.append(forget(table, live.kind, name))

    def _rests(self, table: str, live: LiveConstraint) -> bool:
        return live.rests_on in self.moved or self._is_moved(table, live.definition)

    def _needs(self, definition: str) -> bool:
        """Whether the key that a foreign key needs is created here."""
        found = _TARGET.search(definition)
        target = self.changes.get(found[1]) if found else None
        if found is None or target is None:
            return False
        columns = sorted(column for table, column in self._ends("", definition) if table == found[1])
        keys = [one for one in target.table.constraints if one.kind in {"primary_key", "unique"}]
        return any(one.name in self.moved and sorted(one.columns) == columns for one in keys) or any(
            one.unique and one.name in self.moved for one in target.table.indexes
        )

    def _is_moved(self, table: str, definition: str) -> bool:
        return not self.concerned.isdisjoint(self._ends(table, definition))

    def _ends(self, table: str, definition: str) -> Iterator[tuple[str, str]]:
        """The columns of a foreign key, and those that it refers to."""
        own = re.search(r"\(([^)]*)\)", definition)
        yield from ((table, one.strip()) for one in (own[1].split(",") if own else ()))
        if found := _TARGET.search(definition):
            columns = found[2].split(",") if found[2] else self.keys.get(found[1], ())
            yield from ((found[1], one.strip()) for one in columns)

    def _down(self, change: TableChange, kind: str, name: str) -> None:
        change.handled.add(space(kind, name))
        self.moved.add(name)
        place = self.run["links down"] if kind == "foreign_key" else self.run["rules down"]
        drop = f"drop index if exists {change.schema.name}.{name}"
        place.append(drop if kind == "index" else change.alter(f"drop constraint if exists {name}"))
        self.remembered.append(change.forget(kind, name))

    def up(self, change: TableChange, item: Constraint | Index) -> None:
        """Drops what has its name now."""
        kind = "index" if isinstance(item, Index) else item.kind
        for former in _former(change, item):
            own = getattr(former, "kind", "index")
            self._down(change, own, item.name)
            if own == kind:
                self.remembered.pop()
        if kind == "primary_key":
            # A table has one, whatever its name was.
            for name in [name for name, one in change.live.constraints.items() if one.kind == kind]:
                if name != item.name:
                    self._down(change, kind, name)
        change.handled.add(space(item))
        self.moved.add(item.name)
        if isinstance(item, Index):
            self.run["rules up"].append(create_index(change.schema.name, change.table.name, item))
        else:
            place = self.run["links up"] if kind == "foreign_key" else self.run["rules up"]
            place.append(change.alter(f"add constraint {item.name} {item.definition}"))
        self.remembered.append(change.remember(item))


def _former(change: TableChange, item: Constraint | Index) -> list[LiveRule]:
    """What has its name now and conflicts with it."""
    named = (change.live.constraints.get(item.name), change.live.indexes.get(item.name))
    found = [one for one in named if one is not None]
    constraint = isinstance(item, Constraint)
    return [one for one in found if space(one) == space(item) or (constraint and isinstance(one, LiveConstraint))]


def _about(live: object) -> str:
    """The part of a definition that names columns."""
    definition = str(getattr(live, "definition", ""))
    return definition if isinstance(live, LiveConstraint) else definition.partition(" USING ")[2]


def _is_about(definition: str, columns: set[str]) -> bool:
    return any(mentions(definition, one) for one in columns)
