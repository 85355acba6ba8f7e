"""Admin: how the platform itself runs. Only operators have it; for everyone else it doesn't exist."""

import asyncio
from collections import Counter

from litestar import Request, get
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_portal import guards
from gatehouse_portal.pages import page, wants_part
from gatehouse_portal.watch import STATES, Watch


@get("/admin", guards=[guards.operators], include_in_schema=False)
async def overview(request: Request, actor: Actor, watch: Watch) -> Template:
    services = await watch.all(actor.token)
    counted = Counter(service.state for service in services)
    name = "admin/services.html" if wants_part(request) else "admin/overview.html"
    return page(request, name, services=services, counted=counted, states=STATES)


@get("/admin/{name:str}", guards=[guards.operators], include_in_schema=False)
async def service(request: Request, actor: Actor, watch: Watch, name: str) -> Template:
    if name not in watch.names:
        raise NotFound
    seen, configuration = await asyncio.gather(watch.one(name, actor.token), watch.configuration(name, actor.token))
    return page(request, "admin/service.html", service=seen, configuration=configuration)


ROUTES: list[ControllerRouterHandler] = [overview, service]
