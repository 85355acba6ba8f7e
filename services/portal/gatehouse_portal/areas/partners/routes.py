"""Partners: for the institute's people all of them, for a partner's own people their organisation."""

import asyncio
from typing import Any
from uuid import UUID

from litestar import Request, get
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_portal.areas.partners.structs import Agreement, Contact, Partner
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.format import choice
from gatehouse_portal.shell.page import page, wants_part
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.query import chosen
from gatehouse_portal.shell.structs import Page

READERS = ("board", "coordinator", "finance", "marketing", "staff")
SEEN_BY = (*READERS, "partner")
CONTACTS_SEEN_BY = ("coordinator", "finance", "marketing", "staff", "partner")
PAGE_SIZE = 40
MOST = 200
# What partner filters by.
FILTERS = {
    "kind": choice("partner", "partner_kind"),
    "status": choice("partner", "partner_status"),
}


@get("/partners", guards=[guards.pages_for(*SEEN_BY)], include_in_schema=False)
async def partners(request: Request[Any, Any, Any], actor: Actor, peers: Peers) -> Template:
    query = chosen(request, "search", *FILTERS, "sort", "cursor")
    listed = await peers.get("partner", "/api/partner/partners", Page[Partner], limit=PAGE_SIZE, total="true", **query)
    name = "partners/partners_found.html" if wants_part(request) else "partners/partners.html"
    return page(request, name, listed=listed, query=query, filters=FILTERS, everybody=actor.has(*READERS))


@get("/partners/{partner_id:uuid}", guards=[guards.pages_for(*SEEN_BY)], include_in_schema=False)
async def partner(request: Request[Any, Any, Any], actor: Actor, peers: Peers, partner_id: UUID) -> Template:
    of = {"partner": str(partner_id), "limit": MOST}
    shown, contacts, agreements = await asyncio.gather(
        peers.get("partner", f"/api/partner/partners/{partner_id}", Partner),
        peers.get("partner", "/api/partner/contacts", Page[Contact], **of),
        peers.get("partner", "/api/partner/agreements", Page[Agreement], **of),
    )
    return page(
        request,
        "partners/partner.html",
        partner=shown,
        contacts=contacts.items if actor.has(*CONTACTS_SEEN_BY) else None,
        agreements=agreements.items,
    )


ROUTES: tuple[ControllerRouterHandler, ...] = (partners, partner)
