"""Assigning: search for a resource or a path, look at how much a path is before it goes in, and take all of it back."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Conflict, Invalid, NotFound, StaleVersion
from gatehouse_portal.areas.learning.routes import FEW, done, name_in, refused, version_in
from gatehouse_portal.areas.learning.structs import CurriculumAfterAssigning, Path, PathInList, Resource
from gatehouse_portal.areas.learning.view import View, view_of
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.format import moment
from gatehouse_portal.shell.page import page, wants_part
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.query import chosen
from gatehouse_portal.shell.structs import Page
from gatehouse_portal.shell.toast import Toast, Undo

# More new resources than this at once are confirmed first.
UNASKED = 10
LONGEST_NOTE = 500


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
    sought = {"search": query["search"], "limit": FEW} if "search" in query else None
    resources, paths, view = await asyncio.gather(
        peers.get("topics", "/api/topics/resources", Page[Resource], **sought) if sought else _nothing(Resource),
        peers.get("topics", "/api/topics/paths", Page[PathInList], **sought) if sought else _nothing(PathInList),
        _editable(peers, actor, person_id),
    )
    assert view.curriculum is not None
    assigned = {assignment.resource_id for assignment in view.curriculum.all()}
    name = "learning/assign_found.html" if wants_part(request) else "learning/assign.html"
    return page(request, name, view=view, query=query, resources=resources.items, paths=paths.items, assigned=assigned)


@post("/members/{person_id:uuid}/curriculum/assign", guards=[guards.person], include_in_schema=False)
async def assign(request: Request, actor: Actor, peers: Peers, person_id: UUID) -> Response[Any]:
    form = await request.form()
    if len(str(form.get("note", ""))) > LONGEST_NOTE:
        raise Invalid({"note": f"is longer than {LONGEST_NOTE} characters"})
    body = {key: form[key] for key in ("resource_id", "path_id", "state", "note") if form.get(key)}
    name = name_in(form)
    if "path_id" in body and form.get("confirmed") != "yes":
        view, path = await asyncio.gather(
            _editable(peers, actor, person_id), peers.get("topics", f"/api/topics/paths/{body['path_id']}", Path)
        )
        amount = _amount(view, path)
        if amount.new > UNASKED:
            return _confirmation(request, view, path, amount, body)
    try:
        path = f"/api/curriculum/curricula/{person_id}/assign"
        curriculum = await peers.ask(
            "curriculum", "POST", path, CurriculumAfterAssigning, json=body, version=version_in(form)
        )
    except (StaleVersion, Conflict) as problem:
        again = ("assign", f"Assign “{name}”", {**body, "name": name})
        return await refused(request, actor, peers, person_id, problem=problem, form=form, again=again)
    state = str(body.get("state", "later")).capitalize()
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


async def _editable(peers: Peers, actor: Actor, person_id: UUID) -> View:
    """The curriculum for who may add to it: the member, their mentor, coordinators. Raises NotFound for others."""
    view = await view_of(peers, actor, person_id)
    if not view.learns:
        raise NotFound
    return view


def _amount(view: View, path: Path) -> Amount:
    assert view.curriculum is not None
    resources = {resource.id for module in path.modules for topic in module.topics for resource in topic.resources}
    assigned = {assignment.resource_id for assignment in view.curriculum.all()}
    return Amount(total=len(resources), new=len(resources - assigned))


def _confirmation(
    request: Request[Any, Any, Any], view: View, path: Path, amount: Amount, body: dict[str, Any]
) -> Template:
    part = wants_part(request)
    name = "learning/assign_confirm.html" if part else "learning/assign_confirm_page.html"
    state = "next" if body.get("state") == "next" else "later"
    assert view.curriculum is not None
    before = len(view.curriculum.next if state == "next" else view.curriculum.later)
    response = page(request, name, view=view, path=path, amount=amount, body=body, state=state, before=before)
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


async def _nothing(kind: type[Any]) -> Page[Any]:
    return Page([])


ROUTES: tuple[ControllerRouterHandler, ...] = (search, assign, undo_assign)
