"""Admin, events: which service follows which, how far behind it is, and what waits for a person."""

import asyncio
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.datastructures import State
from litestar.response import Response, Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Invalid
from gatehouse_portal.areas.operations.service_status import StatusProbe
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.toast import Toast, see_with

PATH = "/admin/events"
ONE = "{consumer:str}/{producer:str}/{id:uuid}"


@get(PATH, guards=[guards.operators], include_in_schema=False)
async def followed(request: Request, actor: Actor, state: State) -> Template:
    probe: StatusProbe = state.status_probe
    asked = await asyncio.gather(*(probe.followed(name, actor.token) for name in probe.names))
    feeds = [(name, feed) for name, found in zip(probe.names, asked, strict=True) for feed in found or ()]
    return page(request, "operations/admin/events.html", feeds=feeds)


@post(f"{PATH}/{ONE}/retry", guards=[guards.operators], include_in_schema=False)
async def retry(request: Request, peers: Peers, consumer: str, producer: str, id: UUID) -> Response[Any]:
    await peers.ask(consumer, "POST", f"/followed/{producer}/{id}/retry", type(None))
    return see_with(request, PATH, Toast(f"The event of {producer} is tried again now."))


@post(f"{PATH}/{ONE}/discard", guards=[guards.operators], include_in_schema=False)
async def discard(request: Request, peers: Peers, consumer: str, producer: str, id: UUID) -> Response[Any]:
    form = await request.form()
    reason = str(form.get("reason", "")).strip()
    if form.get("confirmed") != "yes" or len(reason) < 3:
        raise Invalid({"reason": "Say why, and tick the box: the event will never be handled."})
    await peers.ask(consumer, "POST", f"/followed/{producer}/{id}/discard", type(None), json={"reason": reason})
    return see_with(request, PATH, Toast(f"The event of {producer} is discarded."))


ROUTES: tuple[ControllerRouterHandler, ...] = (followed, retry, discard)
