"""The audit trail over HTTP, for administrators."""

from typing import Any

from litestar import Controller, Request, get

from gatehouse_chassis.http.guards import allow
from gatehouse_chassis.lists.listing import Page
from gatehouse_identity.audit_entry.queries import ENTRIES
from gatehouse_identity.audit_entry.structs import AuditEntry


class AuditEntryController(Controller):
    path = "/audit"
    tags = ("audit",)
    guards = (allow("admin"),)

    @get(operation_id="ListAuditEntries", operation_class=ENTRIES.operation, summary="Who did what, newest first")
    async def list_audit_entries(self, request: Request[Any, Any, Any]) -> Page[AuditEntry]:
        return await ENTRIES.page(request.query_params)
