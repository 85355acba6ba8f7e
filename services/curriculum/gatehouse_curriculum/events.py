"""What happens in curricula that other services may follow.

An event's version is the curriculum's after the change: of the events of one curriculum a later one has a higher one.
"""

from typing import NamedTuple
from uuid import UUID

import msgspec

from gatehouse_chassis.events.outbox import Outbox
from gatehouse_curriculum.tables import DB


class AtVersion(NamedTuple):
    """An assignment or a period, at the curriculum's version."""

    id: UUID
    version: int


class AssignmentIds(msgspec.Struct, frozen=True):
    """Whose assignment it is, and of what."""

    person_id: UUID
    resource_id: UUID
    topic_id: UUID | None
    path_id: UUID | None


class PeriodIds(msgspec.Struct, frozen=True):
    """Whose period it is, and what is planned for it, in its order."""

    person_id: UUID
    assignment_ids: list[UUID]


OUTBOX = Outbox(
    DB,
    {
        "curriculum.assignment.planned": AssignmentIds,
        "curriculum.assignment.started": AssignmentIds,
        "curriculum.assignment.used": AssignmentIds,
        "curriculum.assignment.completed": AssignmentIds,
        "curriculum.assignment.reopened": AssignmentIds,
        "curriculum.assignment.stopped": AssignmentIds,
        "curriculum.period.committed": PeriodIds,
        "curriculum.period.undone": PeriodIds,
    },
)
