"""Changes for which PostgreSQL rewrites or scans a table under an exclusive lock: another type, a generated column, an
exclusion constraint. Small tables are changed in one transaction; large ones are refused, with an alternative.

Whatever depends on the columns concerned is dropped and created again in that transaction, so the result is what a
new database would have.
"""

import re
from typing import Any

import msgspec

from gatehouse_db_manager.config.model import Column, Schema
from gatehouse_db_manager.database.snapshot import LiveTable
from gatehouse_db_manager.hazards.lesson import SMALL
from gatehouse_db_manager.planning.columns import IDENTITIES, is_serial, refuse_empty, start_numbering
from gatehouse_db_manager.planning.ddl import comment_on_column, next_name, number_column
from gatehouse_db_manager.planning.plan import Hazard, Step
from gatehouse_db_manager.planning.table_change import TableChange, space, substitute
from gatehouse_db_manager.planning.table_rewrite_dependents import RewriteDependents

_REWRITE_SPEED = 30e6
_WIDTHS = {"smallint": 2, "integer": 4, "bigint": 8}
_SIZED = re.compile(r"(character varying|numeric|character|timestamp|bit varying)(?:\((\d+)(?:,(-?\d+))?\))?(.*)\Z")


def widens(old: str, new: str) -> bool:
    """Whether PostgreSQL changes the type without a scan, as every value is stored the same."""
    before, after = _SIZED.match(old), _SIZED.match(new)
    if before and before[1] == "character varying" and not before[4] and new == "text":
        return True
    if old == "text" and new == "character varying":
        return True
    if not (before and after) or before[1] != after[1] or before[4] != after[4]:
        return False
    if before[1] not in {"character varying", "numeric", "bit varying"}:
        return False
    if after[2] is None:
        return True
    fits = before[2] is not None and int(after[2]) >= int(before[2])
    return fits and (before[3] or "0") == (after[3] or "0")


