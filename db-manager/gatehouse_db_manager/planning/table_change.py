"""Planning one existing table: its state, and the steps and refusals collected for it."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from gatehouse_db_manager.config.model import Collection, Column, Constraint, Index, Schema, short_digest
from gatehouse_db_manager.database.snapshot import DatabaseState, LiveColumn, LiveRule, LiveSchema, LiveTable, Recorded
from gatehouse_db_manager.errors import Problem, Refusal
from gatehouse_db_manager.hazards.lessons import LESSONS
from gatehouse_db_manager.planning.plan import Hazard, Remember, Step

# Bytes per second on a small RDS instance, roughly; only for the estimates in a plan.
SCAN_SPEED = 200e6
RULES = frozenset({"index", "primary_key", "unique", "check", "foreign_key", "exclusion"})
# Constraints without an index; they may share a name with one.
WITHOUT_INDEX = frozenset({"check", "foreign_key"})
NOTHING = "nothing: reads and writes continue"
_WORD = re.compile(r"'(?:[^']|'')*'|[a-z_][a-z0-9_$]*", re.IGNORECASE)


def brief(table: str) -> str:
    return f"{table} briefly (waits at most 100 ms, then retries)"


def space(item: Constraint | Index | LiveRule | str, name: str = "") -> tuple[str, str]:
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


def refusal(one: Hazard, key: str = "") -> Refusal:
    """A hazard that no approval lifts."""
    shown = {name: getattr(one, name) for name in ("file", "danger", "why", "bad", "good", "rows")}
    return Refusal(key=key, message=f"{one.danger}: {one.why}", fix=one.good, **shown)


def recorded_name(table: str, kind: str, name: str) -> str:
    """Under which name a record stands: a constraint's is its table's own, an index's the schema's."""
    return name if kind == "index" else f"{table}.{name}"


def remember(table: str, item: Column | Constraint | Index, name: str = "", **more: str) -> Remember:
    """The record of an object, under `name` if given; `more`: details of a column."""
    kind = "column" if isinstance(item, Column) else "index" if isinstance(item, Index) else item.kind
    given: dict[str, Any] = dict(more)
    if isinstance(item, Column):
        given |= {"default": item.default, "generated": item.generated, "from": item.renamed_from}
    elif isinstance(item, Constraint) and item.values is not None:
        given = {"values": list(item.values)}
    digest = short_digest(item.definition) if isinstance(item, Column) else item.digest
    details = {key: value for key, value in given.items() if value is not None}
    return Remember(kind=kind, name=recorded_name(table, kind, name or item.name), digest=digest, details=details)


def forget(table: str, kind: str, name: str) -> Remember:
    return Remember(kind=kind, name=recorded_name(table, kind, name))


class PlanningState:
    """What planning one schema starts from, and what it finds.

    Attributes:
        whole, live: the database and this schema, a copy that is kept as later steps will find it.
        later: steps that remove something; they come last.
        questions: queries whose answers planning still needs."""

    def __init__(self, whole: DatabaseState, live: LiveSchema, schema: Schema) -> None:
        self.whole, self.live, self.schema = whole, live, schema
        self.steps: list[Step] = []
        self.later: list[Step] = []
        self.refusals: list[Problem] = []
        self.questions: list[str] = []

    def ask(self, question: str) -> int | None:
        """The first column of its only row; None in the first plan, which only asks, or if it took too long."""
        self.questions.append(question)
        return self.whole.answers.get(question)


class TableChange:
    """Attributes:
    empty: no row was ever in the table, so nothing can be lost or blocked.
    migrates: migrations move its data before new rules are added.
    tightens: a rule is added that rows could violate.
    handled: columns, constraints and indexes that another step changes, keyed as by `space`.
    """

    def __init__(self, given: PlanningState, collection: Collection, *, migrates: bool) -> None:
        self.given = given
        self.schema = given.schema
        self.collection = collection
        self.table = collection.table
        self.full = f"{self.schema.name}.{collection.table.name}"
        self.objects = given.live.objects
        self.live: LiveTable = given.live.tables[collection.name]
        self.empty = self.live.size == 0
        self.migrates = migrates
        self.tightens = False
        self.reshaped = False
        self.handled: set[tuple[str, str]] = set()
        self.to_require: list[Column] = []
        self.tables = given.live.tables
        # Foreign keys of any table, (table, name), that gave way to another key here, and come again when it stands.
        self.fallen: set[tuple[str, str]] = set()
        # The names of the table and its columns before a rename runs.
        self.full_now = f"{self.schema.name}.{self.live.was or self.live.name}"
        self.names_now: dict[str, str] = {}

    @property
    def gone(self) -> list[str]:
        """Columns that db-manager made and that are no longer in the file."""
        kept = {column.name for column in self.table.columns}
        return [name for name in self.live.columns if name not in kept and self.recorded("column", name) is not None]

    @property
    def live_key(self) -> tuple[str, ...]:
        return next((one.columns for one in self.live.constraints.values() if one.kind == "primary_key"), ())

    def without(self, fallen: set[str]) -> None:
        """Continues as if these constraints didn't exist: an earlier step drops them."""
        kept = {name: one for name, one in self.live.constraints.items() if name not in fallen}
        self.live = msgspec.structs.replace(self.live, constraints=kept)

    def recorded(self, kind: str, name: str) -> Recorded | None:
        return self.objects.get((kind, recorded_name(self.table.name, kind, name)))

    def remember(self, item: Column | Constraint | Index, name: str = "", **more: str) -> Remember:
        return remember(self.table.name, item, name, **more)

    def forget(self, kind: str, name: str) -> Remember:
        return forget(self.table.name, kind, name)

    def stands(self, item: Constraint | Index, live: LiveRule, name: str = "") -> bool:
        """Whether it was made from this definition and has not been changed since."""
        recorded = self.recorded("index" if isinstance(item, Index) else item.kind, name or item.name)
        return recorded is not None and recorded.digest == item.digest and not self.touched(recorded, live.definition)

    def touched(self, recorded: Recorded, definition: str | None) -> bool:
        """Whether PostgreSQL's text differs from right after we made it. Only comparable within a major version."""
        major, known, text = str(recorded.details.get("live", "")).partition(":")
        return bool(known) and major == str(self.given.whole.major) and text != (definition or "")

    def count(self, condition: str) -> int | None:
        """How many rows match; None in the first plan, which only asks. -1: a value could not be cast."""
        asked = substitute(condition, self.names_now)
        return self.given.ask(f"select count(*) from {self.full_now} where {asked}")  # noqa: S608 (names are checked)

    def has_rows(self) -> bool:
        """Whether there is a row, without counting them all."""
        return self.given.ask(f"select count(*) from (select from {self.full_now} limit 1) one") != 0  # noqa: S608 (as above)

    def forget_other(self, item: Constraint | Index) -> tuple[Remember, ...]:
        """Records of another kind under the same name; that object is dropped."""
        own = "index" if isinstance(item, Index) else item.kind
        others = RULES - {own} - (WITHOUT_INDEX if own == "index" else {"index"} if own in WITHOUT_INDEX else set())
        return tuple(self.forget(kind, item.name) for kind in sorted(others) if self.recorded(kind, item.name))

    def refuse(
        self, lesson: str, key: str, danger: str, *, why: str = "", rows: int | None = None, **names: str
    ) -> None:
        """Adds a refusal; `why` replaces the lesson's reason."""
        names = {**self._names, **names}
        self.given.refusals.append(
            refusal(hazard(lesson, "", self.collection.file, danger, why=why, rows=rows, **names), key)
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

    def step(self, what: str, why: str, *statements: str, later: bool = False, **more: Any) -> None:
        about: dict[str, Any] = {"what": what, "why": why, "locks": brief(self.table.name), **more}
        steps = self.given.later if later else self.given.steps
        steps.append(Step(schema=self.schema.name, collection=self.table.name, statements=statements, **about))

    def contract(self, what: str, why: str, *statements: str, **more: Any) -> None:
        """Adds a step that comes last, as it removes what running code may use."""
        self.step(what, why, *statements, later=True, **{"phase": "contract", "reversible": False, **more})

    def settle(self, column: Column, what: str, why: str, *statements: str) -> None:
        """Adds a step after which the column is as its file wants it."""
        self.step(what, why, *statements, remember=(self.remember(column),))

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
        remember=tuple(change.remember(item, one) for item, one in zip(items, names, strict=True)),
    )


def prove(change: TableChange, item: Constraint, name: str = "") -> None:
    """Adds a check or foreign key (under `name`, if given) in two steps, but for what a killed run has done."""
    name = name or item.name
    there = change.live.constraints.get(name)
    if there is None:
        target = re.search(r" references ([^ (]+)", item.definition, re.IGNORECASE)
        change.step(
            f"add {item.kind.replace('_', ' ')} {name} (not valid yet)",
            "checks new and changed rows at once, without scanning existing ones",
            change.alter(f"add constraint {name} {item.definition} not valid"),
            locks=brief(f"{change.table.name} and {target[1]}" if target else change.table.name),
            remember=(change.remember(item, name),),
        )
    if there is None or not there.valid:
        validate(change, item, name=name)
