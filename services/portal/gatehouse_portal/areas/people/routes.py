"""Members: a mentor's own; for coordinators and staff everybody."""

from litestar import Request, get
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_portal import guards
from gatehouse_portal.pages import MEMBERS_SEEN_BY, page, wants_part
from gatehouse_portal.peers import Peers
from gatehouse_portal.routes.library import PAGE_SIZE, chosen
from gatehouse_portal.structs import Page, Person

EVERYBODY_SEEN_BY = ("coordinator", "staff")
FILTERS: dict[str, tuple[str, ...]] = {
    "status": ("pending", "onboarding", "matching", "active", "hold", "inactive", "timed_out", "archived"),
    "mastery": ("candidate", "apprentice", "practitioner", "craftsperson", "master", "distinguished"),
    "specialty": ("generalist", "ui", "api", "data", "sre"),
}


@get("/members", guards=[guards.pages_for(*MEMBERS_SEEN_BY)], include_in_schema=False)
async def members(request: Request, peers: Peers, actor: Actor) -> Template:
    query = chosen(request, "search", *FILTERS, "cursor")
    everybody = actor.has(*EVERYBODY_SEEN_BY)
    asked = dict(query)
    if not everybody:
        asked["mentor"] = str(actor.person)
    if query.get("status") == "archived":
        asked["archived"] = "true"
    found = await peers.get("person", "/api/person/people", Page[Person], limit=PAGE_SIZE, **asked)
    name = "members_found.html" if wants_part(request) else "members.html"
    return page(request, name, found=found, query=query, filters=FILTERS, everybody=everybody)


ROUTES: list[ControllerRouterHandler] = [members]
