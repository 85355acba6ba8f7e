"""Admin: how the platform itself runs. Only operators have it; for everyone else it doesn't exist."""

import asyncio
from collections import Counter

from litestar import Request, get
from litestar.datastructures import State
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_portal.areas.operations.service_status import STATES, StatusProbe
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page, wants_part


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


ROUTES: tuple[ControllerRouterHandler, ...] = (overview, service)
