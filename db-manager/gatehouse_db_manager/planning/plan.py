"""A plan is data: the steps from a database as it is to its configuration, each with what it locks and costs."""

from typing import Any, Literal

import msgspec

from gatehouse_db_manager.config.model import Data, Migration, Script, short_digest
from gatehouse_db_manager.errors import Problem


class _Struct(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Remember(_Struct, frozen=True, kw_only=True):
    """A row of dbm.object that a step writes; without a digest the step removes it."""

    kind: str
    name: str
    digest: str | None = None
    details: dict[str, Any] = {}


class Hazard(_Struct, frozen=True, kw_only=True):
    """Why a step needs somebody's approval, as a lesson. By `key` a resumed run knows what was approved."""

    kind: str
    key: str
    file: str
    danger: str
    why: str
    bad: str
    good: str
    rows: int | None = None


class Backfill(_Struct, frozen=True, kw_only=True):
    """An UPDATE of rows that are there already, done in batches by primary key. `name` finds the place to resume."""

    name: str
    table: str
    key: tuple[str, ...]
    assignments: str
    condition: str = "true"


class Step(_Struct, frozen=True, kw_only=True):
    """One thing done to one collection.

    `tx`: in one transaction with its record. `no_tx`: can't run in a transaction (CONCURRENTLY). `backfill`: many short
    transactions. `builds` is the index that must be valid afterwards. `undo` is run when the step fails, so that what
    was there stays as it was. `scripts` are those of the statements that people wrote: they run when all that scripts
    made has been dropped (but `stays`, such as `function twice`), or, with `adds`, beside it. `clears` names what
    scripts made that is in the statements' way. `seconds` is a rough estimate of how long it takes.
    """

    schema: str
    collection: str
    kind: Literal["tx", "no_tx", "backfill"]
    phase: Literal["expand", "backfill", "contract"] = "expand"
    what: str
    why: str
    statements: tuple[str, ...]
    locks: str
    reversible: bool
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


class VersionChange(_Struct, frozen=True, kw_only=True):
    """A collection's Version document as it will be; `before` is empty for a new one."""

    collection: str
    before: str
    after: str
    digest: str
    types_digest: str


class SnapshotPin(_Struct, frozen=True, kw_only=True):
    number: int
    digest: str
    content: list[dict[str, str]]


class SchemaPlan(_Struct, frozen=True, kw_only=True):
    """`target` names the configuration. Of an unfinished run towards it, `approved` has the keys of hazards that it was
    allowed, and `origin` the fingerprint of the plan it started with. `questions` are counts that planning needs;
    `roles` are the schema's own.
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

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        """What nobody has approved yet."""
        return tuple(one for step in self.steps for one in step.hazards if one.key not in self.approved)

    @property
    def empty(self) -> bool:
        return not (self.steps or self.versions or self.snapshots or self.dropped)

    @property
    def fingerprint(self) -> str:
        """The same for the same steps and versions, whenever and wherever it is planned."""
        parts = [statement for step in self.steps for statement in step.statements]
        parts += [data.digest for step in self.steps for data in step.data]
        parts += [script.digest for step in self.steps for script in step.scripts or ()]
        parts += [str(step.backfill) for step in self.steps if step.backfill]
        parts += [f"drop {name}" for name in self.dropped]
        parts += [f"{change.collection} {change.after} {change.digest}" for change in self.versions]
        return short_digest("\0".join(parts))


class Plan(_Struct, frozen=True, kw_only=True):
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
        """Approves all schemas at once."""
        prints = [schema.fingerprint for schema in self.schemas if not schema.empty]
        return prints[0] if len(prints) == 1 else short_digest(" ".join(prints))

    @property
    def empty(self) -> bool:
        return all(schema.empty for schema in self.schemas)

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(step for schema in self.schemas for step in schema.steps)
