"""What a member says of something that they completed, if they like: about how long it took, stars, a line for others.

Time is said to curriculum, where the completion is; stars and the line to topics, where the resource is.
"""

from typing import Any
from uuid import UUID

from litestar import Request, Response, post
from litestar.datastructures import FormMultiDict
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Conflict, Invalid, StaleVersion
from gatehouse_portal.areas.learning.format import hours
from gatehouse_portal.areas.learning.routes import done, is_from_home, name_in, refused, undo_for, version_in
from gatehouse_portal.areas.learning.structs import Curriculum
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.toast import Toast

MOST_MINUTES = 6_000
MOST_LINE = 500


@post(
    "/members/{person_id:uuid}/curriculum/{assignment_id:uuid}/minutes", guards=[guards.person], include_in_schema=False
)
async def state_minutes(
    request: Request, actor: Actor, peers: Peers, person_id: UUID, assignment_id: UUID
) -> Response[Any]:
    form = await request.form()
    minutes, before = _minutes(form, "minutes"), _minutes(form, "before")
    address = f"/api/curriculum/curricula/{person_id}/assignments/{assignment_id}/minutes"
    try:
        body = {"minutes": minutes}
        curriculum = await peers.ask("curriculum", "POST", address, Curriculum, json=body, version=version_in(form))
    except (StaleVersion, Conflict) as problem:
        return await refused(request, actor, peers, person_id, problem=problem, form=form)
    name = name_in(form)
    text = f"Noted: “{name}” took about {hours(minutes)}." if minutes else f"Nobody knows how long “{name}” took."
    fields = {
        "version": str(curriculum.version),
        "name": name,
        "minutes": str(before or ""),
        "before": str(minutes or ""),
    }
    fields["seen_at"] = curriculum.changed_at.isoformat()
    path = f"/members/{person_id}/curriculum/{assignment_id}/minutes"
    undo = undo_for(form, path, fields, then=(f"do-{assignment_id}",))
    toast, home = Toast(text, undo), is_from_home(form)
    return await done(request, actor, peers, person_id, toast, item=assignment_id, just=assignment_id, home=home)


@post(
    "/members/{person_id:uuid}/curriculum/{assignment_id:uuid}/rating", guards=[guards.person], include_in_schema=False
)
async def rate(request: Request, actor: Actor, peers: Peers, person_id: UUID, assignment_id: UUID) -> Response[Any]:
    form = await request.form()
    stars, resource = str(form.get("stars", "")), str(form.get("resource_id", ""))
    if stars not in {"1", "2", "3", "4", "5"}:
        raise Invalid({"stars": "from 1 to 5"})
    try:
        address = f"/api/topics/resources/{UUID(resource)}/ratings/mine"
    except ValueError:
        raise Invalid({"resource_id": "open the page again"}) from None
    line = str(form.get("line") or "").strip()[:MOST_LINE]
    # No line said now isn't a line taken back.
    body = {"stars": int(stars), "line": line} if line else {"stars": int(stars)}
    await peers.ask("topics", "PUT", address, type(None), json=body)
    text = f"You gave “{name_in(form)}” {stars} of 5 stars{', and a line for others' if line else ''}."
    toast, home = Toast(text), is_from_home(form)
    return await done(request, actor, peers, person_id, toast, item=assignment_id, just=assignment_id, home=home)


def _minutes(form: FormMultiDict, field: str) -> int | None:
    """None for nothing. Raises Invalid for what is no number of minutes."""
    text = str(form.get(field) or "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= MOST_MINUTES):
        raise Invalid({field: f"a whole number of minutes from 1 to {MOST_MINUTES:,}"})
    return int(text)


ROUTES: tuple[ControllerRouterHandler, ...] = (state_minutes, rate)
