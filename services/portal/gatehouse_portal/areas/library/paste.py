"""Paste a link: what is there already is shown, whatever its spelling; what isn't is added with one more action."""

import re
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.problems import Conflict, Invalid
from gatehouse_portal.areas.library.resource import EDITORS
from gatehouse_portal.areas.library.structs import Resource
from gatehouse_portal.enumerators import VALUES
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.toast import Toast, see_with

KINDS, LEVELS = VALUES["topics"]["resource_kind"], VALUES["topics"]["level"]
LONGEST_NAME = 200
# Hosts that show one kind of thing.
VIDEOS = ("youtube.com", "youtu.be", "vimeo.com")
ENDING = re.compile(r"\.(html?|php|aspx?|md|pdf)$", re.IGNORECASE)


class Guess(msgspec.Struct, frozen=True):
    """What an address says of its resource, for somebody to look over."""

    name: str
    kind: str
    level: str = "apprentice"


def guess_of(link: str) -> Guess:
    """The name from the last part of the path, else the host. Raises ValueError for what is no address."""
    parts = urlsplit(link)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(link)
    host = parts.hostname.removeprefix("www.")
    last = ENDING.sub("", unquote(parts.path.rstrip("/").rpartition("/")[2]))
    words = " ".join(re.split(r"[\s_+-]+", last)).strip()
    # A number or an id names nothing.
    named = words if re.search(r"[^\W\d_]{3}", words) and not host.endswith(VIDEOS) else host
    kind = "video" if host.endswith(VIDEOS) else "article"
    return Guess(name=(named[:1].upper() + named[1:])[:LONGEST_NAME], kind=kind)


@get("/resources/paste", guards=[guards.pages_for(*EDITORS)], include_in_schema=False)
async def paste(request: Request, peers: Peers, link: str = "") -> Response[Any] | Template:
    link = link.strip()
    if not link:
        return _shown(request, link)
    try:
        guess = guess_of(link)
        found = await peers.get("topics", "/api/topics/links", list[Resource], url=link)
    except (ValueError, Invalid):
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
    try:
        made = await peers.ask("topics", "POST", "/api/topics/resources", Resource, json=body)
    except Conflict as conflict:
        return _shown(request, link, problem=conflict.detail)
    return see_with(request, f"/resources/{made.id}", Toast(f"Added “{made.name}”."))


def _shown(request: Request[Any, Any, Any], link: str, *, guess: Guess | None = None, problem: str = "") -> Template:
    values = {"link": link, "guess": guess, "problem": problem, "kinds": KINDS, "levels": LEVELS}
    return page(request, "library/paste.html", status=409 if problem else 200, **values)


ROUTES: tuple[ControllerRouterHandler, ...] = (paste, add)
