"""The audit trail: written in the transaction of what it records, and listed. Each entry is a line of the log too.

Entries hold ids and fixed words, never personal data.
"""

from typing import Any, get_args
from uuid import UUID

import structlog
from uuid_utils.compat import uuid7

from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.repository import By
from gatehouse_chassis.data.statements import arg
from gatehouse_chassis.lists.filters import choices, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_identity import tables
from gatehouse_identity.audit_entry.structs import AuditEntry
from gatehouse_identity.enumerators import AuditAction
from gatehouse_identity.tables import DB

log = structlog.get_logger()

ENTRIES = Listing(
    tables.AuditEntry,
    AuditEntry,
    filters={
        "action": choices(tables.AuditEntry.action, get_args(AuditAction)),
        "actor": uuid(tables.AuditEntry.actor_id),
        "subject": uuid(tables.AuditEntry.subject_id),
    },
    sorts={"at": tables.AuditEntry.at},
    default_sort="-at",
)

_ADD = DB.prepare(
    InsertOf(
        {
            tables.AuditEntry.id: arg(1),
            tables.AuditEntry.actor_id: arg(2),
            tables.AuditEntry.request: arg(3),
            tables.AuditEntry.action: arg(4),
            tables.AuditEntry.subject_id: arg(5),
            tables.AuditEntry.details: arg(6),
        }
    )
)


async def record(action: AuditAction, *, by: By | None, subject: UUID, **details: Any) -> None:
    """`by`: the caller; None when the platform itself acts. `subject`: the id of what was changed."""
    actor = None if by is None else by.account
    id = uuid7()
    # Before the commit, so that no decision is without its line; recovery/ replays them after a restore.
    log.info("audit", id=str(id), action=action, by=actor and str(actor), subject=str(subject), details=details)
    await _ADD.execute(id, actor, request_id()[:200], action, subject, details)
