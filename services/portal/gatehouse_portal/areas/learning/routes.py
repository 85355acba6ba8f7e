"""A member's curriculum: what is completed, now, next and later, and the commands that change it.

Every command is a form that names the version it was made from. When somebody else was faster, the answer (412) shows
what they did and offers the same command again. What was done is said in a toast, which offers to undo it.
"""

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Conflict, Invalid, StaleVersion
from gatehouse_chassis.live.tickets import Ticket
from gatehouse_portal.areas.learning.actions import (
    ACTIONS,
    Command,
    Proposal,
    command_of,
    commands_of,
    place_of,
    undo_of,
)
from gatehouse_portal.areas.learning.structs import Curriculum
from gatehouse_portal.areas.learning.view import View, changed_since, view_of
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.area import ShownSection, shown_sections
from gatehouse_portal.shell.format import moment
from gatehouse_portal.shell.page import page, wants_part
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.toast import Toast, Undo, see_with

# Items that are shown before the rest is folded away; as many in Next are shown without their topics.
FEW = 8
MOST_FLAT = 12


@get("/members/{person_id:uuid}", guards=[guards.person], include_in_schema=False)
async def show(
    request: Request, actor: Actor, peers: Peers, person_id: UUID, by: UUID | None = None, just: UUID | None = None
) -> Template:
    """`by`: who made a change that the page has just heard of; it is said with the new part. `just`: see `done`."""
    view = await view_of(peers, actor, person_id)
    who = view.by(by) if by is not None else ""
    if wants_part(request):
        answer = Toast(f"{who[:1].upper()}{who[1:]} changed the curriculum.") if who else None
        return shown(request, view, answer=answer)
    declared = [section for area in request.app.state.areas for section in area.profile]
    sections = await shown_sections(declared, lambda section: section.load(request, actor, person_id))
    return shown(request, view, just=just, sections=sections)


@get("/members/{person_id:uuid}/live", guards=[guards.person], include_in_schema=False)
async def live(peers: Peers, person_id: UUID) -> Response[Ticket]:
    """A ticket for the socket that tells the page of changes (gatehouse_curriculum.live)."""
    ticket = await peers.ask("curriculum", "POST", f"/api/curriculum/curricula/{person_id}/ticket", Ticket)
    return Response(ticket, headers={"Cache-Control": "no-store"})


@post("/members/{person_id:uuid}/curriculum", guards=[guards.person], include_in_schema=False)
async def create(request: Request, peers: Peers, person_id: UUID) -> Response[Any]:
    body = {"person_id": str(person_id)}
    with contextlib.suppress(Conflict):  # somebody else made it meanwhile, which is as good
        await peers.ask("curriculum", "POST", "/api/curriculum/curricula", type(None), json=body)
    return see_with(request, f"/members/{person_id}", Toast("The curriculum is there. Assign a path or a resource."))


@post("/members/{person_id:uuid}/curriculum/{assignment_id:uuid}", guards=[guards.person], include_in_schema=False)
async def change(request: Request, actor: Actor, peers: Peers, person_id: UUID, assignment_id: UUID) -> Response[Any]:
    form = await request.form()
    action, name = str(form.get("action")), name_in(form)
    if action not in ACTIONS:
        raise Invalid({"action": f"must be one of {', '.join(ACTIONS)}"})
    try:
        curriculum = await _carry_out(peers, person_id, assignment_id, [command_of(action)], version_in(form))
    except (StaleVersion, Conflict) as problem:
        return await refused(request, actor, peers, person_id, problem=problem, form=form, assignment=assignment_id)
    undo = None
    if back := undo_of(action, place_of(str(form.get("place")))):
        path = f"/members/{person_id}/curriculum/{assignment_id}/undo"
        fields = {"steps": back, "version": str(curriculum.version), "name": name}
        fields["seen_at"] = curriculum.changed_at.isoformat()
        undo = undo_for(form, path, fields, then=(f"do-{assignment_id}",))
    toast = Toast(ACTIONS[action].done.format(name=name), undo)
    just = assignment_id if action == "complete" else None
    return await done(request, actor, peers, person_id, toast, item=assignment_id, just=just, home=is_from_home(form))


@post("/members/{person_id:uuid}/curriculum/{assignment_id:uuid}/undo", guards=[guards.person], include_in_schema=False)
async def undo(request: Request, actor: Actor, peers: Peers, person_id: UUID, assignment_id: UUID) -> Response[Any]:
    form = await request.form()
    commands = commands_of(str(form.get("steps", "")))
    try:
        curriculum = await _carry_out(peers, person_id, assignment_id, commands, version_in(form))
    except (StaleVersion, Conflict) as problem:
        return await refused(request, actor, peers, person_id, problem=problem, form=form)
    state = next((item.state.capitalize() for item in curriculum.all() if item.id == assignment_id), "the curriculum")
    toast = Toast(f"Undone. “{name_in(form)}” is back in {state}.")
    return await done(request, actor, peers, person_id, toast, item=assignment_id, home=is_from_home(form))


