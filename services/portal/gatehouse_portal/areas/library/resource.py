"""One resource: what it is, how long it is, and how its link was when somebody looked."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Invalid, StaleVersion
from gatehouse_portal.areas.library.format import how_long
from gatehouse_portal.areas.library.structs import LinkCheck, Ratings, Resource, ResourceAfterCheck, ResourceStatistics
from gatehouse_portal.enumerators import VALUES
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page, wants_part
from gatehouse_portal.shell.peers import Peers, or_away
from gatehouse_portal.shell.structs import Page
from gatehouse_portal.shell.toast import Toast, Undo, see_with

# As topics has it: who changes content.
EDITORS = ("mentor", "coordinator", "staff")
RESULTS = VALUES["topics"]["link_result"]
SOURCES = VALUES["topics"]["length_source"]
LENGTHS = ("minutes", "words", "pages")
MOST_CHECKS = 20
TARGET = "resource"


@get("/resources/{id:uuid}", guards=[guards.person], include_in_schema=False)
async def show(request: Request, actor: Actor, peers: Peers, id: UUID) -> Template:
    return await shown(request, actor, peers, id)


@post("/resources/{id:uuid}/length", guards=[guards.person], include_in_schema=False)
async def change_length(request: Request, actor: Actor, peers: Peers, id: UUID) -> Response[Any]:
    form = await request.form()
    minutes, words, pages = (_number(form, name) for name in LENGTHS)
    source = str(form.get("source") or "stated")
    if source not in SOURCES:
        raise Invalid({"source": f"must be one of {', '.join(SOURCES)}"})
    body = {
        "length_minutes": minutes,
        "length_words": words,
        "length_pages": pages,
        "length_source": source if minutes or words or pages else None,
    }
    before = await peers.get("topics", f"/api/topics/resources/{id}", Resource)
    path = f"/api/topics/resources/{id}"
    try:
        changed = await peers.ask("topics", "PATCH", path, Resource, json=body, version=_version(form))
    except StaleVersion as problem:
        return await shown(request, actor, peers, id, problem=problem)
    fields = {name: str(getattr(before, f"length_{name}") or "") for name in LENGTHS}
    fields |= {"source": before.length_source or "stated", "version": str(changed.version)}
    undo = Undo(path=f"/resources/{id}/length", fields=fields, target=TARGET, then=("save-length",))
    text = f"“{changed.name}” has {how_long(changed)}." if how_long(changed) else f"“{changed.name}” has no length."
    return await done(request, actor, peers, id, Toast(text, undo))


@post("/resources/{id:uuid}/checks", guards=[guards.person], include_in_schema=False)
async def record_check(request: Request, actor: Actor, peers: Peers, id: UUID) -> Response[Any]:
    form = await request.form()
    path = f"/api/topics/resources/{id}/link-checks"
    told = {key: str(form[key]).strip() for key in ("final_url", "note") if str(form.get(key, "")).strip()}
    body = {"result": str(form.get("result") or ""), **told}
    checked = await peers.ask("topics", "POST", path, ResourceAfterCheck, json=body)
    undo = Undo(
        path=f"/resources/{id}/checks/{checked.check_id}/withdraw", fields={}, target=TARGET, then=("record-check",)
    )
    return await done(request, actor, peers, id, Toast(f"Recorded how the link of “{checked.name}” is.", undo))


@post("/resources/{id:uuid}/checks/{check_id:uuid}/withdraw", guards=[guards.person], include_in_schema=False)
async def withdraw_check(request: Request, actor: Actor, peers: Peers, id: UUID, check_id: UUID) -> Response[Any]:
    path = f"/api/topics/resources/{id}/link-checks/{check_id}/withdraw"
    await peers.ask("topics", "POST", path, type(None))
    return await done(request, actor, peers, id, Toast("Undone. The check counts no more."))


async def done(request: Request[Any, Any, Any], actor: Actor, peers: Peers, id: UUID, toast: Toast) -> Response[Any]:
    if not wants_part(request):
        return see_with(request, f"/resources/{id}", toast)
    return await shown(request, actor, peers, id, answer=toast)


async def shown(
    request: Request[Any, Any, Any],
    actor: Actor,
    peers: Peers,
    id: UUID,
    *,
    problem: StaleVersion | None = None,
    answer: Toast | None = None,
) -> Template:
    resource, checks, ratings, statistics = await asyncio.gather(
        peers.get("topics", f"/api/topics/resources/{id}", Resource),
        peers.get(
            "topics", f"/api/topics/resources/{id}/link-checks", Page[LinkCheck], limit=MOST_CHECKS, total="true"
        ),
        or_away(peers.get("topics", f"/api/topics/resources/{id}/ratings", Ratings)),
        or_away(peers.get("curriculum", f"/api/curriculum/resources/{id}/statistics", ResourceStatistics)),
    )
    values: Mapping[str, Any] = {
        "resource": resource,
        "checks": checks.items,
        "ratings": ratings if isinstance(ratings, Ratings) else None,
        "statistics": statistics if isinstance(statistics, ResourceStatistics) else None,
        "total": checks.total or 0,
        "newest": next((one for one in checks.items if not one.withdrawn_at and one.url == resource.url), None),
        "edits": actor.has(*EDITORS),
        "results": RESULTS,
        "sources": SOURCES,
        "problem": problem,
        "answer": answer,
    }
    name = "library/resource_changed.html" if wants_part(request) else "library/resource.html"
    return page(request, name, status=problem.status if problem else 200, **values)


def _number(form: FormMultiDict, name: str) -> int | None:
    text = str(form.get(name) or "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < len(text) <= 8 and int(text)):
        raise Invalid({name: "a whole number from 1, or nothing"})
    return int(text)


def _version(form: FormMultiDict) -> int:
    text = str(form.get("version") or "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid({"version": "open the page again"})
    return int(text)


ROUTES: tuple[ControllerRouterHandler, ...] = (show, change_length, record_check, withdraw_check)
