"""What a database looks like now, as far as planning needs it, and what db-manager recorded about it. Plain structs."""

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
    description: str = ""


class LiveConstraint(_Live, frozen=True, kw_only=True):
    """`definition` is as PostgreSQL writes it; filled only when asked for."""

    name: str
    kind: str
    valid: bool
    definition: str = ""


class LiveIndex(_Live, frozen=True, kw_only=True):
    name: str
    valid: bool
    unique: bool
    definition: str = ""


class LiveTable(_Live, frozen=True, kw_only=True):
    """`size` is in bytes; 0 means that the table never had a row, or was truncated."""

    name: str
    size: int
    description: str
    columns: dict[str, LiveColumn] = {}
    constraints: dict[str, LiveConstraint] = {}
    indexes: dict[str, LiveIndex] = {}


class AppliedVersion(_Live, frozen=True, kw_only=True):
    version: str
    digest: str
    types_digest: str
    applied_at: str


class Recorded(_Live, frozen=True, kw_only=True):
    """The digest an object was made from, and what else comparing needs."""

    digest: str
    details: dict[str, Any] = {}


class LiveSchema(_Live, frozen=True, kw_only=True):
    """`objects` by (kind, name), `snapshots` by number, `data` digests by (collection, kind)."""

    exists: bool = False
    tables: dict[str, LiveTable] = {}
    objects: dict[tuple[str, str], Recorded] = {}
    versions: dict[str, AppliedVersion] = {}
    snapshots: dict[int, str] = {}
    data: dict[tuple[str, str], str] = {}


class Live(_Live, frozen=True, kw_only=True):
    """`environment` is the marker, None before the first apply. `roles` are those of the configuration that exist."""

    bootstrapped: bool = False
    layout: str = ""
    environment: str | None = None
    roles: frozenset[str] = frozenset()
    schemas: dict[str, LiveSchema] = {}

    def schema(self, name: str) -> LiveSchema:
        return self.schemas.get(name) or LiveSchema()
