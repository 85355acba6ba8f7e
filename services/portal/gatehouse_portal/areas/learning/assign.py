"""Assigning: search for a resource or a path, look at how much a path is before it goes in, and take all of it back."""

import asyncio
import re
from collections.abc import Awaitable
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Conflict, Invalid, NotFound, StaleVersion
from gatehouse_portal.areas.learning.routes import FEW, done, name_in, refused, version_in
from gatehouse_portal.areas.learning.structs import (
    Curriculum,
    CurriculumAfterAssigning,
    LinkPreview,
    Path,
    PathInList,
    PlanForecast,
    Resource,
)
from gatehouse_portal.areas.learning.view import View, forecast_of, view_of
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.format import moment
from gatehouse_portal.shell.page import page, wants_part
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.query import chosen
from gatehouse_portal.shell.structs import Page
from gatehouse_portal.shell.toast import Toast, Undo

# Who adds resources, as topics has it.
ADD_RESOURCES = ("mentor", "coordinator", "staff")
LINK = re.compile(r"\s*https?://", re.IGNORECASE)
# More new resources than this at once are confirmed first.
UNASKED = 10
LONGEST_NOTE = 500

T = TypeVar("T")


class Amount(msgspec.Struct, frozen=True, kw_only=True):
    """How much assigning a path would bring: its resources, and how many of them the curriculum doesn't have yet."""

    total: int
    new: int

    @property
    def known(self) -> int:
        return self.total - self.new


@get("/members/{person_id:uuid}/assign", guards=[guards.person], include_in_schema=False)
async def search(request: Request, actor: Actor, peers: Peers, person_id: UUID) -> Template:
    """Resources and paths to assign, by a part of their name."""
    query = chosen(request, "search", "note")
    if LINK.match(query.get("search", "")):
        return await _pasted(request, actor, peers, person_id, query)
    sought = {"search": query["search"], "limit": FEW} if "search" in query else None
    resources, paths, view = await asyncio.gather(
        peers.get("topics", "/api/topics/resources", Page[Resource], **sought) if sought else _nothing(Resource),
        peers.get("topics", "/api/topics/paths", Page[PathInList], **sought) if sought else _nothing(PathInList),
        _editable(peers, actor, person_id),
    )
    assert view.curriculum is not None
    assigned = {assignment.resource_id for assignment in view.curriculum.all()}
    new = [resource.id for resource in resources.items if resource.id not in assigned]
    forecast = await forecast_of(peers, person_id, (), new) if view.close else None
    name = "learning/assign_found.html" if wants_part(request) else "learning/assign.html"
    values: dict[str, Any] = {
        "resources": resources.items,
        "paths": paths.items,
        "assigned": assigned,
        "forecast": forecast,
    }
    return page(request, name, view=view, query=query, **values)


async def _pasted(
    request: Request[Any, Any, Any], actor: Actor, peers: Peers, person_id: UUID, query: dict[str, str]
) -> Template:
    """What a link leads to: a resource that is there, else one that those who may can add."""
    link = query["search"].strip()
    view, found = await asyncio.gather(
        _editable(peers, actor, person_id),
        or_invalid(peers.get("topics", "/api/topics/links", list[Resource], url=link)),
    )
    adds = actor.has(*ADD_RESOURCES) and found == []
    preview = (
        await or_invalid(peers.get("topics", "/api/topics/links/preview", LinkPreview, url=link)) if adds else None
    )
    assert view.curriculum is not None
    assigned = {assignment.resource_id for assignment in view.curriculum.all()}
    new = [one.id for one in found or () if one.id not in assigned]
    forecast = await forecast_of(peers, person_id, (), new) if view.close else None
    values: dict[str, Any] = {"resources": found or [], "paths": [], "assigned": assigned, "preview": preview}
    name = "learning/assign_found.html" if wants_part(request) else "learning/assign.html"
    return page(request, name, view=view, query=query, link=link, forecast=forecast, **values)


