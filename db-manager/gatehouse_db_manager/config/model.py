"""What a database should look like, resolved: every custom type, reference and enumerator has become plain columns,
constraints and indexes. How to get there is up to the planner."""

import hashlib
from pathlib import Path
from typing import Any, Literal

import msgspec

from gatehouse_db_manager.errors import Problem

ConstraintKind = Literal["primary_key", "unique", "check", "foreign_key", "exclusion"]
VersionNumber = tuple[int, int, int, int]


def short_digest(text: str) -> str:
    """Enough of a SHA-256 to tell two definitions of one object apart."""
    return hashlib.sha256(text.encode()).hexdigest()[:20]


_SERIAL = {"smallint": "smallserial", "integer": "serial", "bigint": "bigserial"}


class _Resolved(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Column(_Resolved, frozen=True, kw_only=True):
    """`base` is the file format's base type, `sql_type` PostgreSQL's name of it; `default` and `generated` are SQL.

    `values`: what an enumerator allows; `shape`: the JSON Schema of a document. `identity`: "always" or "by default";
    `serial` and `virtual` are only found in databases of others.
    """

    name: str
    key: str
    base: str
    sql_type: str
    required: bool = False
    default: str | None = None
    generated: str | None = None
    description: str = ""
    values: tuple[str, ...] | None = None
    shape: dict[str, Any] | None = None
    renamed_from: str | None = None
    identity: str = ""
    collation: str = ""
    serial: bool = False
    virtual: bool = False

    @property
    def definition(self) -> str:
        text = f"{self.name} {_SERIAL[self.sql_type] if self.serial else self.sql_type}{self.collated}"
        if self.identity:
            text += f" generated {self.identity} as identity"
        elif self.generated is not None:
            text += f" generated always as ({self.generated}) {'virtual' if self.virtual else 'stored'}"
        elif self.default is not None and not self.serial:
            text += f" default {self.default}"
        return text + (" not null" if self.required else "")

    @property
    def collated(self) -> str:
        return f" collate {self.collation}" if self.collation else ""


class Constraint(_Resolved, frozen=True, kw_only=True):
    """`definition` is what follows ADD CONSTRAINT name; `values` are those an enumerator's check allows."""

    name: str
    key: str
    kind: ConstraintKind
    definition: str
    columns: tuple[str, ...] = ()
    values: tuple[str, ...] | None = None

    @property
    def digest(self) -> str:
        return short_digest(self.definition)


class Index(_Resolved, frozen=True, kw_only=True):
    """`definition` is what follows CREATE INDEX name ON schema.table."""

    name: str
    key: str
    definition: str
    unique: bool = False

    @property
    def digest(self) -> str:
        return short_digest(f"{self.unique} {self.definition}")


class Table(_Resolved, frozen=True, kw_only=True):
    name: str
    description: str
    columns: tuple[Column, ...]
    constraints: tuple[Constraint, ...]
    indexes: tuple[Index, ...]

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Empty for an imported table that has none."""
        return next((item.columns for item in self.constraints if item.kind == "primary_key"), ())


class PersonalColumn(_Resolved, frozen=True, kw_only=True):
    """What a column says of whom. `where` is the condition on its table that finds the rows of the people whose ids,
    and accounts' ids, are $1; `replacement` is the SQL that takes its place on erasure, empty where it is kept or its
    row goes.
    """

    name: str
    subject: str
    where: str
    category: str
    on_erasure: Literal["delete", "clear", "pseudonymise", "keep"]
    basis: str = ""
    replacement: str = ""


class Retention(_Resolved, frozen=True, kw_only=True):
    """Rows go when `keep` (an interval of PostgreSQL) has passed since the moment in the column `after`."""

    after: str
    keep: str


class Collection(_Resolved, frozen=True, kw_only=True):
    """A table with the version its file states. `digest` is of the file, `types_digest` of the custom types it uses.

    `undeclared`: what `gate db check` says of columns that may hold personal data; none of it keeps it from running.
    """

    name: str
    file: str
    version: VersionNumber
    digest: str
    types_digest: str
    table: Table
    renamed_from: str | None = None
    personal: tuple[PersonalColumn, ...] = ()
    undeclared: tuple[Problem, ...] = ()
    retention: Retention | None = None
    history: bool = False

    @property
    def version_text(self) -> str:
        return ".".join(map(str, self.version))

    @property
    def release(self) -> str:
        """The version without its enumerators, as the folders of migrations are named."""
        return ".".join(map(str, self.version[:3]))


class EnumeratorValue(_Resolved, frozen=True, kw_only=True):
    """`label`: what people read; empty where that is the value with a capital letter and spaces."""

    enumerator: str
    value: str
    description: str
    label: str = ""


class Snapshot(_Resolved, frozen=True, kw_only=True):
    """enumerators/<number>.yaml: immutable once applied."""

    number: int
    file: str
    digest: str
    values: tuple[EnumeratorValue, ...]

    def of(self, enumerator: str) -> tuple[str, ...] | None:
        found = tuple(item.value for item in self.values if item.enumerator == enumerator)
        return found or None

    @property
    def enumerators(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(item.enumerator for item in self.values))


class Script(_Resolved, frozen=True, kw_only=True):
    """A view or functions that are simply run again when they change."""

    name: str
    file: str
    digest: str
    sql: str


class Migration(_Resolved, frozen=True, kw_only=True):
    """SQL that moves data when a collection passes `version`. A backfill is one UPDATE, split to be done in batches."""

    collection: str
    version: tuple[int, int, int]
    name: str
    kind: Literal["expand", "backfill", "contract"]
    file: str
    digest: str
    sql: str
    assignments: str = ""
    condition: str = "true"

    @property
    def key(self) -> str:
        return f"{self.collection}/{'.'.join(map(str, self.version))}/{self.name}"


class Data(_Resolved, frozen=True, kw_only=True):
    """Rows of one collection. `reference` data belongs everywhere, `test` data anywhere but in production."""

    collection: str
    kind: Literal["reference", "test"]
    file: str
    digest: str
    rows: tuple[dict[str, Any], ...]


class Sequence(_Resolved, frozen=True, kw_only=True):
    """`definition` is what follows CREATE or ALTER SEQUENCE name; `owned_by`: `table.column`, or empty."""

    name: str
    definition: str
    owned_by: str = ""

    @property
    def digest(self) -> str:
        return short_digest(self.definition)


class Schema(_Resolved, frozen=True, kw_only=True):
    name: str
    description: str
    file: str
    service_role: str
    reader_role: str
    extensions: tuple[str, ...]
    sequences: tuple[Sequence, ...] = ()
    collections: tuple[Collection, ...]
    snapshots: tuple[Snapshot, ...]
    scripts: tuple[Script, ...]
    migrations: tuple[Migration, ...] = ()
    data: tuple[Data, ...]

    def file_of(self, collection: str) -> str:
        return f"{self.file.rpartition('/')[0]}/collections/{collection}.yaml"

    @property
    def roles(self) -> tuple[str, str]:
        return self.service_role, self.reader_role

    @property
    def pinned(self) -> tuple[Snapshot, ...]:
        """The snapshots that a collection pins; drafts that none pins yet may still change."""
        numbers = {collection.version[3] for collection in self.collections}
        return tuple(snapshot for snapshot in self.snapshots if snapshot.number in numbers)


class Configuration(_Resolved, frozen=True, kw_only=True):
    """All schemas, by name, that `load` found."""

    root: Path
    schemas: tuple[Schema, ...]

    def __getitem__(self, name: str) -> Schema:
        return next(schema for schema in self.schemas if schema.name == name)
