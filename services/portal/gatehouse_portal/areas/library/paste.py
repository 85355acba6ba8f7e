"""Paste a link: what is there already is shown, whatever its spelling; what isn't is added with one more action."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.problems import Conflict, Invalid
from gatehouse_portal.areas.library.resource import EDITORS
from gatehouse_portal.areas.library.structs import LinkPreview, Resource
from gatehouse_portal.enumerators import VALUES
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.toast import Toast, see_with

KINDS, LEVELS = VALUES["topics"]["resource_kind"], VALUES["topics"]["level"]


@get("/resources/paste", guards=[guards.pages_for(*EDITORS)], include_in_schema=False)
async def paste(request: Request, peers: Peers, link: str = "") -> Response[Any] | Template:
    link = link.strip()
    if not link:
        return _shown(request, link)
    try:
        found = await peers.get("topics", "/api/topics/links", list[Resource], url=link)
        guess = None if found else await peers.get("topics", "/api/topics/links/preview", LinkPreview, url=link)
    except Invalid:
        return _shown(request, link, problem="That is no address of a page. Paste one that begins with https://.")
    if found:
        text = f"This link is there already, as “{found[0].name}”."
        return see_with(request, f"/resources/{found[0].id}", Toast(text))
    return _shown(request, link, guess=guess)


@post("/resources", guards=[guards.pages_for(*EDITORS)], include_in_schema=False)
async def add(request: Request, peers: Peers) -> Response[Any] | Template:
    form = await request.form()
    link, minutes = str(form.get("link", "")), str(form.get("minutes") or "")
    if minutes and not (minutes.isascii() and minutes.isdigit()):
        raise Invalid({"minutes": "a whole number of minutes"})
    body = {
        "url": link,
        "name": str(form.get("name", "")).strip(),
        "kind": str(form.get("kind", "")),
        "level": str(form.get("level", "")),
        "length_minutes": int(minutes[:6]) if minutes else None,
    }
    if (words := str(form.get("words") or "")).isdecimal() and int(words[:8]) > 0 and not minutes:
        body |= {"length_words": int(words[:8]), "length_source": "fetched"}
    try:
        made = await peers.ask("topics", "POST", "/api/topics/resources", Resource, json=body)
    except Conflict as conflict:
        return _shown(request, link, problem=conflict.detail)
    return see_with(request, f"/resources/{made.id}", Toast(f"Added “{made.name}”."))


def _shown(
    request: Request[Any, Any, Any], link: str, *, guess: LinkPreview | None = None, problem: str = ""
) -> Template:
    values = {"link": link, "guess": guess, "problem": problem, "kinds": KINDS, "levels": LEVELS}
    return page(request, "library/paste.html", status=409 if problem else 200, **values)


ROUTES: tuple[ControllerRouterHandler, ...] = (paste, add)
