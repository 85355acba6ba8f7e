"""What two do with a plan at the same time: its texts, and where in which list something stands.

Browsers with JavaScript write the texts by a socket and move things by dragging (islands/plan.ts); without, each text
is a form of its own, and things move by the buttons of their menu.
"""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Conflict, Invalid, StaleVersion
from gatehouse_chassis.live.tickets import Ticket
from gatehouse_portal.areas.learning.actions import UNFINISHED, place_of, undo_of
from gatehouse_portal.areas.learning.routes import done, name_in, refused, shown, undo_for
from gatehouse_portal.areas.learning.structs import Curriculum, PlanTexts
from gatehouse_portal.areas.learning.view import view_of
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.toast import Toast, see_with

TITLES = {"goals": "goals", "notes": "notes"}


@get("/members/{person_id:uuid}/texts/ticket", guards=[guards.person], include_in_schema=False)
async def ticket(peers: Peers, person_id: UUID) -> Response[Ticket]:
    """For the socket of the texts (gatehouse_curriculum.document)."""
    path = f"/api/curriculum/curricula/{person_id}/texts/ticket"
    return Response(await peers.ask("curriculum", "POST", path, Ticket), headers={"Cache-Control": "no-store"})


@post("/members/{person_id:uuid}/texts/{name:str}", guards=[guards.person], include_in_schema=False)
async def write(request: Request, actor: Actor, peers: Peers, person_id: UUID, name: str) -> Response[Any]:
    """From a form. Where somebody else wrote it meanwhile, both texts are shown, and nothing of either is lost."""
    form = await request.form()
    text = str(form.get("text", "")).replace("\r\n", "\n")
    path = f"/api/curriculum/curricula/{person_id}/texts/{name}"
    try:
        body = {"text": text, "seen": str(form.get("seen", ""))}
        await peers.ask("curriculum", "PUT", path, PlanTexts, json=body)
    except StaleVersion as problem:
        view = await view_of(peers, actor, person_id)
        view.own_texts[name] = text
        return shown(request, view, status=problem.status)
    title = TITLES.get(name, "why it is in the plan")
    return see_with(request, f"/members/{person_id}#together", Toast(f"Saved: {title}."))


@post(
    "/members/{person_id:uuid}/curriculum/{assignment_id:uuid}/place",
    guards=[guards.person],
    include_in_schema=False,
)
async def place(request: Request, actor: Actor, peers: Peers, person_id: UUID, assignment_id: UUID) -> Response[Any]:
    """To a place in a list, behind another one (`after`) or to its head; it needs no version, whatever others moved."""
    form = await request.form()
    state, after = str(form.get("state", "")), str(form.get("after", ""))
    if state not in UNFINISHED:
        raise Invalid({"state": f"must be one of {', '.join(UNFINISHED)}"})
    path = f"/api/curriculum/curricula/{person_id}/assignments/{assignment_id}/move"
    try:
        curriculum = await peers.ask(
            "curriculum", "POST", path, Curriculum, json={"state": state, "after": after or None}
        )
    except (StaleVersion, Conflict) as problem:
        return await refused(request, actor, peers, person_id, problem=problem, form=form)
    name = name_in(form)
    was = place_of(str(form.get("place")))
    undo = None
    if back := undo_of(state, was):
        fields = {"steps": back, "version": str(curriculum.version), "name": name}
        fields["seen_at"] = curriculum.changed_at.isoformat()
        undo = undo_for(
            form, f"/members/{person_id}/curriculum/{assignment_id}/undo", fields, then=(f"do-{assignment_id}",)
        )
    moved = was is None or was.state != state
    text = f"Moved “{name}” to {state.capitalize()}." if moved else f"Moved “{name}” within {state.capitalize()}."
    return await done(request, actor, peers, person_id, Toast(text, undo), item=assignment_id)


ROUTES: tuple[ControllerRouterHandler, ...] = (ticket, write, place)
