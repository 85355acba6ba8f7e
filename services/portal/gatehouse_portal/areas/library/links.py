"""Many links at once: a list that is pasted becomes resources, and links that moved are put right by one click."""

import asyncio
import re
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.problems import ApiProblem, Invalid
from gatehouse_portal.areas.library.resource import EDITORS
from gatehouse_portal.areas.library.structs import ImportResult, LinkCheck, Resource
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.structs import Page
from gatehouse_portal.shell.toast import Toast, see_with

MOST_LINES, A_TIME = 2_000, 500
MOST_SHOWN = 50
MARKDOWN = re.compile(r"\[([^\]]{1,200})\]\((https?://[^)\s]{1,2083})\)", re.IGNORECASE)
BOOKMARK = re.compile(r"<a[^>]{0,4000}?href=\"(https?://[^\"]{1,2083})\"[^>]{0,4000}>([^<]{1,200})</a>", re.IGNORECASE)
LINK = re.compile(r"https?://[^\s<>\"]{1,2083}", re.IGNORECASE)


def links_in(text: str) -> list[dict[str, str]]:
    """Of a list of addresses, with or without names before them, of Markdown, or of a browser's bookmarks."""
    found = []
    for line in text.splitlines():
        if named := MARKDOWN.search(line):
            found.append({"url": named[2], "name": named[1].strip()})
        elif marked := BOOKMARK.search(line):
            found.append({"url": marked[1].replace("&amp;", "&"), "name": marked[2].strip()})
        elif plain := LINK.search(line):
            before = re.sub(r"^[\s*+\-0-9.]+|[\s:,;|\-–]+$", "", line[: plain.start()]).strip()
            found.append({"url": plain[0].rstrip(".,;)"), "name": before[:200]})
    return [{name: value for name, value in one.items() if value} for one in found]


@get("/resources/import", guards=[guards.pages_for(*EDITORS)], include_in_schema=False)
async def show_import(request: Request) -> Template:
    return page(request, "library/import.html", text="", most=MOST_LINES)


@post("/resources/import", guards=[guards.pages_for(*EDITORS)], include_in_schema=False)
async def import_list(request: Request, peers: Peers) -> Response[Any]:
    form = await request.form()
    links = links_in(str(form.get("links", "")))
    if not links or len(links) > MOST_LINES:
        raise Invalid({"links": f"a list of 1 to {MOST_LINES:,} links, one a line; there are {len(links):,}"})
    added = known = 0
    for start in range(0, len(links), A_TIME):
        body = {"links": links[start : start + A_TIME]}
        found = await peers.ask("topics", "POST", "/api/topics/links/import", ImportResult, json=body)
        added, known = added + len(found.added), known + found.known
    were = "was" if known == 1 else "were"
    text = f"Added {added:,} resource{'' if added == 1 else 's'}; {known:,} {were} there already."
    return see_with(request, "/resources", Toast(text))


@get("/resources/moved", guards=[guards.pages_for(*EDITORS)], include_in_schema=False)
async def show_moved(request: Request, peers: Peers) -> Template:
    """Links that lead elsewhere for good, and those behind which there is nothing any more."""
    moved = await peers.get("topics", "/api/topics/resources", Page[Resource], link_status="moved", limit=MOST_SHOWN)
    gone = await peers.get("topics", "/api/topics/resources", Page[Resource], link_status="failed", limit=MOST_SHOWN)
    found = await asyncio.gather(*(_target(peers, one.id, one.url) for one in moved.items))
    targets = dict(zip((one.id for one in moved.items), found, strict=True))
    return page(request, "library/moved.html", moved=moved.items, gone=gone.items, targets=targets)


@post("/resources/moved", guards=[guards.pages_for(*EDITORS)], include_in_schema=False)
async def accept_moved(request: Request, peers: Peers) -> Response[Any]:
    """The chosen links lead from now on where they led when they were looked at; in all plans and paths at once."""
    form = await request.form()
    done, left = 0, 0
    for id, version in _chosen(form):
        path = f"/api/topics/resources/{id}"
        try:
            resource = await peers.get("topics", path, Resource)
            target = await _target(peers, id, resource.url)
            if target is not None:
                await peers.ask("topics", "PATCH", path, type(None), json={"url": target}, version=version)
                done += 1
        except ApiProblem:
            left += 1  # it was changed meanwhile, or the new address is another resource's: somebody has to look
    text = f"{done} link{'' if done == 1 else 's'} changed, in every path and plan."
    return see_with(request, "/resources/moved", Toast(text + (f" {left} couldn’t be: open them." if left else "")))


def _chosen(form: FormMultiDict) -> list[tuple[UUID, int]]:
    found = []
    for text in form.getall("link", [])[:MOST_SHOWN]:
        id, _, version = str(text).partition(":")
        try:
            found.append((UUID(id), int(version[:9])))
        except ValueError:
            raise Invalid({"link": "open the page again"}) from None
    return found


async def _target(peers: Peers, id: UUID, url: str) -> str | None:
    """Where the newest check says that the present address leads; None where none says so."""
    path = f"/api/topics/resources/{id}/link-checks"
    checks = await peers.get("topics", path, Page[LinkCheck], result="moved", limit=1)
    newest = next(iter(checks.items), None)
    return newest.final_url if newest and newest.url == url and newest.withdrawn_at is None else None


ROUTES: tuple[ControllerRouterHandler, ...] = (show_import, import_list, show_moved, accept_moved)
