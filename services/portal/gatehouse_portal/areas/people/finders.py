"""Members for the command palette: a mentor's own, for coordinators and staff everybody."""

from typing import Any

from litestar import Request

from gatehouse_chassis.base.actor import Actor
from gatehouse_portal.areas.people.routes import EVERYBODY_SEEN_BY
from gatehouse_portal.areas.people.structs import Person
from gatehouse_portal.shell.area import SearchHit
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.structs import Page


async def members(request: Request[Any, Any, Any], actor: Actor, words: str, most: int) -> list[SearchHit]:
    peers: Peers = request.app.state.peers
    mentor = None if actor.has(*EVERYBODY_SEEN_BY) else str(actor.person)
    found = await peers.get("person", "/api/person/people", Page[Person], search=words, mentor=mentor, limit=most)
    return [SearchHit(name=one.name, path=f"/members/{one.id}", about=one.email or "") for one in found.items]
