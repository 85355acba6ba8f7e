"""Planning one existing table: its state, and the steps and refusals collected for it."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from gatehouse_db_manager.config.model import Collection, Column, Constraint, Index, Schema, short_digest
from gatehouse_db_manager.database.snapshot import (
    LiveColumn,
    LiveConstraint,
    LiveIndex,
    LiveSchema,
    LiveTable,
    Recorded,
)
from gatehouse_db_manager.errors import Refusal
from gatehouse_db_manager.hazards.lessons import LESSONS
from gatehouse_db_manager.planning.plan import Hazard, Remember, Step

# Bytes per second on a small RDS instance, roughly; only for the estimates in a plan.
SCAN_SPEED = 200e6
RULES = frozenset({"index", "primary_key", "unique", "check", "foreign_key", "exclusion"})
# Constraints without an index; they may share a name with one.
WITHOUT_INDEX = frozenset({"check", "foreign_key"})
NEW = "nothing in use"
NOTHING = "nothing: reads and writes continue"
_WORD = re.compile(r"'(?:[^']|'')*'|[a-z_][a-z0-9_$]*", re.IGNORECASE)


def brief(table: str) -> str:
    return f"{table} briefly (waits at most 100 ms, then retries)"


def space(item: Constraint | Index | LiveConstraint | LiveIndex | str, name: str = "") -> tuple[str, str]:
    """The namespace of a name: constraints without an index, indexes, and columns each have their own."""
    kind = item if isinstance(item, str) else getattr(item, "kind", "index")
    place = kind if kind == "column" else "rule" if kind in WITHOUT_INDEX else "index"
    return place, name or str(getattr(item, "name", ""))


def substitute(text: str, names: Mapping[str, str]) -> str:
    """SQL with identifiers replaced, except inside quotes."""
    return _WORD.sub(lambda found: names.get(found[0].lower(), found[0]), text)


def mentions(text: str, name: str) -> bool:
    """Whether SQL contains an identifier outside of quotes."""
    return any(word.lower() == name for word in _WORD.findall(text))


def hazard(
    lesson: str, name: str, file: str, danger: str, /, *, why: str = "", rows: int | None = None, **names: str
) -> Hazard:
    """A hazard from a lesson; `name` is qualified."""
    taught = LESSONS[lesson]
    return Hazard(
        kind=lesson,
        key=f"{lesson} {name}",
        file=file,
        danger=danger,
        why=why or taught.why,
        bad=names.pop("bad", "") or taught.said(taught.bad, names),
        good=taught.said(taught.good, names),
        rows=rows,
    )


def remember_column(table: str, column: Column, **more: str) -> Remember:
    given = {"default": column.default, "generated": column.generated, "from": column.renamed_from, **more}
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
    """Attributes:
    empty: no row was ever in the table, so nothing can be lost or blocked.
    migrates: migrations move its data before new rules are added.
    tightens: a rule is added that rows could violate.
    later: steps that remove something; they come last.
    handled: columns, constraints and indexes that another step changes, keyed as by `space`.
    """

    def __init__(self, schema: Schema, collection: Collection, live_schema: LiveSchema, migrates: bool = False) -> None:
        self.schema = schema
        self.collection = collection
        self.table = collection.table
        self.full = f"{schema.name}.{collection.table.name}"
        self.objects = live_schema.objects
        self.live: LiveTable = live_schema.tables[collection.name]
        self.empty = self.live.size == 0
        self.migrates = migrates
        self.steps: list[Step] = []
        self.later: list[Step] = []
        self.refusals: list[Refusal] = []
        self.questions: list[str] = []
        self.answers: dict[str, int | None] = {}
        self.examples: dict[str, str] = {}
        self.major = 0
        self.tightens = False
        self.reshaped = False
        self.handled: set[tuple[str, str]] = set()
        self.to_require: list[Column] = []
        self.tables = live_schema.tables
        # Foreign keys of any table, (table, name), that gave way to another key here, and come again when it stands.
        self.fallen: tuple[tuple[str, str], ...] = ()
        # The names of the table and its columns before a rename runs.
        self.full_now = f"{schema.name}.{self.live.was or self.live.name}"
        self.names_now: dict[str, str] = {}

    @property
    def gone(self) -> list[str]:
        """Columns that db-manager made and that are no longer in the file."""
        kept = {column.name for column in self.table.columns}
        return [name for name in self.live.columns if name not in kept and self.recorded("column", name) is not None]

    @property
    def live_key(self) -> tuple[str, ...]:
        return next((one.columns for one in self.live.constraints.values() if one.kind == "primary_key"), ())

    def release(self, index: str, kept: frozenset[str] = frozenset()) -> tuple[tuple[str, str], ...]:
        """The foreign keys, but those `kept`, that rest on a key of this table, and must give way before it can be
        another."""
        given = tuple(
            (f"{self.schema.name}.{table.name}", one.name)
            for table in self.tables.values()
            for one in table.constraints.values()
            if one.rests_on == index
            and one.name not in kept
            # What isn't ours is never dropped: planning/dependents.py refuses it by name.
            and ("foreign_key", one.name) in self.objects
            and (f"{self.schema.name}.{table.name}", one.name) not in self.fallen
        )
        self.fallen += given
        return given

    def without(self, fallen: set[str]) -> None:
        """Continues as if these constraints didn't exist: an earlier step drops them."""
        kept = {name: one for name, one in self.live.constraints.items() if name not in fallen}
        self.live = msgspec.structs.replace(self.live, constraints=kept)

    def recorded(self, kind: str, name: str) -> Recorded | None:
        return self.objects.get((kind, f"{self.table.name}.{name}" if kind == "column" else name))

    def stands(self, item: Constraint | Index, live: LiveConstraint | LiveIndex, name: str = "") -> bool:
        """Whether it was made from this definition and has not been changed since."""
        recorded = self.recorded("index" if isinstance(item, Index) else item.kind, name or item.name)
        return recorded is not None and recorded.digest == item.digest and not self.touched(recorded, live.definition)

    def touched(self, recorded: Recorded, definition: str | None) -> bool:
        """Whether PostgreSQL's text differs from right after we made it. Only comparable within a major version."""
        major, known, text = str(recorded.details.get("live", "")).partition(":")
        return bool(known) and major == str(self.major) and text != (definition or "")

    def count(self, condition: str) -> int | None:
        """How many rows match; None in the first plan, which only asks. -1: a value could not be cast."""
        asked = substitute(condition, self.names_now)
        return self.ask(f"select count(*) from {self.full_now} where {asked}")  # noqa: S608 (names are checked)

    def ask(self, question: str) -> int | None:
        """The first column of its only row; None in the first plan, which only asks, or if it took too long."""
        self.questions.append(question)
        return self.answers.get(question)

    def has_rows(self) -> bool:
        """Whether there is a row, without counting them all."""
        return self.ask(f"select count(*) from (select from {self.full_now} limit 1) one") != 0  # noqa: S608 (as above)

    def forget_other(self, item: Constraint | Index) -> tuple[Remember, ...]:
        """Records of another kind under the same name; that object is dropped."""
        kinds = {kind for kind, name in self.objects if name == item.name}
        own = "index" if isinstance(item, Index) else item.kind
        if own == "index":
            kinds -= WITHOUT_INDEX
        elif own in WITHOUT_INDEX:
            kinds -= {"index"}
        return tuple(Remember(kind=kind, name=item.name) for kind in sorted((kinds & RULES) - {own}))

    def refuse(
        self, lesson: str, key: str, danger: str, *, why: str = "", rows: int | None = None, **names: str
    ) -> None:
        """Adds a refusal that no approval lifts; `why` replaces the lesson's reason."""
        taught = LESSONS[lesson]
        given = {**self._names, **names}
        why, good = why or taught.why, taught.said(taught.good, given)
        self.refusals.append(
            Refusal(
                file=self.collection.file,
                key=key,
                message=f"{danger}: {why}",
                fix=good,
                danger=danger,
                why=why,
                bad=taught.said(taught.bad, given),
                good=good,
                rows=rows,
            )
        )

    def hazard(
        self, lesson: str, name: str, danger: str, /, *, why: str = "", rows: int | None = None, **names: str
    ) -> Hazard:
        """A hazard that needs approval. `name` of the object, without its schema."""
        given = {**self._names, "name": name, **names}
        return hazard(lesson, f"{self.schema.name}.{name}", self.collection.file, danger, why=why, rows=rows, **given)

    @property
    def _names(self) -> dict[str, str]:
        return {"table": self.table.name, "full": self.full, "version": self.collection.release}

    def step(self, what: str, why: str, *statements: str, **more: Any) -> None:
        self._add(self.steps, what, why, statements, more)

    def contract(self, what: str, why: str, *statements: str, **more: Any) -> None:
        """Adds a step that comes last, as it removes what running code may use."""
        self._add(self.later, what, why, statements, {"phase": "contract", "reversible": False, **more})

    def _add(self, steps: list[Step], what: str, why: str, statements: tuple[str, ...], more: dict[str, Any]) -> None:
        given: dict[str, Any] = {"kind": "tx", "locks": brief(self.table.name), "reversible": True, **more}
        base: dict[str, Any] = {"schema": self.schema.name, "collection": self.table.name, "what": what, "why": why}
        steps.append(Step(**base, statements=statements, **given))

    def alter(self, action: str) -> str:
        return f"alter table {self.full} {action}"

    def column(self, name: str) -> LiveColumn | None:
        return self.live.columns.get(name)


def validate(change: TableChange, *items: Constraint, name: str = "") -> None:
    """Adds the step that validates constraints (under `name`, if given). Undone if a row violates one."""
    names = [name or item.name for item in items]
    change.step(
        f"validate {', '.join(names)}",
        "in its own transaction, so that writes don't wait for the scan",
        change.alter(", ".join(f"validate constraint {one}" for one in names)),
        locks=NOTHING,
        seconds=change.live.size / SCAN_SPEED,
        undo=tuple(change.alter(f"drop constraint if exists {one}") for one in names),
        remember=tuple(remember(item, one) for item, one in zip(items, names, strict=True)),
    )
