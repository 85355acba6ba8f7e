"""What callers send and get about how many members a mentor takes."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from gatehouse_intake.enumerators import MentorPause

MembersMax = Annotated[int, Meta(ge=0, le=20, description="How many members they take in all")]


class NewMentorCapacity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a mentor takes on. It also says that they are still with us."""

    members_max: MembersMax
    hours_month: Annotated[int, Meta(ge=0, le=200)] | None = None
    is_paused: bool = False


class MentorCapacity(msgspec.Struct, frozen=True, kw_only=True):
    """How many members a mentor takes, and when they last said that they are still with us."""

    id: UUID
    version: int
    person_id: UUID
    members_max: int
    hours_month: int
    paused_at: datetime | None
    pause: MentorPause | None
    seen_at: datetime | None
    asked_at: datetime
    answered_at: datetime | None
    missed: int
    changed_at: datetime


class PulseAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last part of the link in the mail, and how many members they take: 3 is `3 or more`, and lowers nothing."""

    token: Annotated[str, Meta(min_length=20, max_length=200)]
    members_max: MembersMax


class PulseLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that nobody else has: only its digest is kept."""

    url: str
