"""Signing up to learn here, for everybody: the page says the same whoever sends it."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.problems import Invalid
from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_portal.areas.joining.structs import FormOpened, Received, SignUpForm
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page, see
from gatehouse_portal.shell.peers import Peers

SENDING = anonymous(per_minute=10, at_once=10)
FIELDS = ("name", "email", "time_zone", "goal", "website", "form")
ZONES = sorted(
    zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "posix", "right"))
)


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
) -> Response[Any]:
    """With what was typed. A form that came too quickly keeps its token, so that it can be sent a moment later."""
    token = values.get("form", "")
    if not token or (errors and "open for too long" in errors.get("form", "")):
        token = (await peers.ask("intake", "GET", "/api/intake/form", FormOpened, token="")).form
    status = 400 if errors else 200
    return page(request, template, status=status, values=values, errors=errors or {}, opened=token, zones=ZONES)


ROUTES: tuple[ControllerRouterHandler, ...] = (join, send, sent)
