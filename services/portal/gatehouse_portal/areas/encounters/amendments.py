"""A text of a finished meeting is put right: the whole of it as it should be, and why. What it was stays beside it."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Conflict, Forbidden, Invalid, NotFound, StaleVersion
from gatehouse_portal.areas.encounters.forms import version_of
from gatehouse_portal.areas.encounters.structs import PlannedEncounter
from gatehouse_portal.areas.encounters.view import meeting_of
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.toast import Toast, see_with

PAGE = "/encounters/{encounter_id:uuid}/amend/{key:str}"


@get(PAGE, guards=[guards.person], include_in_schema=False)
async def show(
    request: Request[Any, Any, Any], actor: Actor, peers: Peers, encounter_id: UUID, key: str
) -> Response[Any]:
    return await _shown(request, actor, peers, encounter_id, key)


@post(PAGE, guards=[guards.person], include_in_schema=False)
async def amend(
    request: Request[Any, Any, Any], actor: Actor, peers: Peers, encounter_id: UUID, key: str
) -> Response[Any]:
    """What was typed stays on the page where it can't be taken."""
    form = await request.form()
    text = str(form.get("text") or "").replace("\r\n", "\n")
    body = {"prompt_key": key, "text": text, "reason": str(form.get("reason") or "").strip()}
    path = f"/api/encounter/encounters/{encounter_id}/amendments"
    try:
        await peers.ask("encounter", "POST", path, PlannedEncounter, json=body, version=version_of(form))
    except (Invalid, Conflict, StaleVersion, Forbidden) as refused:
        problem = "; ".join(one.message for one in refused.errors) or refused.detail or "It can’t be changed."
        typed = {"text": text, "reason": body["reason"]}
        return await _shown(request, actor, peers, encounter_id, key, problem=problem, typed=typed)
    return see_with(request, f"/encounters/{encounter_id}", Toast("Put right. What it was is shown beside it."))


async def _shown(
    request: Request[Any, Any, Any],
    actor: Actor,
    peers: Peers,
    encounter_id: UUID,
    key: str,
    *,
    problem: str = "",
    typed: dict[str, str] | None = None,
) -> Response[Any]:
    meeting = await meeting_of(peers, actor, encounter_id)
    written = meeting.free(key)
    if written is None or not meeting.amends:
        raise NotFound
    values = {
        "meeting": meeting,
        "key": key,
        "problem": problem,
        "typed": typed or {"text": written.text, "reason": ""},
    }
    return page(request, "encounters/amend.html", status=409 if problem else 200, **values)


ROUTES: tuple[ControllerRouterHandler, ...] = (show, amend)
