"""What callers send and get about planning a period."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from gatehouse_curriculum.curriculum.structs import Curriculum
from gatehouse_curriculum.enumerators import AssignmentState, ProposedChange


class NewPeriod(Struct, kw_only=True, forbid_unknown_fields=True):
    """The whole now-list of the coming period, in its order.

    `until`: the day of the next meeting, in the member's time zone; null: as many days from now as are usual for them.
    """

    assignment_ids: Annotated[list[UUID], Meta(min_length=1, max_length=1_000)]
    until: date | None = None


class NewCommitment(Struct, kw_only=True, forbid_unknown_fields=True):
    """How much time the member has for learning, and how often they meet their mentor; null: nobody has said."""

    minutes_per_week: Annotated[int, Meta(ge=0, le=4_800)]
    meets_every_days: Annotated[int, Meta(ge=1, le=90)] | None = None


class CurriculumAfterCommitting(Curriculum, kw_only=True):
    period_id: UUID


class Before(Struct, frozen=True, kw_only=True):
    """An assignment as it was before a period was committed, in what that changes."""

    id: UUID
    state: AssignmentState
    position: int
    planned_at: datetime | None = None
    planned_by: UUID | None = None
    proposed_change: ProposedChange | None = None
    proposed_at: datetime | None = None
    proposed_by: UUID | None = None
