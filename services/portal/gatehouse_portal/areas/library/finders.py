"""Resources and paths for the command palette."""

from typing import Any

from litestar import Request

from gatehouse_chassis.base.actor import Actor
from gatehouse_portal.areas.library.format import host
from gatehouse_portal.areas.library.structs import PathInList, Resource
from gatehouse_portal.shell.area import SearchHit
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.structs import Page


async def resources(request: Request[Any, Any, Any], actor: Actor, words: str, most: int) -> list[SearchHit]:
    peers: Peers = request.app.state.peers
    found = await peers.get("topics", "/api/topics/resources", Page[Resource], search=words, limit=most)
    return [SearchHit(name=resource.name, path=resource.url, about=host(resource.url)) for resource in found.items]


async def paths(request: Request[Any, Any, Any], actor: Actor, words: str, most: int) -> list[SearchHit]:
    peers: Peers = request.app.state.peers
    found = await peers.get("topics", "/api/topics/paths", Page[PathInList], search=words, limit=most)
    return [SearchHit(name=path.name, path=f"/paths/{path.id}", about="Learning path") for path in found.items]
