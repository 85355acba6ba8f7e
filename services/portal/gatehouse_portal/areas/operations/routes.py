"""Admin: how the platform itself runs. Only operators have it; for everyone else it doesn't exist."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Invalid, NotFound
from gatehouse_portal.areas.operations.service_status import STATES, StatusProbe
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page, wants_part
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.toast import Toast, see_with


@get("/admin", guards=[guards.operators], include_in_schema=False)
async def overview(request: Request, actor: Actor, state: State) -> Template:
    probe: StatusProbe = state.status_probe
    services = await probe.all(actor.token)
    counted = Counter(service.state for service in services)
    name = "operations/admin/services.html" if wants_part(request) else "operations/admin/overview.html"
    return page(request, name, services=services, counted=counted, states=STATES)


@get("/admin/{name:str}", guards=[guards.operators], include_in_schema=False)
async def service(request: Request, actor: Actor, state: State, name: str) -> Template:
    probe: StatusProbe = state.status_probe
    if name not in probe.names:
        raise NotFound
    status, configuration = await asyncio.gather(probe.one(name, actor.token), probe.configuration(name, actor.token))
    return page(request, "operations/admin/service.html", service=status, configuration=configuration)


@get("/admin/jobs", guards=[guards.operators], include_in_schema=False)
async def jobs(request: Request, actor: Actor, state: State) -> Template:
    return await _jobs_shown(request, actor, state)


@post("/admin/jobs/{name:str}/{job:str}", guards=[guards.operators], include_in_schema=False)
async def run_job(request: Request, actor: Actor, state: State, name: str, job: str) -> Response[Any]:
    probe: StatusProbe = state.status_probe
    if name not in probe.names:
        raise NotFound
    toast = Toast(await probe.run_job(name, job, actor.token))
    if not wants_part(request):
        return see_with(request, "/admin/jobs", toast)
    return await _jobs_shown(request, actor, state, answer=toast)


@post("/admin/jobs/{name:str}/failing/{id:uuid}/discard", guards=[guards.operators], include_in_schema=False)
async def discard_work(request: Request, peers: Peers, name: str, id: UUID) -> Response[Any]:
    form = await request.form()
    reason = str(form.get("reason", "")).strip()
    if form.get("confirmed") != "yes" or len(reason) < 3:
        raise Invalid({"reason": "Say why, and tick the box: the work will never be done."})
    await peers.ask(name, "POST", f"/jobs/failing/{id}/discard", type(None), json={"reason": reason})
    return see_with(request, "/admin/jobs", Toast(f"The work of {name} is discarded."))


async def _jobs_shown(request: Request, actor: Actor, state: State, answer: Toast | None = None) -> Template:
    probe: StatusProbe = state.status_probe
    name = "operations/admin/jobs_found.html" if wants_part(request) else "operations/admin/jobs.html"
    return page(request, name, services=await probe.jobs(actor.token), answer=answer)


ROUTES: tuple[ControllerRouterHandler, ...] = (overview, jobs, run_job, discard_work, service)
