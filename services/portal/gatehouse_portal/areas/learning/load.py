"""Too much? How long a list takes the member against the time that there is, before anything is committed.

It is a hint: nothing is refused for it. It is for the member and their mentor alone.
"""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Conflict, Invalid, NotFound, StaleVersion
from gatehouse_portal.areas.learning.routes import done, refused, version_in
from gatehouse_portal.areas.learning.structs import Calibration, Curriculum
from gatehouse_portal.areas.learning.view import View, forecast_of, view_of
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page, wants_part
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.toast import Toast, Undo

MOST_LIST = 40
# How many go to Next by one click.
LIGHTER_BY = 2


@get("/members/{person_id:uuid}/forecast", guards=[guards.person], include_in_schema=False)
async def show(request: Request, actor: Actor, peers: Peers, person_id: UUID) -> Template:
    """Of the items of a form that isn't sent yet. `until` or `next`: the next meeting, with or without its time."""
    query = request.query_params
    items = [_id(text) for text in query.getall("item", [])[:MOST_LIST]]
    until = (query.get("until") or query.get("next") or "")[:10] or None
    view = await view_of(peers, actor, person_id)
    if not view.close or view.curriculum is None:
        raise NotFound
    known = {one.id for one in view.curriculum.all()}
    listed = [id for id in items if id in known]
    coming = query.get("coming") != "no"
    forecast = await forecast_of(peers, person_id, listed, until=until, coming=coming)
    shown: dict[str, Any] = {"empty": not listed, "why": f"{request.url.path}?{request.url.query}"}
    name = "learning/load_part.html" if wants_part(request) else "learning/load.html"
    return page(request, name, view=msgspec.structs.replace(view, forecast=forecast), **shown)


@post("/members/{person_id:uuid}/curriculum/lighten", guards=[guards.person], include_in_schema=False)
async def lighten(request: Request, actor: Actor, peers: Peers, person_id: UUID) -> Response[Any]:
    """The last of what is now go to the head of Next, in their order."""
    form = await request.form()
    view = await _planned(peers, actor, person_id)
    last = view.now[-LIGHTER_BY:]
    version = version_in(form)
    try:
        curriculum = None
        for item in reversed(last):
            curriculum = await _move(peers, person_id, item.assignment.id, "next", 1, version)
            version = curriculum.version
    except (StaleVersion, Conflict) as problem:
        return await refused(request, actor, peers, person_id, problem=problem, form=form)
    if curriculum is None:
        raise Invalid({"item": "nothing is planned for now"})
    ids = " ".join(str(item.assignment.id) for item in last)
    fields = {"items": ids, "version": str(curriculum.version), "seen_at": curriculum.changed_at.isoformat()}
    undo = Undo(
        path=f"/members/{person_id}/curriculum/lighten/undo", fields=fields, target="curriculum", then=("lighten",)
    )
    names = " and ".join(f"“{item.name}”" for item in last)
    return await done(request, actor, peers, person_id, Toast(f"Moved {names} to Next.", undo))


@post("/members/{person_id:uuid}/curriculum/lighten/undo", guards=[guards.person], include_in_schema=False)
async def undo_lighten(request: Request, actor: Actor, peers: Peers, person_id: UUID) -> Response[Any]:
    form = await request.form()
    await _planned(peers, actor, person_id)
    version = version_in(form)
    try:
        for text in str(form.get("items", "")).split()[:LIGHTER_BY]:
            version = (await _move(peers, person_id, _id(text), "now", None, version)).version
    except (StaleVersion, Conflict) as problem:
        return await refused(request, actor, peers, person_id, problem=problem, form=form)
    return await done(request, actor, peers, person_id, Toast("Undone. The list is as it was before."))


@get("/forecasts", guards=[guards.person], include_in_schema=False)
async def calibration(request: Request, peers: Peers) -> Template:
    """How good forecasts were, of all members together."""
    found = await peers.get("curriculum", "/api/curriculum/forecasts/calibration", Calibration)
    return page(request, "learning/calibration.html", found=found)


async def _move(
    peers: Peers, person_id: UUID, assignment: UUID, state: str, position: int | None, version: int
) -> Curriculum:
    path = f"/api/curriculum/curricula/{person_id}/assignments/{assignment}/move"
    body = {"state": state, "position": position}
    return await peers.ask("curriculum", "POST", path, Curriculum, json=body, version=version)


async def _planned(peers: Peers, actor: Actor, person_id: UUID) -> View:
    """Raises NotFound for whoever doesn't plan everything in it."""
    view = await view_of(peers, actor, person_id)
    if not view.edits or view.curriculum is None:
        raise NotFound
    return view


def _id(text: object) -> UUID:
    try:
        return UUID(str(text))
    except ValueError:
        raise Invalid({"item": "open the page again"}) from None


ROUTES: tuple[ControllerRouterHandler, ...] = (show, lighten, undo_lighten, calibration)
