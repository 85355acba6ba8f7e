"""A member's curriculum: what is completed, now, next and later, and the commands that change it.

Every command is a form that names the version it was made from. When somebody else was faster, the answer (412) shows
what they did and offers the same command again.
"""

import asyncio
import contextlib
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Conflict, Invalid, NotFound, StaleVersion
from gatehouse_portal.areas.learning.structs import PathInList, Resource
from gatehouse_portal.areas.learning.view import View, changed_since, view_of
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.format import moment
from gatehouse_portal.shell.page import page, see, wants_part
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.query import chosen
from gatehouse_portal.shell.structs import Page

# What somebody did, for the announcement; {name} is the resource's.
DONE = {
    "start": "Started {name}",
    "complete": "Completed {name}",
    "reopen": "Reopened {name}",
    "next": "Moved {name} to next",
    "later": "Moved {name} to later",
    "unassign": "Took out {name}",
}
# What the button said, to offer it again; and from which states it makes sense.
AGAIN = {
    "start": ("Start {name}", ("next", "later")),
    "complete": ("Complete {name}", ("now", "next", "later")),
    "reopen": ("Reopen {name}", ("completed",)),
    "next": ("Move {name} to next", ("now", "later")),
    "later": ("Move {name} to later", ("now", "next")),
    "unassign": ("Take {name} out", ("now", "next", "later")),
}
FEW = 8


@get("/members/{person_id:uuid}", guards=[guards.person], include_in_schema=False)
async def show(request: Request, actor: Actor, peers: Peers, person_id: UUID) -> Template:
    return _shown(request, await view_of(peers, actor, person_id))


@post("/members/{person_id:uuid}/curriculum", guards=[guards.person], include_in_schema=False)
async def create(peers: Peers, person_id: UUID) -> Response[Any]:
    body = {"person_id": str(person_id)}
    with contextlib.suppress(Conflict):  # somebody else made it meanwhile, which is as good
        await peers.ask("curriculum", "POST", "/api/curriculum/curricula", type(None), json=body)
    return see(f"/members/{person_id}")


@get("/members/{person_id:uuid}/assign", guards=[guards.person], include_in_schema=False)
async def search(request: Request, actor: Actor, peers: Peers, person_id: UUID) -> Template:
    """Resources and paths to assign, by a part of their name."""
    query = chosen(request, "search")
    resources, paths, view = await asyncio.gather(
        peers.get("topics", "/api/topics/resources", Page[Resource], limit=FEW, **query) if query else _nothing(),
        peers.get("topics", "/api/topics/paths", Page[PathInList], limit=FEW, **query),
        view_of(peers, actor, person_id),
    )
    if not view.edits or view.curriculum is None:
        raise NotFound
    there = {one.resource_id for one in view.curriculum.all()}
    name = "learning/assign_found.html" if wants_part(request) else "learning/assign.html"
    return page(request, name, view=view, query=query, resources=resources.items, paths=paths.items, there=there)


@post("/members/{person_id:uuid}/curriculum/assign", guards=[guards.person], include_in_schema=False)
async def assign(request: Request, actor: Actor, peers: Peers, person_id: UUID) -> Response[Any]:
    form = await request.form()
    body = {key: form[key] for key in ("resource_id", "path_id", "state") if form.get(key)}
    where = f"/api/curriculum/curricula/{person_id}/assign"
    name = _name(form)
    try:
        await peers.ask("curriculum", "POST", where, type(None), json=body, version=_version(form))
    except (StaleVersion, Conflict) as problem:
        again = ("assign", f"Assign “{name}”", {**body, "name": name})
        return await _refused(request, actor, peers, person_id, problem=problem, form=form, again=again)
    return await _changed(request, actor, peers, person_id, said=f"Assigned {name}")


@post("/members/{person_id:uuid}/curriculum/{assignment_id:uuid}", guards=[guards.person], include_in_schema=False)
async def change(request: Request, actor: Actor, peers: Peers, person_id: UUID, assignment_id: UUID) -> Response[Any]:
    form = await request.form()
    action = str(form.get("action"))
    if action not in DONE:
        raise Invalid({"action": f"must be one of {', '.join(DONE)}"})
    command, body = ("move", {"state": action}) if action in ("next", "later") else (action, None)
    where = f"/api/curriculum/curricula/{person_id}/assignments/{assignment_id}/{command}"
    try:
        await peers.ask("curriculum", "POST", where, type(None), json=body, version=_version(form))
    except (StaleVersion, Conflict) as problem:
        return await _refused(request, actor, peers, person_id, problem=problem, form=form, assignment=assignment_id)
    return await _changed(request, actor, peers, person_id, said=DONE[action].format(name=_name(form)))


async def _changed(
    request: Request[Any, Any, Any], actor: Actor, peers: Peers, person_id: UUID, *, said: str
) -> Response[Any]:
    if not wants_part(request):
        return see(f"/members/{person_id}")
    return _shown(request, await view_of(peers, actor, person_id), said=said)


async def _refused(
    request: Request[Any, Any, Any],
    actor: Actor,
    peers: Peers,
    person_id: UUID,
    *,
    problem: StaleVersion | Conflict,
    form: FormMultiDict,
    assignment: UUID | None = None,
    again: tuple[str, str, dict[str, Any]] | None = None,
) -> Template:
    """The curriculum as it is now, with what was done to it since the form was made, and the command once more."""
    view = await view_of(peers, actor, person_id)
    action = str(form.get("action", ""))
    if view.curriculum is not None and assignment is not None and action in AGAIN:
        label, states = AGAIN[action]
        if any(one.id == assignment and one.state in states for one in view.curriculum.all()):
            again = (str(assignment), label.format(name=f"“{_name(form)}”"), {"action": action, "name": _name(form)})
    changes = changed_since(view, moment(str(form.get("seen_at", ""))))
    stale = {"problem": problem, "changes": changes, "again": again}
    return _shown(request, view, status=problem.status, stale=stale)


def _shown(
    request: Request[Any, Any, Any],
    view: View,
    *,
    status: int = 200,
    stale: dict[str, Any] | None = None,
    said: str = "",
) -> Template:
    name = "learning/changed.html" if wants_part(request) else "learning/page.html"
    return page(request, name, status=status, view=view, stale=stale, said=said, few=FEW)


def _version(form: FormMultiDict) -> int:
    """The version that the form was made from; `current_version` where htmx adds what the page shows by now."""
    text = str(form.get("current_version") or form.get("version") or "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid({"version": "open the page again"})
    return int(text)


def _name(form: FormMultiDict) -> str:
    """What the form is about, for what is said afterwards."""
    return str(form.get("name") or "it")[:200]


async def _nothing() -> Page[Resource]:
    return Page([])


ROUTES: tuple[ControllerRouterHandler, ...] = (show, create, search, assign, change)