@post("/members/{person_id:uuid}/curriculum/paste", guards=[guards.person], include_in_schema=False)
async def paste(request: Request, actor: Actor, peers: Peers, person_id: UUID) -> Response[Any]:
    """Adds a link as a resource and to the plan, in one step. Two who paste it at once share one resource."""
    form = await request.form()
    link, name, state = str(form.get("link", "")), name_in(form), str(form.get("state", "next"))
    if state not in ("now", "next", "later"):
        raise Invalid({"state": "now, next or later"})
    made = await _resource_of(peers, form, link, name)
    path = f"/api/curriculum/curricula/{person_id}/assign"
    to = "later" if state == "later" else "next"
    body = {"resource_id": str(made.id), "state": to, "note": form.get("note") or None}
    try:
        curriculum = await peers.ask(
            "curriculum", "POST", path, CurriculumAfterAssigning, json=body, version=version_in(form)
        )
        if state == "now":
            curriculum = await _planned_now(peers, person_id, curriculum)
    except (StaleVersion, Conflict) as problem:
        again = ("assign", f"Assign “{made.name}”", {"resource_id": str(made.id), "state": to, "name": made.name})
        return await refused(request, actor, peers, person_id, problem=problem, form=form, again=again)
    toast = _told(curriculum, person_id, made.name, state.capitalize(), path=False)
    return await done(request, actor, peers, person_id, toast, assigned=str(made.id))


@post("/members/{person_id:uuid}/curriculum/assign", guards=[guards.person], include_in_schema=False)
async def assign(request: Request, actor: Actor, peers: Peers, person_id: UUID) -> Response[Any]:
    form = await request.form()
    if len(str(form.get("note", ""))) > LONGEST_NOTE:
        raise Invalid({"note": f"is longer than {LONGEST_NOTE} characters"})
    body = {key: form[key] for key in ("resource_id", "path_id", "state", "note") if form.get(key)}
    name = name_in(form)
    at_once = body.get("state") == "now" and "resource_id" in body
    if at_once:
        body["state"] = "next"
    if "path_id" in body and form.get("confirmed") != "yes":
        view, path = await asyncio.gather(
            _editable(peers, actor, person_id), peers.get("topics", f"/api/topics/paths/{body['path_id']}", Path)
        )
        amount = _amount(view, path)
        if amount.new > UNASKED:
            forecast = await forecast_of(peers, person_id, (), _new_of(view, path)) if view.close else None
            return _confirmation(request, view, path, amount, body, forecast)
    try:
        path = f"/api/curriculum/curricula/{person_id}/assign"
        curriculum = await peers.ask(
            "curriculum", "POST", path, CurriculumAfterAssigning, json=body, version=version_in(form)
        )
        if at_once:
            curriculum = await _planned_now(peers, person_id, curriculum)
    except (StaleVersion, Conflict) as problem:
        again = ("assign", f"Assign “{name}”", {**body, "name": name})
        return await refused(request, actor, peers, person_id, problem=problem, form=form, again=again)
    state = "Now" if at_once else str(body.get("state", "later")).capitalize()
    toast = _told(curriculum, person_id, name, state, path="path_id" in body)
    subject = str(body.get("path_id") or body.get("resource_id"))
    return await done(request, actor, peers, person_id, toast, assigned=subject)


@post("/members/{person_id:uuid}/curriculum/assign/undo", guards=[guards.person], include_in_schema=False)
async def undo_assign(request: Request, actor: Actor, peers: Peers, person_id: UUID) -> Response[Any]:
    """Takes out what one command assigned: all that has its time, and hasn't been completed since."""
    form = await request.form()
    at = moment(str(form.get("assigned_at", "")))
    view = await _editable(peers, actor, person_id)
    assert view.curriculum is not None
    ids = [str(item.id) for item in view.curriculum.all() if item.assigned_at == at and item.state != "completed"]
    if not ids:
        raise Invalid({"assigned_at": "nothing of this is left to take out"})
    body = {"assignment_ids": ids}
    try:
        path = f"/api/curriculum/curricula/{person_id}/unassign"
        await peers.ask("curriculum", "POST", path, type(None), json=body, version=version_in(form))
    except (StaleVersion, Conflict) as problem:
        return await refused(request, actor, peers, person_id, problem=problem, form=form)
    return await done(request, actor, peers, person_id, Toast(f"Undone. {_resources(len(ids))} removed."))


