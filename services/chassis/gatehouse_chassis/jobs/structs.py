"""What a job is to its handler, to operators, and to the task that runs it."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from gatehouse_catalog.jobs import Schedule
from gatehouse_chassis.service.service import ServiceContext


class JobRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a job, as its handler gets it.

    Attributes:
        name: The job's name in service.toml.
        key: What the piece of work is about; empty for a job that has a schedule.
        arguments: As they were enqueued.
        due_at: When it was due.
        now: When it began. A handler that looks at times compares with this, never with a clock of its own.
        failures: How often it has failed since it last succeeded.
        service: The running service, with its settings.
    """

    name: str
    key: str
    arguments: dict[str, Any]
    due_at: datetime
    now: datetime
    failures: int
    service: ServiceContext


Handler = Callable[[JobRun], Awaitable[None]]
"""Does the work. A run may end at any moment and is then repeated, so what it does twice must be as good as once."""


class DeclaredJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job of service.toml, or of the chassis, with what does its work. Without a schedule, only what is enqueued."""

    handler: Handler
    schedule: Schedule | None
    help: str


Clock = Callable[[], datetime | None]
"""What time it is; None: what the database's clock says."""


class JobClaim(msgspec.Struct, frozen=True):
    """A job that this task runs now. `taken_over`: another task began it and doesn't live any more."""

    id: UUID
    name: str
    key: str
    arguments: dict[str, Any]
    due_at: datetime
    created_at: datetime
    failures: int
    taken_over: bool
    now: datetime


class FailingWork(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of work that failed, and wasn't done since. `discarded_at`: a person decided that it never is."""

    id: UUID
    name: str
    key: str
    failures: int
    failed_at: datetime | None
    due_at: datetime | None
    last_error: str | None
    discarded_at: datetime | None
    discarded_reason: str | None


class DiscardReason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Annotated[str, Meta(min_length=3, max_length=500, description="Why it is never handled")]


class JobState(msgspec.Struct, frozen=True, kw_only=True):
    """A job with the pieces of work in its queue, as operators see it. Times are UTC."""

    name: str
    schedule: str | None
    waiting: int
    running_since: datetime | None
    next_at: datetime | None
    overdue_seconds: float
    failures: int
    succeeded_at: datetime | None
    failed_at: datetime | None
    milliseconds: int | None
    last_error: str | None
    help: str = ""


class ListedJob(JobState, frozen=True, kw_only=True):
    """With the pieces of its work that fail."""

    failing: list[FailingWork]


def listed(state: JobState, help: str, failing: list[FailingWork]) -> ListedJob:
    known: dict[str, Any] = {**msgspec.structs.asdict(state), "help": help, "failing": failing}
    return ListedJob(**known)
