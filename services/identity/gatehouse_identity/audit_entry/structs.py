"""What administrators get of the audit trail."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from gatehouse_identity.enumerators import AuditAction


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """`actor_id` is null where the platform itself acted. Details hold no personal data."""

    id: UUID
    at: datetime
    actor_id: UUID | None
    request: str
    action: AuditAction
    subject_id: UUID
    details: dict[str, Any]