async def _carry_out(
    peers: Peers, person_id: UUID, assignment_id: UUID, commands: Iterable[Command | Proposal], version: int
) -> Curriculum:
    """The curriculum after these commands, each made from the version that the one before left."""
    curriculum: Curriculum | None = None
    for command in commands:
        if isinstance(command, Proposal):
            curriculum = await _propose(peers, person_id, assignment_id, command, version)
        else:
            curriculum = await _command(peers, person_id, assignment_id, command, version)
        version = curriculum.version
    assert curriculum is not None
    return curriculum


async def _command(peers: Peers, person_id: UUID, assignment_id: UUID, command: Command, version: int) -> Curriculum:
    path = f"/api/curriculum/curricula/{person_id}/assignments/{assignment_id}/{command.name}"
    return await peers.ask("curriculum", "POST", path, Curriculum, json=command.to, version=version)


async def _propose(peers: Peers, person_id: UUID, assignment_id: UUID, proposal: Proposal, version: int) -> Curriculum:
    path = f"/api/curriculum/curricula/{person_id}/assignments/{assignment_id}/propose"
    return await peers.ask("curriculum", "POST", path, Curriculum, json=proposal, version=version)


async def done(
    request: Request[Any, Any, Any],
    actor: Actor,
    peers: Peers,
    person_id: UUID,
    toast: Toast,
    *,
    item: UUID | None = None,
    just: UUID | None = None,
    home: bool = False,
    assigned: str = "",
) -> Response[Any]:
    """The curriculum after a change, or the reader's home where they made it there.

    `just`: what was completed by it; `assigned`: the id of what was assigned, to mark it among the search's results.
    """
    asked = f"?just={just}" if just else ""
    if home:
        return see_with(request, f"/{asked}#{'afterwards' if just else 'way'}", toast)
    if not wants_part(request):
        return see_with(request, f"/members/{person_id}{asked}" + (f"#item-{item}" if item else ""), toast)
    return shown(request, await view_of(peers, actor, person_id), answer=toast, just=just, assigned=assigned)


async def refused(
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
    action, name = str(form.get("action", "")), name_in(form)
    if view.curriculum is not None and assignment is not None and action in ACTIONS:
        item = next((item for item in view.curriculum.all() if item.id == assignment), None)
        if item is not None and item.state in ACTIONS[action].states:
            # Whether the reader may move it anyhow isn't known here: then its undo starts it again.
            started = "started" if item.started_at else ""
            place = f"{item.state}:{item.position}:{started}:{'own' if view.edits else ''}:{item.proposed_change or ''}"
            fields = {"action": action, "name": name, "place": place}
            again = (str(assignment), ACTIONS[action].again.format(name=name), fields)
    changes = changed_since(view, moment(str(form.get("seen_at", ""))))
    stale = {"problem": problem, "changes": changes, "again": again}
    return shown(request, view, status=problem.status, stale=stale)


def shown(
    request: Request[Any, Any, Any],
    view: View,
    *,
    status: int = 200,
    stale: dict[str, Any] | None = None,
    answer: Toast | None = None,
    just: UUID | None = None,
    assigned: str = "",
    sections: Sequence[ShownSection] = (),
) -> Template:
    name = "learning/changed.html" if wants_part(request) else "learning/page.html"
    values = {"view": view, "stale": stale, "answer": answer, "assigned": assigned, "just": just}
    return page(request, name, status=status, sections=sections, few=FEW, most_flat=MOST_FLAT, **values)


def version_in(form: FormMultiDict) -> int:
    """The version that the form was made from; `current_version` where htmx adds what the page shows by now."""
    text = str(form.get("current_version") or form.get("version") or "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid({"version": "open the page again"})
    return int(text)


def is_from_home(form: FormMultiDict) -> bool:
    """Whether it was made on the reader's home, which is shown afterwards."""
    return form.get("back") == "way"


def undo_for(form: FormMultiDict, path: str, fields: dict[str, str], *, then: tuple[str, ...]) -> Undo:
    """The form of the toast, for the page that `form` was on."""
    if is_from_home(form):
        return Undo(path=path, fields={**fields, "back": "way"}, target="")
    return Undo(path=path, fields=fields, target="curriculum", then=then)


def name_in(form: FormMultiDict) -> str:
    """What the form is about, for what is said afterwards."""
    return str(form.get("name") or "it")[:200]


ROUTES: tuple[ControllerRouterHandler, ...] = (show, live, create, change, undo)
