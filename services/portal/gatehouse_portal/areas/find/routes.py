"""Finding: the pages that the reader may open, and what each area finds by name, a few of each kind."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Request, get
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.area import Finder, SearchHit
from gatehouse_portal.shell.page import page, wants_part
from gatehouse_portal.shell.peers import Away, or_away
from gatehouse_portal.shell.query import chosen

FEW = 6


class FoundGroup(msgspec.Struct, frozen=True):
    """What was found of one kind; with `away`, why nothing could be."""

    title: str
    hits: Sequence[SearchHit] = ()
    away: Away | None = None


class PaletteAction(msgspec.Struct, frozen=True):
    """Something that can be done from anywhere: a form."""

    name: str
    path: str
    field: str = ""
    value: str = ""


ACTIONS = (
    PaletteAction("Use light colours", "/theme", "theme", "light"),
    PaletteAction("Use dark colours", "/theme", "theme", "dark"),
    PaletteAction("Use the system’s colours", "/theme", "theme", "auto"),
    PaletteAction("Sign out", "/sign-out"),
)


@get("/find", guards=[guards.person], include_in_schema=False)
async def find(request: Request[Any, Any, Any], actor: Actor) -> Template:
    words = chosen(request, "q").get("q", "")
    groups = [FoundGroup("Pages", _pages(request, actor, words))]
    if words:
        declared = [finder for area in request.app.state.areas for finder in area.finders]
        seen = [finder for finder in declared if not finder.seen_by or actor.has(*finder.seen_by)]
        seen.sort(key=lambda finder: finder.order)
        groups += await asyncio.gather(*(_found(finder, request, actor, words) for finder in seen))
    actions = [action for action in ACTIONS if _matches(action.name, words)]
    name = "find/results.html" if wants_part(request) else "find/page.html"
    shown = [group for group in groups if group.hits or group.away]
    return page(request, name, words=words, groups=shown, actions=actions)


def _pages(request: Request[Any, Any, Any], actor: Actor, words: str) -> list[SearchHit]:
    items = request.app.state.navigation.items(actor)
    return [
        SearchHit(name=item.name, path=item.path, about=item.about)
        for item in items
        if _matches(f"{item.name} {item.about}", words)
    ]


def _matches(text: str, words: str) -> bool:
    """Whether each word is somewhere in the text."""
    return all(word in text.casefold() for word in words.casefold().split())


async def _found(finder: Finder, request: Request[Any, Any, Any], actor: Actor, words: str) -> FoundGroup:
    hits = await or_away(finder.find(request, actor, words, FEW))
    return FoundGroup(finder.title, away=hits) if isinstance(hits, Away) else FoundGroup(finder.title, hits)


ROUTES: tuple[ControllerRouterHandler, ...] = (find,)
