"""What callers send and get about role grants."""

from datetime import datetime
from uuid import UUID

import msgspec

from gatehouse_chassis.base.fields import Sentence
from gatehouse_identity.enumerators import Role


class NewRoleGrant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    account_id: UUID
    role: Role
    reason: Sentence


class Revocation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Sentence


class RoleGrant(msgspec.Struct, frozen=True, kw_only=True):
    """A role that an account has or had; granted by `created_by` at `created_at`."""

    id: UUID
    version: int
    account_id: UUID
    role: Role
    reason: str
    revoked_at: datetime | None
    revoked_by: UUID | None
    revoked_reason: str | None
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None
