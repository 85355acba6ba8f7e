"""What the planner knows about one existing table, and the steps and refusals it collects for it."""

from typing import Any

from gatehouse_db_manager.errors import Problem
from gatehouse_db_manager.live import LiveSchema, LiveTable
from gatehouse_db_manager.model import Collection, Column, Constraint, Index, Schema, short_digest
from gatehouse_db_manager.plan_structs import Remember, Step

# A rough speed of a small RDS instance, in bytes a second; only used to say "about 2 s" in a plan.
SCAN_SPEED = 200e6
NOTHING = "nothing: reads and writes go on"


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


class TableChange:
    """`empty`: no row was ever in it, so nothing can be lost or held up. `tightens`: there is a rule that rows could
    break."""

    def __init__(self, schema: Schema, collection: Collection, live_schema: LiveSchema) -> None:
        self.schema = schema
        self.collection = collection
        self.table = collection.table
        self.full = f"{schema.name}.{collection.table.name}"
        self.objects = live_schema.objects
        self.live: LiveTable = live_schema.tables[collection.name]
        self.empty = self.live.size == 0
        self.steps: list[Step] = []
        self.refusals: list[Problem] = []
        self.tightens = False
        self.added_checks: set[str] = set()

    def refuse(self, key: str, message: str, mend: str) -> None:
        self.refusals.append(Problem(file=self.collection.file, key=key, message=message, mend=mend))

    def step(self, what: str, why: str, *statements: str, **more: Any) -> None:
        given: dict[str, Any] = {"kind": "tx", "locks": brief(self.table.name), "reversible": True, **more}
        base: dict[str, Any] = {"schema": self.schema.name, "collection": self.table.name, "what": what, "why": why}
        self.steps.append(Step(**base, statements=statements, **given))

    def alter(self, action: str) -> str:
        return f"alter table {self.full} {action}"


def validate(change: TableChange, *items: Constraint, name: str = "") -> None:
    """Look at the rows that were there before constraints came (under `name`, if one is given). Undone if one fails."""
    names = [name or item.name for item in items]
    change.step(
        f"check every row against {', '.join(names)}",
        "in a transaction of its own: in one with the step before, writes would wait for it",
        change.alter(", ".join(f"validate constraint {one}" for one in names)),
        locks=NOTHING,
        seconds=change.live.size / SCAN_SPEED,
        undo=tuple(change.alter(f"drop constraint if exists {one}") for one in names),
        remember=tuple(remember(item, one) for item, one in zip(items, names, strict=True)),
    )
