"""How much longer than others a member takes, the times that say so, and that one of them is no measure."""

import asyncio
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Invalid
from gatehouse_portal.areas.learning.routes import name_in
from gatehouse_portal.areas.learning.structs import MemberPace, Person
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers, or_away, or_none
from gatehouse_portal.shell.toast import Toast, Undo, see_with


@get("/members/{person_id:uuid}/pace", guards=[guards.person], include_in_schema=False)
async def show(request: Request, actor: Actor, peers: Peers, person_id: UUID) -> Template:
    """For the member and their mentor; others get what curriculum refuses them with."""
    pace, person = await asyncio.gather(
        peers.get("curriculum", f"/api/curriculum/curricula/{person_id}/pace", MemberPace),
        or_away(or_none(peers.get("person", f"/api/person/people/{person_id}", Person))),
    )
    name = person.name if isinstance(person, Person) else "the member"
    own = actor.is_person(person_id)
    return page(request, "learning/pace.html", pace=pace, person_id=person_id, member=name, own=own)


@post("/members/{person_id:uuid}/pace/{assignment_id:uuid}", guards=[guards.person], include_in_schema=False)
async def mark(request: Request, peers: Peers, person_id: UUID, assignment_id: UUID) -> Response[Any]:
    """The member says whether a time of theirs counts."""
    form = await request.form()
    typical, name = str(form.get("typical", "")), name_in(form)
    if typical not in ("yes", "no"):
        raise Invalid({"typical": "yes or no"})
    path = f"/api/curriculum/curricula/{person_id}/assignments/{assignment_id}/typical"
    await peers.ask("curriculum", "PUT", path, type(None), json={"typical": typical == "yes"})
    text = f"“{name}” counts for your pace." if typical == "yes" else f"“{name}” doesn’t count for your pace any more."
    fields = {"typical": "no" if typical == "yes" else "yes", "name": name}
    undo = Undo(path=f"/members/{person_id}/pace/{assignment_id}", fields=fields, target="", then=())
    return see_with(request, f"/members/{person_id}/pace", Toast(text, undo))


ROUTES: tuple[ControllerRouterHandler, ...] = (show, mark)
