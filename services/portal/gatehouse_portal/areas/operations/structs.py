"""What every service answers about itself. Fields that are not named here are skipped."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct


class CollectionVersion(Struct, frozen=True):
    collection: str
    version: str
    applied_at: datetime


class Version(Struct, frozen=True, kw_only=True):
    service: str
    domain: str = ""
    summary: str = ""
    environment: str = ""
    version: str = ""
    commit: str = ""
    built_at: str = ""
    image_digest: str = ""
    started_at: datetime | None = None
    collections: list[CollectionVersion] = []


class Readiness(Struct, frozen=True):
    ready: bool
    checks: dict[str, str] = {}


class Setting(Struct, frozen=True, kw_only=True):
    key: str
    type: str
    value: Any = None
    origin: str = ""
    secret: bool = False
    help: str = ""


class LimitedRoute(Struct, frozen=True, kw_only=True):
    """A route for strangers, and what one address may send to it."""

    route: str
    per_minute: int
    at_once: int


class Configuration(Struct, frozen=True):
    settings: list[Setting] = []
    limits: list[LimitedRoute] = []


class FailingWork(Struct, frozen=True, kw_only=True):
    """A piece of a job's work that failed, as its service tells."""

    id: UUID
    failures: int = 0
    due_at: datetime | None = None
    last_error: str | None = None
    discarded_at: datetime | None = None
    discarded_reason: str | None = None


class Job(Struct, frozen=True, kw_only=True):
    """A job of a service, with its queue."""

    name: str
    help: str = ""
    schedule: str | None = None
    waiting: int = 0
    running_since: datetime | None = None
    next_at: datetime | None = None
    overdue_seconds: float = 0.0
    failures: int = 0
    succeeded_at: datetime | None = None
    failed_at: datetime | None = None
    milliseconds: int | None = None
    last_error: str | None = None
    failing: list[FailingWork] = []


class Refusal(Struct, frozen=True):
    """Why a job can't run now."""

    detail: str = ""


class UnhandledEvent(Struct, frozen=True, kw_only=True):
    """An event that a consumer hasn't handled, as it tells."""

    id: UUID
    producer: str
    type: str
    subject_id: UUID
    tries: int
    parked_at: datetime
    due_at: datetime | None = None
    failure: str | None = None
    discarded_at: datetime | None = None
    discarded_reason: str | None = None

    @property
    def failed(self) -> bool:
        """Whether a person may try it again or discard it; else it waits behind another, or is discarded."""
        return self.tries > 0 and self.discarded_at is None


class FollowedFeed(Struct, frozen=True, kw_only=True):
    """A producer that a consumer follows, as it tells."""

    producer: str
    types: list[str]
    backlog: int = 0
    lag_seconds: float = 0.0
    unhandled: list[UnhandledEvent] = []
