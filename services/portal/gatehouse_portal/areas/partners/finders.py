"""Partners for the command palette."""

from typing import Any

from litestar import Request

from gatehouse_chassis.base.actor import Actor
from gatehouse_portal.areas.partners.structs import Partner
from gatehouse_portal.shell.area import SearchHit
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.structs import Page


async def partners(request: Request[Any, Any, Any], actor: Actor, words: str, most: int) -> list[SearchHit]:
    peers: Peers = request.app.state.peers
    found = await peers.get("partner", "/api/partner/partners", Page[Partner], search=words, limit=most)
    return [SearchHit(name=one.name, path=f"/partners/{one.id}", about=one.summary or "") for one in found.items]
