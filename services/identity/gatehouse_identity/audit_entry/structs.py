"""What administrators get of the audit trail."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

AuditAction = Literal[
    "signed_in",
    "signed_out",
    "session_reused",
    "account_created",
    "account_linked",
    "account_changed",
    "account_archived",
    "account_restored",
    "role_granted",
    "role_revoked",
    "service_client_created",
    "service_client_changed",
    "service_client_secret_rotated",
    "service_client_archived",
    "key_made",
    "keys_rotated",
]


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """`actor_id` is null where the platform itself acted. Details hold no personal data."""

    id: UUID
    at: datetime
    actor_id: UUID | None
    request: str
    action: AuditAction
    subject_id: UUID
    details: dict[str, Any]
