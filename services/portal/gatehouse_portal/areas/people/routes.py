"""Members: a mentor's own; for coordinators and staff everybody."""

from litestar import Request, get
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_portal.areas.people.structs import Person
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.format import choice
from gatehouse_portal.shell.page import page, wants_part
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.query import chosen
from gatehouse_portal.shell.structs import Page

SEEN_BY = ("mentor", "coordinator", "staff")
EVERYBODY_SEEN_BY = ("coordinator", "staff")
PAGE_SIZE = 40
# What person filters by.
FILTERS = {
    "status": choice("person", "person_status"),
    "mastery": choice("person", "mastery"),
    "specialty": choice("person", "specialty"),
}


@get("/members", guards=[guards.pages_for(*SEEN_BY)], include_in_schema=False)
async def members(request: Request, peers: Peers, actor: Actor) -> Template:
    query = chosen(request, "search", *FILTERS, "sort", "cursor")
    everybody = actor.has(*EVERYBODY_SEEN_BY)
    params = dict(query)
    if not everybody:
        params["mentor"] = str(actor.person)
    if query.get("status") == "archived":
        params["archived"] = "true"
    people = await peers.get("person", "/api/person/people", Page[Person], limit=PAGE_SIZE, total="true", **params)
    name = "people/members_found.html" if wants_part(request) else "people/members.html"
    return page(request, name, people=people, query=query, filters=FILTERS, everybody=everybody)


ROUTES: tuple[ControllerRouterHandler, ...] = (members,)