async def _resource_of(peers: Peers, form: FormMultiDict, link: str, name: str) -> Resource:
    """The new resource, or the one that somebody else added meanwhile."""
    minutes, words = (_length(form, field) for field in ("length_minutes", "length_words"))
    resource = {
        "url": link,
        "name": name,
        "kind": str(form.get("kind", "")),
        "level": "apprentice",
        "length_minutes": minutes,
        "length_words": None if minutes else words,
    }
    try:
        return await peers.ask("topics", "POST", "/api/topics/resources", Resource, json=resource)
    except Conflict:
        found = await peers.get("topics", "/api/topics/links", list[Resource], url=link)
        if not found:
            raise
        return found[0]


def _length(form: FormMultiDict, field: str) -> int | None:
    text = str(form.get(field) or "")
    return int(text[:8]) or None if text.isascii() and text.isdigit() else None


async def _planned_now(peers: Peers, person_id: UUID, curriculum: CurriculumAfterAssigning) -> CurriculumAfterAssigning:
    """What was just assigned is on the now-list as well; what was there already stays where it is."""
    if not curriculum.assigned:
        return curriculum
    path = f"/api/curriculum/curricula/{person_id}/assignments/{curriculum.assigned[0]}/move"
    body = {"state": "now"}
    planned = await peers.ask("curriculum", "POST", path, Curriculum, json=body, version=curriculum.version)
    return msgspec.structs.replace(curriculum, version=planned.version, changed_at=planned.changed_at)


async def _editable(peers: Peers, actor: Actor, person_id: UUID) -> View:
    """The curriculum for who may add to it: the member, their mentor, coordinators. Raises NotFound for others."""
    view = await view_of(peers, actor, person_id)
    if not view.learns:
        raise NotFound
    return view


def _resources_of(path: Path) -> set[UUID]:
    return {resource.id for module in path.modules for topic in module.topics for resource in topic.resources}


def _new_of(view: View, path: Path) -> list[UUID]:
    """What of the path the curriculum doesn't have yet."""
    assert view.curriculum is not None
    return sorted(_resources_of(path) - {assignment.resource_id for assignment in view.curriculum.all()})


def _amount(view: View, path: Path) -> Amount:
    return Amount(total=len(_resources_of(path)), new=len(_new_of(view, path)))


def _confirmation(
    request: Request[Any, Any, Any],
    view: View,
    path: Path,
    amount: Amount,
    body: dict[str, Any],
    forecast: PlanForecast | None,
) -> Template:
    part = wants_part(request)
    name = "learning/assign_confirm.html" if part else "learning/assign_confirm_page.html"
    state = "next" if body.get("state") == "next" else "later"
    assert view.curriculum is not None
    before = len(view.curriculum.next if state == "next" else view.curriculum.later)
    values: dict[str, Any] = {
        "path": path,
        "amount": amount,
        "body": body,
        "state": state,
        "before": before,
        "forecast": forecast,
    }
    response = page(request, name, view=view, **values)
    if part:
        response.headers.update({"HX-Retarget": "#to-assign", "HX-Reswap": "innerHTML"})
    return response


def _told(curriculum: CurriculumAfterAssigning, person_id: UUID, name: str, state: str, *, path: bool) -> Toast:
    added = len(curriculum.assigned)
    new = {item.resource_id for item in curriculum.all() if item.id in set(curriculum.assigned)}
    # A path may name a resource in several topics: the second time it is skipped as well.
    known = len(set(curriculum.skipped) - new)
    if not added:
        return Toast(f"“{name}” is in the curriculum already. Nothing was changed.")
    text = f"Assigned “{name}” to {state}."
    if path:
        text = f"Assigned {_resources(added)} of “{name}” to {state}."
    if known:
        text += f" {known} {'was' if known == 1 else 'were'} there already."
    at = next(item.assigned_at for item in curriculum.all() if item.id == curriculum.assigned[0])
    fields = {"assigned_at": at.isoformat(), "version": str(curriculum.version)}
    fields["seen_at"] = curriculum.changed_at.isoformat()
    path_of_undo = f"/members/{person_id}/curriculum/assign/undo"
    return Toast(text, Undo(path=path_of_undo, fields=fields, target="curriculum", then=("search",)))


def _resources(count: int) -> str:
    return "1 resource" if count == 1 else f"{count} resources"


async def or_invalid(asked: Awaitable[T]) -> T | None:
    """None for a link that is no address of a page."""
    try:
        return await asked
    except Invalid:
        return None


async def _nothing(kind: type[Any]) -> Page[Any]:
    return Page([])


ROUTES: tuple[ControllerRouterHandler, ...] = (search, paste, assign, undo_assign)