class Rewrite(RewriteDependents):
    """One step for all tables of a schema: a reference changes its type together with what it refers to."""

    def __init__(self, schema: Schema, tables: dict[str, LiveTable], changes: list[TableChange]) -> None:
        super().__init__(schema, tables, changes)
        self.hazards: list[Hazard] = []
        self.whats: list[str] = []

    def plan(self) -> Step | None:
        for change in self.changes.values():
            self._widen(change)
            self._columns(change)
            self._exclusions(change)
        self.around()
        for change in self.touched:
            change.reshaped = True
        if not self.touched:
            return None
        return self._step()

    def _step(self) -> Step | None:
        size = sum(change.live.size for change in self.touched)
        names = ", ".join(change.table.name for change in self.touched)
        if size > SMALL:
            for change in self.touched:
                why = (
                    f"PostgreSQL would rewrite {size / 1e6:,.0f} MB under an exclusive lock; reads and writes would "
                    f"wait for about {size / _REWRITE_SPEED:.0f} s."
                )
                change.refuse("table.rewrite", "columns", f"needs to {'; '.join(self.whats)}", why=why)
            return None
        first = self.touched[0]
        return Step(
            schema=first.schema.name,
            collection=first.table.name,
            phase="contract",
            what="; ".join(self.whats),
            why="in one transaction: the tables are empty" if not size else "in one transaction, as the table is small",
            statements=self.statements,
            locks=f"{names}: blocks all reads and writes until it is done",
            reversible=False,
            seconds=size / _REWRITE_SPEED,
            remember=tuple(self.remembered),
            hazards=tuple(self.hazards),
        )

    # What changes

    def _widen(self, change: TableChange) -> None:
        for column in change.table.columns:
            live = change.column(column.name)
            if live and live.sql_type != column.sql_type and widens(live.sql_type, column.sql_type):
                if any(
                    item.kind == "check" and column.name in item.columns for item in change.live.constraints.values()
                ):
                    continue
                action = change.alter(f"alter column {column.name} type {column.sql_type}")
                why = "every value is stored the same, so no row is read"
                change.settle(column, f"widen {column.name} to {column.sql_type}", why, action)
                change.live.columns[column.name] = msgspec.structs.replace(live, sql_type=column.sql_type)

    def _columns(self, change: TableChange) -> None:
        for column in change.table.columns:
            live = change.column(column.name)
            recorded = change.recorded("column", column.name)
            was = recorded.details.get("generated") if recorded else None
            if live is None:
                if column.generated is not None or (column.identity and not change.empty):
                    self._generate(change, column, again=False)
                continue
            retyped = live.sql_type != column.sql_type or live.collation != column.collation.rpartition(".")[2]
            touched = bool(recorded is not None and live.generated and change.touched(recorded, live.words))
            touched |= live.generated and live.virtual != column.virtual
            if live.virtual and column.generated is None:
                self._store(change, column.name)
                self._retype(change, column, f"store {column.name}")
            elif column.generated is not None and (was != column.generated or retyped or touched or not live.generated):
                self._generate(change, column, again=True)
            elif retyped:
                both = f"from {live.sql_type} to {column.sql_type}"
                what = f"{column.name} {both}" if live.sql_type != column.sql_type else f"collation of {column.name}"
                self._retype(change, column, f"change {what}")

    def _generate(self, change: TableChange, column: Column, *, again: bool) -> None:
        self.touch(change)
        name, live = column.name, change.column(column.name)
        change.handled.add(space("column", name))
        self.concerned.add((change.table.name, name))
        self.whats.append(f"generate {name}" + (" anew" if again else ""))
        if again:
            self.run["columns down"].append(change.alter(f"drop column {name}"))
        self.column_up(change, column)
        if change.empty:
            return
        why = ""
        if live and not live.generated:
            why = f"the values of {name} are lost, and PostgreSQL rewrites the table under an exclusive lock."
        danger = f"{'changes how' if again else 'adds'} the generated column {name}{' is generated' if again else ''}"
        self._hazard(change, "column.generated", name, danger, why=why, column=name)

    def _store(self, change: TableChange, name: str) -> None:
        """Makes a virtual column a plain one, which PostgreSQL can't: another takes its values and its name."""
        live = change.live.columns[name]
        bare = f"{next_name(name)} {live.sql_type}"
        value = substitute(live.default or "null", {old: new for new, old in change.names_now.items()})
        self.run["columns down"] += [
            change.alter(f"add column {bare}"),
            f"update {change.full} set {next_name(name)} = {value}",  # noqa: S608 (names are checked)
            change.alter(f"drop column {name}"),
            change.alter(f"rename column {next_name(name)} to {name}"),
        ]
        plain = {"generated": False, "virtual": False, "default": None, "required": False, "description": ""}
        change.live.columns[name] = msgspec.structs.replace(live, **plain)

    def _retype(self, change: TableChange, column: Column, what: str) -> None:
        self.touch(change)
        live = change.live.columns[column.name]
        name, old, new = column.name, live.sql_type, column.sql_type
        change.handled.add(space("column", name))
        self.concerned.add((change.table.name, name))
        self.whats.append(what)
        if live.generated:
            self.run["columns down"].append(change.alter(f"alter column {name} drop expression"))
        if live.identity and not column.identity and not column.serial:
            self.run["columns down"].append(change.alter(f"alter column {name} drop identity"))
        if live.identity and column.identity and _WIDTHS[new] < _WIDTHS[old]:
            self.run["columns down"].append(change.alter(f"alter column {name} set no maxvalue"))
        actions = [f"alter column {name} drop default"] if live.default is not None and not live.generated else []
        there, back = _casts(name, old, new)
        using = f" using ({there})" if old != new else ""
        actions.append(f"alter column {name} type {new}{column.collated}{using}")
        becomes_serial = column.serial and not is_serial(live)
        if column.default is not None and not becomes_serial:
            actions.append(f"alter column {name} set default {column.default}")
        if column.required != live.required:
            actions.append(f"alter column {name} {'set' if column.required else 'drop'} not null")
        self.run["middle"].append(change.alter(", ".join(actions)))
        if column.identity and IDENTITIES[column.identity] != live.identity:
            self.run["middle"].append(start_numbering(change, column, live))
        elif becomes_serial:
            self.run["middle"].append(number_column(change.schema.name, change.table.name, column, identity=""))
        elif is_serial(live) and live.sequence not in {one.name for one in self.schema.sequences}:
            sequence = f"sequence {self.schema.name}.{live.sequence}"
            self.run["middle"].append(f"alter {sequence} as {new}" if column.serial else f"drop {sequence}")
        if column.description != live.description:
            self.run["middle"].append(comment_on_column(change.full, column))
        self.remembered.append(change.remember(column))
        lost = None
        if not change.empty:
            if column.required and not live.required:
                refuse_empty(change, column)
            lost = change.count(f"{name} is not null and {back}") if old != new else None
        if lost:
            number = "some rows have" if lost < 0 else f"{lost:,} rows have"
            why, danger = f"{number} a value that doesn't fit {new}.", f"changes {name} from {old} to {new}"
            more = {"rows": None if lost < 0 else lost, "column": name, "type": new}
            change.refuse("column.type.values", f"columns.{column.key}.type", danger, why=why, **more)
        verb, _, rest = what.partition(" ")
        self._hazard(change, "column.type", name, f"{verb}s {rest}", column=name, type=new)

    def _hazard(self, change: TableChange, lesson: str, name: str, danger: str, /, **more: Any) -> None:
        self.hazards.append(change.hazard(lesson, f"{change.table.name}.{name}", danger, **more))

    def _exclusions(self, change: TableChange) -> None:
        for item in change.table.constraints:
            live = change.live.constraints.get(item.name)
            if item.kind != "exclusion" or change.empty or (live and change.stands(item, live)):
                continue
            self.touch(change)
            self.whats.append(f"add exclusion {item.name}")
            self.up(change, item)
            bad = change.alter(f"add constraint {item.name} {item.definition}")
            self._hazard(
                change, "exclusion.add", item.name, f"adds exclusion {item.name} to a table with rows", bad=bad
            )


# Where PostgreSQL itself says what becomes of a value; all others go by their text.
_DIRECT = [{"smallint", "integer", "bigint", "numeric", "real", "double precision"}, {"integer", "boolean"}]
# Where a value has more than one text: it is the same value, so only one that can't be read is lost.
_SAME = {"jsonb", "uuid", "date", "timestamp with time zone", "interval", "boolean", "bytea"}


def _casts(name: str, old: str, new: str) -> tuple[str, str]:
    """The value as the new type, and whether it would be another one than before."""
    there = f"{name}::{new}" if any({old, new} <= family for family in _DIRECT) else f"{name}::text::{new}"
    if old == "text" and new in _SAME:
        return there, f"({there}) is null"
    back = f"({there})::{old}" if there == f"{name}::{new}" else f"({there})::text::{old}"
    return there, f"{back} is distinct from {name}"
