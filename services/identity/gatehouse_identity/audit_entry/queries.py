"""Writes the audit trail, in the transaction of what it tells about.

Entries hold ids and words of ours, never personal data.
"""

from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.data.repository import By
from gatehouse_identity import queries
from gatehouse_identity.structs import AuditAction


async def record(action: AuditAction, *, by: By | None, subject: UUID, **details: Any) -> None:
    """`by`: the caller; None where the platform itself acts. `subject`: the id of what it was done to."""
    actor = None if by is None else by.account
    await queries.AUDIT_ADD.execute(uuid7(), actor, request_id()[:200], action, subject, details)
