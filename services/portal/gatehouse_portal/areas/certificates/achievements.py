"""What can be achieved, for coordinators and staff: a change makes the next edition."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.problems import Conflict, Invalid
from gatehouse_portal.areas.certificates.proposals import COORDINATORS
from gatehouse_portal.areas.certificates.structs import Achievement, AchievementForm
from gatehouse_portal.areas.certificates.view import of_form, said, version_of
from gatehouse_portal.enumerators import VALUES
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.structs import Page
from gatehouse_portal.shell.toast import Toast, see_with

by_coordinators = guards.pages_for(*COORDINATORS)
ACHIEVEMENTS = "/achievements"
MOST = 100


@get(ACHIEVEMENTS, guards=[by_coordinators], include_in_schema=False)
async def achievements(request: Request[Any, Any, Any], peers: Peers) -> Response[Any]:
    return await _list(request, peers)


@post(ACHIEVEMENTS, guards=[by_coordinators], include_in_schema=False)
async def add(request: Request[Any, Any, Any], peers: Peers) -> Response[Any]:
    body = _read(await request.form())
    try:
        await peers.ask("credential", "POST", "/api/credential/achievements", Achievement, json=body)
    except (Conflict, Invalid) as refused:
        return await _list(request, peers, problem=said(refused))
    return see_with(request, ACHIEVEMENTS, Toast(f"{body.name} can be proposed now."))


@post(f"{ACHIEVEMENTS}/{{id:uuid}}", guards=[by_coordinators], include_in_schema=False)
async def change(request: Request[Any, Any, Any], peers: Peers, id: UUID) -> Response[Any]:
    form = await request.form()
    body = _read(form)
    path = f"/api/credential/achievements/{id}"
    try:
        made = await peers.ask("credential", "PATCH", path, Achievement, json=body, version=version_of(form))
    except (Conflict, Invalid) as refused:
        return await _list(request, peers, problem=said(refused))
    return see_with(request, ACHIEVEMENTS, Toast(f"{made.name} is at edition {made.edition} now."))


@post(f"{ACHIEVEMENTS}/{{id:uuid}}/archive", guards=[by_coordinators], include_in_schema=False)
async def archive(request: Request[Any, Any, Any], peers: Peers, id: UUID) -> Response[Any]:
    version = version_of(await request.form())
    try:
        await peers.ask(
            "credential", "POST", f"/api/credential/achievements/{id}/archive", Achievement, version=version
        )
    except Conflict as refused:
        return await _list(request, peers, problem=said(refused))
    return see_with(request, ACHIEVEMENTS, Toast("Archived. Certificates that are out stay good."))


async def _list(request: Request[Any, Any, Any], peers: Peers, *, problem: str = "") -> Response[Any]:
    listed = await peers.get("credential", "/api/credential/achievements", Page[Achievement], limit=MOST, total="true")
    return page(
        request,
        "certificates/achievements.html",
        status=400 if problem else 200,
        listed=listed,
        levels=VALUES["person"]["mastery"],
        specialties=VALUES["person"]["specialty"],
        problem=problem,
    )


def _read(form: FormMultiDict) -> AchievementForm:
    months = str(form.get("valid_months") or "").strip()
    return AchievementForm(
        name=str(form.get("name") or "").strip(),
        description=" ".join(str(form.get("description") or "").split()),
        criteria=str(form.get("criteria") or "").strip(),
        level=of_form(form, "level", VALUES["person"]["mastery"]) or None,
        specialty=of_form(form, "specialty", VALUES["person"]["specialty"]) or None,
        skills=[one.strip() for one in str(form.get("skills") or "").split(",") if one.strip()],
        valid_months=int(months) if months.isascii() and months.isdigit() and len(months) < 4 else None,
    )


ROUTES: tuple[ControllerRouterHandler, ...] = (achievements, add, change, archive)
