"""Becoming a mentor: the form for everybody, the click in the mail, and what coordinators decide."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.problems import Invalid, NotFound
from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_portal.areas.joining.board import by_coordinators, version_of
from gatehouse_portal.areas.joining.routes import form_page
from gatehouse_portal.areas.joining.structs import Application, ApplicationForm, Received
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page, see
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.toast import Toast, see_with

SENDING = anonymous(per_minute=10, at_once=10)
CLICKS = anonymous(per_minute=30, at_once=20)
FIELDS = ("name", "email", "knows", "hours_month", "time_zone", "why", "website", "form")
DECIDED = {
    "accept": "{} becomes a mentor, and gets the welcome mail.",
    "decline": "The application of {} is declined. Nothing was sent.",
    "retry": "The admission of {} goes on. Look again in a moment.",
}
TEMPLATE = "joining/become.html"
HOURS = "takes a number of hours from 1 to 200"


@get("/become-a-mentor", guards=[guards.visitor], include_in_schema=False)
async def become(request: Request[Any, Any, Any], peers: Peers) -> Response[Any]:
    return await form_page(request, peers, TEMPLATE, {})


@post("/become-a-mentor", guards=[guards.visitor, SENDING], include_in_schema=False)
async def apply(request: Request[Any, Any, Any], peers: Peers) -> Response[Any]:
    form = await request.form()
    values = {name: str(form.get(name) or "").strip() for name in FIELDS}
    hours = values["hours_month"]
    if not (hours.isascii() and hours.isdigit() and len(hours) < 4 and 1 <= int(hours) <= 200):
        return await form_page(request, peers, TEMPLATE, values, {"hours_month": HOURS})
    body = ApplicationForm(
        form=values["form"],
        name=values["name"],
        email=values["email"],
        knows=values["knows"],
        hours_month=int(hours),
        time_zone=values["time_zone"] or None,
        why=values["why"] or None,
        website=values["website"],
    )
    try:
        await peers.ask("intake", "POST", "/api/intake/applications", Received, json=body, token="")
    except Invalid as refused:
        errors = {one.field: one.message for one in refused.errors}
        return await form_page(request, peers, TEMPLATE, values, errors)
    return see("/become-a-mentor/sent")


@get("/become-a-mentor/sent", guards=[guards.visitor], include_in_schema=False)
async def sent(request: Request[Any, Any, Any]) -> Response[Any]:
    return page(request, "joining/applied.html")


@get("/become-a-mentor/confirm/{token:str}", guards=[guards.visitor, CLICKS], include_in_schema=False)
async def ask(request: Request[Any, Any, Any], token: str) -> Response[Any]:
    """Opening it confirms nothing: mail programs follow links by themselves."""
    return page(request, "joining/confirm.html", link=token, done=False, gone=False)


@post("/become-a-mentor/confirm/{token:str}", guards=[guards.visitor, CLICKS], include_in_schema=False)
async def confirm(request: Request[Any, Any, Any], peers: Peers, token: str) -> Response[Any]:
    try:
        await peers.ask("intake", "POST", "/api/intake/applications/confirm", Received, json={"token": token}, token="")
    except (NotFound, Invalid):
        return page(request, "joining/confirm.html", status=404, link="", done=False, gone=True)
    return page(request, "joining/confirm.html", link="", done=True, gone=False)


@post("/joining/applications/{id:uuid}/{what:str}", guards=[by_coordinators], include_in_schema=False)
async def decide(request: Request[Any, Any, Any], peers: Peers, id: UUID, what: str) -> Response[Any]:
    version = version_of(await request.form())
    address = f"/api/intake/applications/{id}"
    if what == "accept":
        done = await peers.ask("intake", "POST", f"{address}/accept", Application, version=version)
    elif what == "decline":
        done = await peers.ask("intake", "POST", f"{address}/decline", Application, version=version)
    elif what == "retry":
        done = await peers.ask("intake", "POST", f"{address}/retry", Application, version=version)
    else:
        raise NotFound
    return see_with(request, "/joining", Toast(DECIDED[what].format(done.name)))


ROUTES: tuple[ControllerRouterHandler, ...] = (become, apply, sent, ask, confirm, decide)
