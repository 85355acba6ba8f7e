"""What identity's log says about decisions and sessions, and what came of replaying it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from gatehouse_identity.enumerators import AuditAction, SignInMethod


class Decision(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="audit"):
    """A line about an entry of the audit trail. It may be there although its transaction was undone."""

    id: UUID
    timestamp: datetime
    action: AuditAction
    subject: UUID
    details: dict[str, Any]
    by: UUID | None = None
    request_id: str = ""


class SessionTokenDigests(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="session token"):
    """A line about a session's newest refresh token; its transaction was committed. Only digests, as in the table.

    Attributes:
        idle: Seconds until the session ends unless it is refreshed.
        longest: Seconds from its beginning until it ends in any case.
        method: Only where the session begins.
    """

    session: UUID
    account: UUID
    timestamp: datetime
    family_hash: str
    token_hash: str
    idle: float
    longest: float
    method: SignInMethod | None = None


class Replayed(msgspec.Struct, kw_only=True):
    """How many of each were done again. `granted_since`: grants that the backup doesn't have; nobody has them now."""

    decisions: int = 0
    roles_revoked: int = 0
    sessions_ended: int = 0
    accounts_archived: int = 0
    clients_restricted: int = 0
    keys_withdrawn: int = 0
    sessions_kept: int = 0
    granted_since: int = 0
