"""The audit trail, for administrators."""

from typing import Any

from litestar import Request, get

from gatehouse_chassis.http.guards import allow
from gatehouse_chassis.lists.filters import choices, uuid
from gatehouse_chassis.lists.listing import Listing, Page
from gatehouse_identity import tables
from gatehouse_identity.structs import AuditAction, AuditEntry

ENTRIES = Listing(
    tables.AuditEntry,
    AuditEntry,
    filters={
        "action": choices(tables.AuditEntry.action, AuditAction.__args__),
        "actor": uuid(tables.AuditEntry.actor_id),
        "subject": uuid(tables.AuditEntry.subject_id),
    },
    sorts={"at": tables.AuditEntry.at},
    default_sort="-at",
)


@get(
    "/audit",
    operation_id="ListAuditEntries",
    summary="Who did what, newest first",
    guards=[allow("admin")],
    tags=["audit"],
    operation_class=ENTRIES.operation,
)
async def list_audit_entries(request: Request[Any, Any, Any]) -> Page[AuditEntry]:
    return await ENTRIES.page(request.query_params)
