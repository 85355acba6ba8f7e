"""What there is to learn from: resources with filters and search, and the paths through them."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Request, get
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_portal.areas.library.structs import OwnCurriculum, Path, PathInList, RatedResource
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.format import choice
from gatehouse_portal.shell.page import page, wants_part
from gatehouse_portal.shell.peers import Away, Peers, or_away
from gatehouse_portal.shell.query import chosen
from gatehouse_portal.shell.structs import Page

# What topics filters by.
FILTERS = {
    "kind": choice("topics", "resource_kind"),
    "cost": choice("topics", "cost"),
    "level": choice("topics", "level"),
    "interest": choice("topics", "interest"),
}
PAGE_SIZE = 40


@get("/resources", guards=[guards.person], include_in_schema=False)
async def resources(request: Request, peers: Peers) -> Template:
    query = chosen(request, "search", *FILTERS, "sort", "cursor")
    listed = await peers.get(
        "topics", "/api/topics/resources", Page[RatedResource], limit=PAGE_SIZE, total="true", **query
    )
    return _listed(request, "resources", listed=listed, query=query, filters=FILTERS)


@get("/paths", guards=[guards.person], include_in_schema=False)
async def paths(request: Request, peers: Peers) -> Template:
    query = chosen(request, "search", "interest", "cursor")
    listed = await peers.get("topics", "/api/topics/paths", Page[PathInList], limit=PAGE_SIZE, total="true", **query)
    return _listed(request, "paths", listed=listed, query=query, filters={"interest": FILTERS["interest"]})


@get("/paths/{path_id:uuid}", guards=[guards.person], include_in_schema=False)
async def path(request: Request, actor: Actor, peers: Peers, path_id: UUID) -> Template:
    shown, own = await asyncio.gather(
        peers.get("topics", f"/api/topics/paths/{path_id}", Path), or_away(_own_states(actor, peers))
    )
    resources = {resource.id for module in shown.modules for topic in module.topics for resource in topic.resources}
    states = {} if own is None or isinstance(own, Away) else own
    completed = sum(states.get(resource) == "completed" for resource in resources)
    return page(
        request,
        "library/path.html",
        path=shown,
        count=len(resources),
        states=states,
        completed=completed,
        learns=own is not None and not isinstance(own, Away),
    )


async def _own_states(actor: Actor, peers: Peers) -> dict[UUID, str] | None:
    """Where each resource is in the reader's own curriculum; None for who has none."""
    if actor.person is None or "member" not in actor.roles:
        return None
    try:
        own = await peers.get("curriculum", f"/api/curriculum/curricula/{actor.person}", OwnCurriculum)
    except NotFound:
        return None
    return own.states()


def _listed(request: Request[Any, Any, Any], what: str, *, query: Mapping[str, str], **values: Any) -> Template:
    """The page of a list, or only its results when htmx asks while somebody types."""
    name = f"library/{what}_found.html" if wants_part(request) else f"library/{what}.html"
    return page(request, name, query=query, **values)


ROUTES: tuple[ControllerRouterHandler, ...] = (resources, paths, path)
