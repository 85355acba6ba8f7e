"""What callers send and get about follow-ups."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatehouse_chassis.base.fields import SENTENCE
from gatehouse_encounter.enumerators import FollowUpSide

Promise = Annotated[str, Meta(min_length=1, max_length=500, pattern=SENTENCE)]


class FollowUp(msgspec.Struct, frozen=True):
    """What one of the two promised. `side`: who did."""

    id: UUID
    version: int
    encounter_id: UUID
    member_id: UUID
    mentor_id: UUID
    side: FollowUpSide
    text: str
    due_on: date | None
    done_at: datetime | None
    done_by: UUID | None
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None


class NewFollowUp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    side: FollowUpSide
    text: Promise
    due_on: date | None = None


class FollowUpChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only what is given changes."""

    text: Promise | UnsetType = UNSET
    due_on: date | UnsetType | None = UNSET
