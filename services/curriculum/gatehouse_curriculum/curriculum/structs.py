"""What callers send and get about curricula. The values of the enumerators are those of database/enumerators."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from gatehouse_chassis.base.fields import Sentence
from gatehouse_chassis.base.problems import Invalid
from gatehouse_curriculum.enumerators import AssignmentState, ProposedChange
from gatehouse_curriculum.participant.structs import Participant
from gatehouse_curriculum.period.structs import Planning


class Assignment(Struct, kw_only=True, frozen=True):
    """A resource of topics in someone's curriculum. `position` counts from 1 among those of the same state.

    `resource_name`, `topic_name`, `path_name`, `skills`: as they were when it was assigned, where they were kept.
    `planned_at`: when it was put on the now-list of the present period; `started_at`: when somebody began to learn it.
    `minutes`: about how long it took, as somebody said; it counts while it is completed. `use_count`, `last_used_at`:
    how often the member opened it from here, and when last. `stopped_at`: when they said that it isn't for them.
    `proposed_change`: what the member would like to be done with it, as long as nobody has decided.
    """

    id: UUID
    resource_id: UUID
    topic_id: UUID | None
    path_id: UUID | None
    state: AssignmentState
    position: int
    note: str | None
    assigned_at: datetime
    assigned_by: UUID | None
    resource_name: str | None = None
    topic_name: str | None = None
    path_name: str | None = None
    skills: tuple[str, ...] = ()
    planned_at: datetime | None = None
    planned_by: UUID | None = None
    started_at: datetime | None = None
    started_by: UUID | None = None
    completed_at: datetime | None = None
    completed_by: UUID | None = None
    minutes: int | None = None
    use_count: int = 0
    last_used_at: datetime | None = None
    stopped_at: datetime | None = None
    stopped_by: UUID | None = None
    proposed_change: ProposedChange | None = None
    proposed_at: datetime | None = None
    proposed_by: UUID | None = None


class CurriculumRow(Struct, kw_only=True):
    id: UUID
    person_id: UUID
    version: int
    archived_at: datetime | None
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None


class CurriculumInList(CurriculumRow, kw_only=True):
    completed_count: int
    now_count: int
    next_count: int
    later_count: int


class Curriculum(CurriculumRow, kw_only=True):
    """Completed: the last first; the others in the order in which they are to be learned.

    `people`: who changed it, to give names to accounts.
    """

    completed: list[Assignment]
    now: list[Assignment]
    next: list[Assignment]
    later: list[Assignment]
    planning: Planning
    people: list[Participant]


class CurriculumAfterAssigning(Curriculum, kw_only=True):
    """`assigned`: the new assignments; `skipped`: resources that the curriculum had already."""

    assigned: list[UUID]
    skipped: list[UUID]


class NewCurriculum(Struct, kw_only=True, forbid_unknown_fields=True):
    person_id: UUID


class Assign(Struct, kw_only=True, forbid_unknown_fields=True):
    """Exactly one of a resource, a topic or a path; of the latter two, all their resources in order."""

    resource_id: UUID | None = None
    topic_id: UUID | None = None
    path_id: UUID | None = None
    state: Literal["later", "next"] = "later"
    note: Sentence | None = None

    def subject(self) -> tuple[Literal["resource_id", "topic_id", "path_id"], UUID]:
        """The field that is given, and its id. Raises Invalid unless exactly one of the three is."""
        if self.resource_id and not (self.topic_id or self.path_id):
            return "resource_id", self.resource_id
        if self.topic_id and not (self.resource_id or self.path_id):
            return "topic_id", self.topic_id
        if self.path_id and not (self.resource_id or self.topic_id):
            return "path_id", self.path_id
        raise Invalid({"resource_id": "give exactly one of resource_id, topic_id and path_id"})


class Unassign(Struct, kw_only=True, forbid_unknown_fields=True):
    """Several assignments to take out at once."""

    assignment_ids: Annotated[list[UUID], Meta(min_length=1, max_length=1_000)]


class Move(Struct, kw_only=True, forbid_unknown_fields=True):
    """Without a place, to the end. A position past the end is the end.

    `after`: behind this assignment, null: to the head. A place among neighbours is the same whatever others move at the
    same time, so such a move needs no If-Match; where the neighbour has left the state, it is the end.
    """

    state: Literal["later", "next", "now"]
    position: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    after: UUID | UnsetType | None = UNSET


# A hundred hours.
MOST_MINUTES = 6_000


class Took(Struct, kw_only=True, forbid_unknown_fields=True):
    """About how long it took. Null: nobody knows, which is not the same as no time."""

    minutes: Annotated[int, Meta(ge=1, le=MOST_MINUTES)] | None


class Propose(Struct, kw_only=True, forbid_unknown_fields=True):
    """What the member would like to be done with something that others added."""

    change: ProposedChange


class ResourceToAssign(Struct, frozen=True):
    """A resource to assign, and the topic and path that it comes with, with their names as they are now."""

    resource_id: UUID
    topic_id: UUID | None = None
    path_id: UUID | None = None
    resource_name: str | None = None
    topic_name: str | None = None
    path_name: str | None = None
    skills: tuple[str, ...] = ()
