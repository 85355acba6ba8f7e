"""A plan is data: the steps from a database to its configuration, each with its locks and cost."""

from typing import Any, Literal

import msgspec

from gatehouse_db_manager.config.model import Data, Migration, Script, short_digest
from gatehouse_db_manager.errors import Problem

NEW = "nothing in use"


class Remember(msgspec.Struct, frozen=True, kw_only=True):
    """A row of dbm.object that a step writes or, without a digest, deletes."""

    kind: str
    name: str
    digest: str | None = None
    details: dict[str, Any] = {}


class Hazard(msgspec.Struct, frozen=True, kw_only=True):
    """Why a step needs approval. A resumed run recognises what was approved by `key`."""

    kind: str
    key: str
    file: str
    danger: str
    why: str
    bad: str
    good: str
    rows: int | None = None


class Backfill(msgspec.Struct, frozen=True, kw_only=True):
    """An UPDATE of existing rows, in batches by primary key. `name` identifies it when a run resumes."""

    name: str
    table: str
    key: tuple[str, ...]
    assignments: str
    condition: str = "true"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One change to one collection.

    Attributes:
        kind: `tx`: in one transaction with its record. `no_tx`: can't run in a transaction (CONCURRENTLY). `backfill`:
            many short transactions.
        seconds: a rough estimate of the duration.
        undo: statements that run if the step fails, to restore what was there.
        builds: the index that must be valid afterwards.
        scripts: the repeatable scripts among the statements. Before they run, everything that scripts made is dropped,
            but for `stays` (such as `function twice`); with `adds`, nothing is dropped.
        clears: objects made by scripts that must be dropped first, as they are in the way.
    """

    schema: str
    collection: str = ""
    kind: Literal["tx", "no_tx", "backfill"] = "tx"
    phase: Literal["expand", "backfill", "contract"] = "expand"
    what: str
    why: str
    statements: tuple[str, ...]
    locks: str = NEW
    reversible: bool = True
    seconds: float = 0.0
    remember: tuple[Remember, ...] = ()
    undo: tuple[str, ...] = ()
    builds: str | None = None
    data: tuple[Data, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    backfill: Backfill | None = None
    scripts: tuple[Script, ...] | None = None
    adds: bool = False
    stays: tuple[str, ...] = ()
    clears: tuple[str, ...] = ()
    migrations: tuple[Migration, ...] = ()


class VersionChange(msgspec.Struct, frozen=True, kw_only=True):
    """The new Version document of a collection; `before` is empty for a new collection."""

    collection: str
    before: str
    after: str
    digest: str
    types_digest: str


class SnapshotPin(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    digest: str
    content: list[dict[str, str]]


class SchemaPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The plan of one schema.

    Attributes:
        target: a digest of the configuration.
        approved: hazards, by key, that were approved for an unfinished run to the same target.
        origin: the fingerprint of the plan which that run started with.
        questions: queries whose answers planning still needs.
        roles: the schema's service and reader role.
        unmade: views and routines that a deleted script made, which are dropped with it.
    """

    schema: str
    target: str = ""
    steps: tuple[Step, ...] = ()
    versions: tuple[VersionChange, ...] = ()
    snapshots: tuple[SnapshotPin, ...] = ()
    refusals: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    unmanaged: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    approved: tuple[str, ...] = ()
    origin: str = ""
    questions: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    unmade: tuple[str, ...] = ()

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        """The hazards that still need approval."""
        return tuple(one for step in self.steps for one in step.hazards if one.key not in self.approved)

    @property
    def empty(self) -> bool:
        return not (self.steps or self.versions or self.snapshots or self.dropped)

    @property
    def fingerprint(self) -> str:
        """A digest of steps and versions; the same whenever and wherever it is planned."""
        parts = [statement for step in self.steps for statement in step.statements]
        parts += [data.digest for step in self.steps for data in step.data]
        parts += [script.digest for step in self.steps for script in step.scripts or ()]
        parts += [str(step.backfill) for step in self.steps if step.backfill]
        parts += [f"drop {name}" for name in self.dropped]
        parts += [f"{change.collection} {change.after} {change.digest}" for change in self.versions]
        return short_digest("\0".join(parts))


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    schemas: tuple[SchemaPlan, ...]
    environment: str | None = None

    @property
    def refusals(self) -> tuple[Problem, ...]:
        return tuple(problem for schema in self.schemas for problem in schema.refusals)

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        return tuple(hazard for schema in self.schemas for hazard in schema.hazards)

    @property
    def fingerprint(self) -> str:
        """Covers all schemas."""
        prints = [schema.fingerprint for schema in self.schemas if not schema.empty]
        return prints[0] if len(prints) == 1 else short_digest(" ".join(prints))

    @property
    def empty(self) -> bool:
        return all(schema.empty for schema in self.schemas)

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(step for schema in self.schemas for step in schema.steps)
