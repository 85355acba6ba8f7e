"""The steps that bring one existing table to its configuration while the service keeps reading and writing it.

Additive changes only. What could lose data, break running code or hold a lock for long is refused with the way round.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from gatehouse_db_manager.errors import Problem, nearest
from gatehouse_db_manager.live import LiveSchema, LiveTable
from gatehouse_db_manager.model import Collection, Column, Constraint, Index, Schema, short_digest
from gatehouse_db_manager.plan_structs import Remember, Step
from gatehouse_db_manager.render import comment_on_column, create_index, next_name
from gatehouse_db_manager.values import quote

# Rough speeds of a small RDS instance, in bytes a second; only used to say "about 2 s" in a plan.
SCAN_SPEED = 200e6
BUILD_SPEED = 30e6

NOTHING = "nothing: reads and writes go on"
# Defaults that PostgreSQL evaluates once and stores in the catalog instead of rewriting the table.
_STABLE_EXPRESSIONS = frozenset({"now()", "current_timestamp", "current_date"})


def brief(table: str) -> str:
    return f"{table} for an instant (gives way after 100 ms and tries again)"


def remember_column(table: str, column: Column) -> Remember:
    given = {"default": column.default, "generated": column.generated}
    details = {key: value for key, value in given.items() if value is not None}
    return Remember(
        kind="column", name=f"{table}.{column.name}", digest=short_digest(column.definition), details=details
    )


def remember(item: Constraint | Index, name: str = "") -> Remember:
    kind = "index" if isinstance(item, Index) else item.kind
    values = None if isinstance(item, Index) else item.values
    details = {} if values is None else {"values": list(values)}
    return Remember(kind=kind, name=name or item.name, digest=item.digest, details=details)


class Evolution:
    """Plans one table. `steps`, `refusals` and `tightens` (something that rows could break) are filled by `plan`."""

    def __init__(self, schema: Schema, collection: Collection, live_schema: LiveSchema, live: LiveTable) -> None:
        self.schema = schema
        self.collection = collection
        self.table = collection.table
        self.full = f"{schema.name}.{collection.table.name}"
        self.objects = live_schema.objects
        self.live = live
        self.empty = live.size == 0
        self.steps: list[Step] = []
        self.refusals: list[Problem] = []
        self.tightens = False

    def plan(self) -> None:
        self._columns()
        self._comments()
        self._removed_columns()
        for constraint in self.table.constraints:
            self._constraint(constraint)
        for index in self.table.indexes:
            self._index(index)
        self._dropped()

    def _refuse(self, key: str, message: str, mend: str) -> None:
        self.refusals.append(Problem(file=self.collection.file, key=key, message=message, mend=mend))

    def _step(self, what: str, why: str, *statements: str, **more: Any) -> None:
        given: dict[str, Any] = {"kind": "tx", "locks": brief(self.table.name), "reversible": True, **more}
        base: dict[str, Any] = {"schema": self.schema.name, "collection": self.table.name, "what": what, "why": why}
        self.steps.append(Step(**base, statements=statements, **given))

    def _alter(self, action: str) -> str:
        return f"alter table {self.full} {action}"

    # Columns

    def _columns(self) -> None:
        added = []
        for column in self.table.columns:
            live = self.live.columns.get(column.name)
            if live is None:
                if self._can_add(column):
                    added.append(column)
                continue
            key = f"columns.{column.key}"
            if live.sql_type != column.sql_type:
                self._refuse(
                    f"{key}.type",
                    f"changes {column.name} from {live.sql_type} to {column.sql_type}: PostgreSQL would rewrite the "
                    "table behind an exclusive lock, and running code expects the old type.",
                    "Add a column of the new type, write to both, and mark the old one deprecated.",
                )
                continue
            if column.required and not live.required:
                self._require(column, key)
            elif live.required and not column.required:
                self._step(
                    f"allow {column.name} to be empty",
                    "it is no longer required",
                    self._alter(f"alter column {column.name} drop not null"),
                )
            self._default(column, key)
        if added:
            clauses = ", ".join(f"add column {column.definition}" for column in added)
            described = [comment_on_column(self.full, column) for column in added if column.description]
            names = ", ".join(column.name for column in added)
            self._step(
                f"add column {names}",
                "it is new; what is there gets the default",
                self._alter(clauses),
                *described,
                remember=tuple(remember_column(self.table.name, column) for column in added),
            )

    def _can_add(self, column: Column) -> bool:
        key = f"columns.{column.key}"
        if self.empty:
            return True
        if column.generated is not None:
            message = (
                f"adds the generated column {column.name}: PostgreSQL would rewrite the table behind an exclusive lock."
            )
            mend = "Add a plain column that the service writes, or an index on the expression."
        elif column.default and "(" in column.default and column.default not in _STABLE_EXPRESSIONS:
            message = f"adds {column.name} with a default that differs by row: PostgreSQL would rewrite the table."
            mend = "Use a constant default or none, and let the service fill it."
        elif column.required and column.default is None:
            message = (
                f"adds the required column {column.name} without a default: the rows that are there have no value."
            )
            mend = "Give it a default, or leave `required` out."
        else:
            self.tightens |= column.required
            return True
        self._refuse(key, message, mend)
        return False

    def _require(self, column: Column, key: str) -> None:
        if self.empty:
            self._step(
                f"require {column.name}",
                "the table is empty",
                self._alter(f"alter column {column.name} set not null"),
            )
            return
        self._refuse(
            f"{key}.required",
            f"makes {column.name} required: rows that are there may have no value, and looking at all of them holds an "
            "exclusive lock.",
            f'Add a check instead: checks: {{{column.name}_given: "{column.name} is not null"}}.',
        )

    def _default(self, column: Column, key: str) -> None:
        recorded = self.objects.get(("column", f"{self.table.name}.{column.name}"))
        details = recorded.details if recorded else {}
        if recorded and details.get("generated") != column.generated:
            self._refuse(
                f"{key}.generated",
                f"changes how {column.name} is generated: PostgreSQL would rewrite the table.",
                "Add a new column with the new expression, and mark the old one deprecated.",
            )
        elif recorded and details.get("default") != column.default:
            action = "drop default" if column.default is None else f"set default {column.default}"
            self._step(
                f"{action} of {column.name}".replace(f"{column.default} of {column.name}", f"of {column.name}"),
                "new rows get it; what is there stays",
                self._alter(f"alter column {column.name} {action}"),
                remember=(remember_column(self.table.name, column),),
            )

    def _comments(self) -> None:
        changed = [
            comment_on_column(self.full, column)
            for column in self.table.columns
            if (live := self.live.columns.get(column.name)) and live.description != column.description
        ]
        if self.live.description != self.table.description:
            changed.insert(0, f"comment on table {self.full} is {quote(self.table.description)}")
        if changed:
            self._step("describe it anew", "descriptions changed", *changed, locks=NOTHING)

    def _removed_columns(self) -> None:
        kept = {column.name for column in self.table.columns}
        added = [column.name for column in self.table.columns if column.name not in self.live.columns]
        for name in self.live.columns:
            # Only what db-manager made: a column that somebody added by hand is theirs.
            if name not in kept and ("column", f"{self.table.name}.{name}") in self.objects:
                hint = f" (a rename to {added[0]}?)" if len(added) == 1 else ""
                self._refuse(
                    f"columns.{name}",
                    f"no longer has the column {name}{hint}: dropping it loses its data and breaks running code.",
                    f'Keep it and say: deprecated: {{{name}: "since {self.collection.version_text}; use ..."}}.',
                )

    # Constraints

    def _constraint(self, item: Constraint) -> None:
        live = self.live.constraints.get(item.name)
        recorded = self.objects.get((item.kind, item.name))
        if live is None:
            self._new_constraint(item)
        elif recorded is None or recorded.digest != item.digest:
            self._changed_constraint(item, recorded.details.get("values") if recorded else None)
        elif not live.valid:
            self._validate(item, item.name)
        self._leftover(item, done=bool(recorded and recorded.digest == item.digest))

    def _new_constraint(self, item: Constraint) -> None:
        self.tightens = True
        if self.empty:
            action = self._alter(f"add constraint {item.name} {item.definition}")
            self._step(
                f"add {_kind(item)} {item.name}",
                "it is new, and the table is empty",
                action,
                remember=(remember(item),),
            )
        elif item.kind in {"check", "foreign_key"}:
            self._add_not_valid(item, item.name)
            self._validate(item, item.name)
        elif item.kind == "unique":
            self._unique(item)
        else:
            self._refuse(
                item.key,
                f"adds {_kind(item)} {item.name} to a table with rows: every write would wait while it is built.",
                "Add it while the table is empty, or use a unique index.",
            )

    def _changed_constraint(self, item: Constraint, old_values: list[str] | None) -> None:
        gone = sorted(set(old_values or ()) - set(item.values or old_values or ()))
        if gone and not self.empty:
            self._refuse(
                item.key,
                f"no longer allows {', '.join(gone)}: rows may have it, and running code may write it.",
                "Keep the value, and say in its description that it is not used any more.",
            )
        elif self.empty or item.kind in {"check", "foreign_key"}:
            self._replace(item)
        else:
            self._refuse(
                item.key,
                f"changes {_kind(item)} {item.name}: running code relies on the old one (ON CONFLICT), and between "
                "the two could come rows that break both.",
                "Give the new one another name and keep the old one beside it.",
            )

    def _replace(self, item: Constraint) -> None:
        """The new definition stands beside the old one until it holds; only then does the old one go."""
        following = next_name(item.name)
        if self.empty:
            drop, add = f"drop constraint {item.name}", f"add constraint {item.name} {item.definition}"
            self._step(
                f"change {_kind(item)} {item.name}",
                "its definition changed, and the table is empty",
                self._alter(f"{drop}, {add}"),
                remember=(remember(item),),
            )
            return
        self.tightens |= item.values is None
        beside = self.live.constraints.get(following)
        recorded = self.objects.get((item.kind, following))
        if beside is None or recorded is None or recorded.digest != item.digest:
            if beside is not None:
                self._forget(item.kind, following, "it is left over from an older change")
            self._add_not_valid(item, following)
            self._validate(item, following)
        elif not beside.valid:
            self._validate(item, following)
        self._step(
            f"let the new {_kind(item)} {item.name} take the old one's place",
            "the new one holds for every row",
            self._alter(f"drop constraint {item.name}"),
            self._alter(f"rename constraint {following} to {item.name}"),
            remember=(remember(item), Remember(kind=item.kind, name=following)),
        )

    def _leftover(self, item: Constraint, *, done: bool) -> None:
        following = next_name(item.name)
        if done and following in self.live.constraints:
            self._forget(item.kind, following, "it is left over from a change that was taken back")

    def _forget(self, kind: str, name: str, why: str) -> None:
        drop = self._alter(f"drop constraint {name}")
        self._step(f"drop {kind.replace('_', ' ')} {name}", why, drop, remember=(Remember(kind=kind, name=name),))

    def _add_not_valid(self, item: Constraint, name: str) -> None:
        other = f" and {item.definition.split(' references ')[1].split(' ')[0]}" if item.kind == "foreign_key" else ""
        self._step(
            f"add {_kind(item)} {name} for new rows",
            "new and changed rows are held to it at once, without looking at the others",
            self._alter(f"add constraint {name} {item.definition} not valid"),
            locks=brief(self.table.name + other),
            remember=(remember(item, name),),
        )

    def _validate(self, item: Constraint, name: str) -> None:
        self._step(
            f"check every row against {name}",
            "in a transaction of its own: in one with the step before, writes would wait for it",
            self._alter(f"validate constraint {name}"),
            locks=NOTHING,
            seconds=self.live.size / SCAN_SPEED,
            undo=(self._alter(f"drop constraint if exists {name}"),),
            remember=(remember(item, name),),
        )

    def _unique(self, item: Constraint) -> None:
        """A unique constraint over an index that is built while writes go on."""
        index = Index(
            name=item.name,
            key=item.key,
            definition="using btree " + item.definition.removeprefix("unique ").strip(),
            unique=True,
        )
        if "nulls not distinct" in item.definition:
            index = msgspec.structs.replace(
                index, definition=f"using btree ({', '.join(item.columns)}) nulls not distinct"
            )
        self._index(index)
        self._step(
            f"make {item.name} a constraint",
            "its index is built and valid",
            self._alter(f"add constraint {item.name} unique using index {item.name}"),
            remember=(remember(item), Remember(kind="index", name=item.name)),
        )

    # Indexes

    def _index(self, index: Index) -> None:
        live = self.live.indexes.get(index.name)
        recorded = self.objects.get(("index", index.name))
        if live and live.valid and recorded and recorded.digest == index.digest:
            return
        self.tightens |= index.unique
        if self.empty:
            drop = [f"drop index {self.schema.name}.{index.name}"] if live else []
            create = create_index(self.schema.name, self.table.name, index)
            what = "change" if live else "add"
            self._step(f"{what} index {index.name}", "the table is empty", *drop, create, remember=(remember(index),))
        elif live and live.valid:
            self._replace_index(index)
        else:
            if live:
                self._drop_index(index.name, "it was left half-built")
            self._build(index, index.name)

    def _replace_index(self, index: Index) -> None:
        following = next_name(index.name)
        beside = self.live.indexes.get(following)
        recorded = self.objects.get(("index", following))
        if not (beside and beside.valid and recorded and recorded.digest == index.digest):
            if beside:
                self._drop_index(following, "it is left over from an older change")
            self._build(index, following)
        self._step(
            f"let the new index {index.name} take the old one's place",
            "the new one is built and valid",
            f"drop index {self.schema.name}.{index.name}",
            f"alter index {self.schema.name}.{following} rename to {index.name}",
            remember=(remember(index), Remember(kind="index", name=following)),
        )

    def _build(self, index: Index, name: str) -> None:
        self._step(
            f"build {'unique ' if index.unique else ''}index {name}",
            "it is new; CONCURRENTLY, as the table has rows",
            create_index(self.schema.name, self.table.name, index, name=name, concurrently=True),
            kind="no_tx",
            locks=NOTHING,
            seconds=self.live.size / BUILD_SPEED,
            remember=(remember(index, name),),
            undo=(f"drop index concurrently if exists {self.schema.name}.{name}",),
            builds=name,
        )

    def _drop_index(self, name: str, why: str) -> None:
        self._step(
            f"drop index {name}",
            why,
            f"drop index concurrently if exists {self.schema.name}.{name}",
            kind="no_tx",
            locks=NOTHING,
            remember=(Remember(kind="index", name=name),),
        )

    # What is no longer wanted

    def _dropped(self) -> None:
        """Only what db-manager made itself: what somebody added by hand is not touched."""
        wanted = {item.name for item in (*self.table.constraints, *self.table.indexes)}
        wanted |= {next_name(name) for name in wanted}
        for kind, name in self._made_here():
            if name in wanted:
                continue
            if kind == "index" and name in self.live.indexes and not self.live.indexes[name].unique:
                self._drop_index(name, "it is no longer in the file")
            elif kind in {"check", "exclusion", "foreign_key"}:
                self._forget(kind, name, "it is no longer in the file")
            else:
                known = [item.name for item in self.table.constraints]
                self._refuse(
                    "unique" if kind != "primary_key" else "primary_key",
                    f"no longer has {name}: running code may rely on it (ON CONFLICT), and rows that break it can't be "
                    "undone.",
                    f"Keep it for now. {nearest(name, known)}",
                )

    def _made_here(self) -> Iterator[tuple[str, str]]:
        for name in self.live.constraints:
            kind = self.live.constraints[name].kind
            if (kind, name) in self.objects:
                yield kind, name
        for name in self.live.indexes:
            if ("index", name) in self.objects:
                yield "index", name


def _kind(item: Constraint) -> str:
    return item.kind.replace("_", " ")
