"""A plan is data: the steps from a database as it is to its configuration, each with what it locks and costs."""

from typing import Any, Literal

import msgspec

from gatehouse_db_manager.errors import Problem
from gatehouse_db_manager.model import Data, short_digest


class _Struct(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Remember(_Struct, frozen=True, kw_only=True):
    """A row of dbm.object that a step writes; without a digest the step removes it."""

    kind: str
    name: str
    digest: str | None = None
    details: dict[str, Any] = {}


class Step(_Struct, frozen=True, kw_only=True):
    """One thing done to one collection.

    `tx`: in one transaction with its record. `no_tx`: can't run in a transaction (CONCURRENTLY). `builds` is the index
    that must be valid afterwards. `undo` is run when the step fails, so that what was there stays as it was.
    `seconds` is a rough estimate of how long it takes.
    """

    schema: str
    collection: str
    kind: Literal["tx", "no_tx"]
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
    schema: str
    steps: tuple[Step, ...] = ()
    versions: tuple[VersionChange, ...] = ()
    snapshots: tuple[SnapshotPin, ...] = ()
    refusals: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        return not (self.steps or self.versions or self.snapshots)

    @property
    def fingerprint(self) -> str:
        """The same for the same steps and versions, whenever and wherever it is planned."""
        parts = [statement for step in self.steps for statement in step.statements]
        parts += [data.digest for step in self.steps for data in step.data]
        parts += [f"{change.collection} {change.after} {change.digest}" for change in self.versions]
        return short_digest("\0".join(parts))


class Plan(_Struct, frozen=True, kw_only=True):
    schemas: tuple[SchemaPlan, ...]
    environment: str | None = None

    @property
    def refusals(self) -> tuple[Problem, ...]:
        return tuple(problem for schema in self.schemas for problem in schema.refusals)

    @property
    def empty(self) -> bool:
        return all(schema.empty for schema in self.schemas)

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(step for schema in self.schemas for step in schema.steps)
