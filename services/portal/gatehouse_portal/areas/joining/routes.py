"""Signing up to learn here, for everybody: the page says the same whoever sends it."""

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.problems import Invalid
from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_portal.areas.joining.structs import FormOpened, Received, SignUpForm
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.format import ZONES
from gatehouse_portal.shell.page import page, see
from gatehouse_portal.shell.peers import Peers

SENDING = anonymous(per_minute=10, at_once=10)
FIELDS = ("name", "email", "time_zone", "goal", "website", "form", "proof")


@get("/join", guards=[guards.visitor], include_in_schema=False)
async def join(request: Request[Any, Any, Any], peers: Peers) -> Response[Any]:
    return await form_page(request, peers, "joining/join.html", {})


@post("/join", guards=[guards.visitor, SENDING], include_in_schema=False)
async def send(request: Request[Any, Any, Any], peers: Peers) -> Response[Any]:
    form = await request.form()
    values = {name: str(form.get(name) or "").strip() for name in FIELDS}
    body = SignUpForm(
        form=values["form"],
        name=values["name"],
        email=values["email"],
        time_zone=values["time_zone"] or None,
        goal=values["goal"] or None,
        website=values["website"],
        proof=values["proof"],
    )
    try:
        await peers.ask("intake", "POST", "/api/intake/sign-ups", Received, json=body, token="")
    except Invalid as refused:
        errors = {one.field: one.message for one in refused.errors}
        return await form_page(request, peers, "joining/join.html", values, errors)
    return see("/join/sent")


@get("/join/sent", guards=[guards.visitor], include_in_schema=False)
async def sent(request: Request[Any, Any, Any]) -> Response[Any]:
    return page(request, "joining/sent.html")


async def form_page(
    request: Request[Any, Any, Any],
    peers: Peers,
    template: str,
    values: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
    **more: Any,
) -> Response[Any]:
    """With what was typed. A form that came too quickly keeps its token, so that it can be sent a moment later."""
    token = "" if errors and "open for too long" in errors.get("form", "") else values.get("form", "")
    params = {"form": token} if token else None
    try:
        opened = await peers.ask("intake", "GET", "/api/intake/form", FormOpened, params=params, token="")
    except Invalid:  # a token that isn't ours
        opened = await peers.ask("intake", "GET", "/api/intake/form", FormOpened, token="")
    return page(
        request,
        template,
        status=400 if errors else 200,
        values=values,
        errors=errors or {},
        opened=opened.form,
        puzzle=opened.puzzle,
        zones=ZONES,
        **more,
    )


ROUTES: tuple[ControllerRouterHandler, ...] = (join, send, sent)
