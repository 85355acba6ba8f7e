"""Plain structs: a database as far as planning needs it, and what db-manager recorded about it."""

from typing import Any

import msgspec


class _Live(msgspec.Struct, frozen=True, kw_only=True):
    pass


class LiveColumn(_Live, frozen=True, kw_only=True):
    name: str
    sql_type: str
    required: bool
    default: str | None
    generated: bool
    identity: str = ""
    not_null_name: str = ""
    collation: str = ""
    virtual: bool = False
    # The sequence that is dropped with the column, unless it is an identity's.
    sequence: str = ""

    @property
    def words(self) -> str:
        """Type, NOT NULL, and default or generation expression, as db-manager records them."""
        return f"{self.sql_type}{' not null' if self.required else ''} {self.default or ''}"

    description: str = ""


class LiveConstraint(_Live, frozen=True, kw_only=True):
    """`definition` is PostgreSQL's text, if requested. `target`: the table that a foreign key refers to, `rests_on`:
    the index there that it needs."""

    name: str
    kind: str
    valid: bool
    definition: str = ""
    columns: tuple[str, ...] = ()
    target: str = ""
    rests_on: str = ""


class LiveIndex(_Live, frozen=True, kw_only=True):
    name: str
    valid: bool
    unique: bool
    definition: str = ""


LiveRule = LiveConstraint | LiveIndex


class LiveTable(_Live, frozen=True, kw_only=True):
    """`size` in bytes; 0: the table never had a row, or was truncated. `was`: its name before a planned rename."""

    name: str
    size: int
    was: str = ""
    description: str
    columns: dict[str, LiveColumn] = {}
    constraints: dict[str, LiveConstraint] = {}
    indexes: dict[str, LiveIndex] = {}

    @property
    def rules(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Constraints and indexes, each by name."""
        return self.constraints, self.indexes

    def resting_on(self, index: str) -> list[str]:
        """The names of its foreign keys that need this index of another table."""
        return [name for name, one in self.constraints.items() if one.rests_on == index]


class AppliedVersion(_Live, frozen=True, kw_only=True):
    version: str
    digest: str
    types_digest: str
    applied_at: str


class Recorded(_Live, frozen=True, kw_only=True):
    """The digest an object was made from, and what else a comparison needs."""

    digest: str
    details: dict[str, Any] = {}


class Unfinished(_Live, frozen=True, kw_only=True):
    """The last run, if it didn't complete: its plan, its target and what was approved for it."""

    fingerprint: str
    target: str
    approved: tuple[str, ...]


class LiveSchema(_Live, frozen=True, kw_only=True):
    """`objects` by (kind, name), `snapshots` by number, `data` digests by (collection, kind).

    `others`: views, functions, triggers, policies and so on, as "view active_person"; `migrations`: keys of those
    applied."""

    exists: bool = False
    tables: dict[str, LiveTable] = {}
    objects: dict[tuple[str, str], Recorded] = {}
    versions: dict[str, AppliedVersion] = {}
    snapshots: dict[int, str] = {}
    data: dict[tuple[str, str], str] = {}
    migrations: frozenset[str] = frozenset()
    others: list[str] = []
    unfinished: Unfinished | None = None


class Dependent(msgspec.Struct, frozen=True):
    """An object that depends on another: `of` is the other's kind, `schema` and `name` which one it is, and `part` its
    column. `its_table` has the dependent, if it is part of a table or view."""

    of: str
    schema: str
    name: str
    part: str
    kind: str
    dependent_schema: str
    identity: str
    its_schema: str
    its_table: str
    its_name: str

    @property
    def words(self) -> str:
        kind = "column" if self.kind in {"default value", "table column"} else self.kind
        place = self.identity.removeprefix("for ")
        return f"the {kind.removeprefix('table ')} {place}"

    @property
    def removal(self) -> str:
        """The statement that ends the dependency."""
        table = f'"{self.its_schema}"."{self.its_table}"'
        if "constraint" in self.kind:
            return f'alter table {table} drop constraint "{self.its_name}"'
        if self.kind == "default value" and self.of != "table":
            return f'alter table {table} alter column "{self.its_name}" drop default'
        if self.kind in {"default value", "table column"}:
            return f'alter table {table} drop column "{self.its_name}"'
        return f"drop {self.kind} {self.identity}"


class DatabaseState(_Live, frozen=True, kw_only=True):
    """`environment` is the marker, None before the first apply. `cluster_is_new`: the database was restored into, or
    moved to, a cluster that its records don't know. `roles` are those of the configuration that exist;
    `kept_out`: of those, which may not connect, as in a copy or a restored dump: neither has a database's own rights.
    `loads_statements`: the server counts statements, so that pg_stat_statements can be created.

    `major`: PostgreSQL's version; `dependents`: None until a plan needs them; `answers`: counts that an earlier plan
    asked for, None if it took too long and -1 if a value could not be cast."""

    bootstrapped: bool = False
    layout: str = ""
    environment: str | None = None
    cluster_is_new: bool = False
    roles: frozenset[str] = frozenset()
    kept_out: frozenset[str] = frozenset()
    extensions: frozenset[str] = frozenset()
    loads_statements: bool = False
    schemas: dict[str, LiveSchema] = {}
    major: int = 0
    answers: dict[str, int | None] = {}
    examples: dict[str, str] = {}
    dependents: tuple[Dependent, ...] | None = None

    def schema(self, name: str) -> LiveSchema:
        return self.schemas.get(name) or LiveSchema()
