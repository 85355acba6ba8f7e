"""What callers send and get about mentor assignments."""

from datetime import datetime
from uuid import UUID

import msgspec

from gatehouse_chassis.base.fields import Sentence


class MentorAssignment(msgspec.Struct, frozen=True):
    id: UUID
    version: int
    mentor_id: UUID
    member_id: UUID
    started_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None


class NewMentorAssignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    mentor_id: UUID
    member_id: UUID


class EndMentorAssignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Sentence | None = None
