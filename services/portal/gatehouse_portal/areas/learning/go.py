"""The links of a plan: a click is noticed, and leads to the resource.

The address comes from the database only, so nobody can make such a link lead elsewhere. When the click can't be
recorded, it leads on all the same: the page that it was on sends it again (portal.js), under the same id.
"""

from typing import Any
from uuid import UUID

from litestar import Request, Response, post, route
from litestar.enums import HttpMethod
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Conflict, Invalid, NotFound
from gatehouse_portal.areas.learning.clicks import is_click
from gatehouse_portal.areas.learning.structs import Resource, Target
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.format import moment
from gatehouse_portal.shell.peers import Away, Peers
from gatehouse_portal.shell.toast import Toast, see_with

# A page elsewhere learns nothing of ours, and a click that was answered isn't answered from memory.
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


@route(
    "/go/{assignment_id:uuid}",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    guards=[guards.person],
    include_in_schema=False,
)
async def go(
    request: Request,
    actor: Actor,
    peers: Peers,
    assignment_id: UUID,
    use: UUID | None = None,
    resource: UUID | None = None,
) -> Response[Any]:
    """`use`: the page's own id of the click. `resource`: where to look when curriculum doesn't answer."""
    if actor.person is None:
        raise NotFound
    try:
        found = await _target(request, peers, actor.person, assignment_id, use)
    except Conflict as conflict:
        return see_with(request, "/", Toast(conflict.detail))
    except Away:
        if resource is None:
            raise
        found = Target(resource_id=resource)
    address = (await peers.get("topics", f"/api/topics/resources/{found.resource_id}", Resource)).url
    return Response(b"", status_code=303, headers={**HEADERS, "Location": address}, media_type="text/plain")


@post("/go/{assignment_id:uuid}", guards=[guards.person], status_code=204, include_in_schema=False)
async def send_again(request: Request, actor: Actor, peers: Peers, assignment_id: UUID) -> None:
    """The reader is back from a click that the page made before; whether it was recorded then, it needn't know."""
    form = await request.form()
    try:
        use = UUID(str(form.get("use")))
    except ValueError:
        raise Invalid({"use": "must be the id of a click"}) from None
    if actor.person is None:
        raise NotFound
    at = moment(str(form.get("used_at", "")))
    body = {"id": str(use), "used_at": at.isoformat() if at else None}
    path = f"/api/curriculum/curricula/{actor.person}/assignments/{assignment_id}/uses"
    await peers.ask("curriculum", "POST", path, type(None), json=body)
    await peers.ask("curriculum", "POST", f"{path}/{use}/end", type(None), json={})


async def _target(
    request: Request[Any, Any, Any], peers: Peers, person: UUID, assignment: UUID, use: UUID | None
) -> Target:
    if not is_click(request.method, request.headers):
        where = f"/api/curriculum/curricula/{person}/assignments/{assignment}/target"
        return await peers.get("curriculum", where, Target)
    path = f"/api/curriculum/curricula/{person}/assignments/{assignment}/uses"
    body = {"id": str(use) if use else None}
    return await peers.ask("curriculum", "POST", path, Target, json=body)


ROUTES: tuple[ControllerRouterHandler, ...] = (go, send_again)
