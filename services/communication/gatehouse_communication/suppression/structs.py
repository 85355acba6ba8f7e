"""What callers send and get about addresses that nothing is sent to."""

from datetime import datetime
from uuid import UUID

import msgspec

from gatehouse_chassis.base.fields import Email
from gatehouse_communication.enumerators import SuppressionReason


class Suppression(msgspec.Struct, frozen=True, kw_only=True):
    """An address that nothing is sent to while `lifted_at` is null."""

    id: UUID
    version: int
    address: str
    person_id: UUID | None
    reason: SuppressionReason
    lifted_at: datetime | None
    created_at: datetime
    created_by: UUID | None


class NewSuppression(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`person_id`: whose address it is, where that is known."""

    address: Email
    reason: SuppressionReason = "asked"
    person_id: UUID | None = None
