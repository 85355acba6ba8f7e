"""What callers send and get about goals: what a member wants to reach."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from gatehouse_chassis.base.fields import Sentence
from gatehouse_curriculum.enumerators import GoalHorizon, GoalState


class NewGoal(Struct, kw_only=True, forbid_unknown_fields=True):
    text: Sentence
    horizon: GoalHorizon


class SettleGoal(Struct, kw_only=True, forbid_unknown_fields=True):
    """`open` takes it up again."""

    state: GoalState


class GoalRow(Struct, kw_only=True, frozen=True):
    """`settled_at`: when it was reached or dropped."""

    id: UUID
    text: str
    horizon: GoalHorizon
    state: GoalState
    settled_at: datetime | None
    stated_at: datetime
    stated_by: UUID | None
