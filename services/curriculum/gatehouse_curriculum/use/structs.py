"""What callers send and get about uses: clicks that open an assignment's resource."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from gatehouse_chassis.base.fields import Moment


class NewUse(Struct, kw_only=True, forbid_unknown_fields=True):
    """A click. With an `id` of the sender's own it is recorded once, however often it is sent.

    `used_at`: when it was, where it is sent later; never before the assignment was made, nor in the future.
    """

    id: UUID | None = None
    used_at: Moment | None = None


class UseEnd(Struct, kw_only=True, forbid_unknown_fields=True):
    """When the member came back to the plan; now, unless given. At most 90 minutes of a use count."""

    ended_at: Moment | None = None


class AssignmentTarget(Struct, kw_only=True, frozen=True):
    """What a link of a plan leads to."""

    assignment_id: UUID
    resource_id: UUID


class RecordedUse(AssignmentTarget, kw_only=True, frozen=True):
    """`recorded`: it is a new use; `started`: it was the first, and started the assignment."""

    recorded: bool
    started: bool


class AssignmentInUse(Struct, frozen=True):
    """As far as a click has to know it. `is_recorded`: that very click is."""

    id: UUID
    curriculum_id: UUID
    version: int
    archived_at: datetime | None
    resource_id: UUID
    topic_id: UUID | None
    path_id: UUID | None
    state: str
    assigned_at: datetime
    started_at: datetime | None
    withdrawn_at: datetime | None
    is_recorded: bool
