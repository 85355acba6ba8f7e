"""What callers send and get about who could learn with whom."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from gatehouse_intake.enumerators import MatchState

ReasonKind = Literal["specialty", "level", "hours", "languages", "capacity"]


class Reason(msgspec.Struct, frozen=True):
    """Why two fit, in a line that people read."""

    kind: ReasonKind
    text: str


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A member who waits and fits. `times`: for a first meeting, when both have time."""

    member_id: UUID
    name: str
    waiting_since: datetime | None
    reasons: list[Reason]
    times: list[datetime]


class Suggestions(msgspec.Struct, frozen=True, kw_only=True):
    """The best first. `refusal`: why this mentor is given nobody; `left`: how many more members they take."""

    mentor_id: UUID
    left: int
    refusal: str | None
    items: list[Suggestion]


class NewMatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    mentor_id: UUID
    member_id: UUID


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A mentor and a member whom a coordinator brought together.

    Attributes:
        silent_since: when it was noticed that they aren't in touch; null while that is no task.
    """

    id: UUID
    version: int
    mentor_id: UUID
    member_id: UUID
    state: MatchState
    state_changed_at: datetime
    reasons: list[Reason]
    times: list[datetime]
    silent_since: datetime | None
    created_at: datetime
    created_by: UUID | None


class ProposedTimes(msgspec.Struct, frozen=True, kw_only=True):
    """When two who were introduced both have time. Empty where nothing was proposed."""

    times: list[datetime]
