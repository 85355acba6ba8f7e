"""Becoming a mentor: the form for everybody, the click in the mail, and what coordinators decide."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.problems import Invalid, NotFound
from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_portal.areas.joining.board import by_coordinators, version_of
from gatehouse_portal.areas.joining.routes import form_page
from gatehouse_portal.areas.joining.structs import Application, ApplicationForm, Received, ShownText
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page, see
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.toast import Toast, see_with

SENDING = anonymous(per_minute=10, at_once=10)
CLICKS = anonymous(per_minute=30, at_once=20)
FIELDS = ("name", "email", "knows", "hours_month", "time_zone", "why", "website", "form", "proof")
DECIDED = {
    "accept": "{} becomes a mentor, and gets the welcome mail.",
    "decline": "The application of {} is declined. Nothing was sent.",
    "retry": "The admission of {} goes on. Look again in a moment.",
}
NEEDED = ("code_of_conduct", "data_processing")
ASKED = (*NEEDED, "newsletter")
TEMPLATE = "joining/become.html"
HOURS = "takes a number of hours from 1 to 200"


@get("/become-a-mentor", guards=[guards.visitor], include_in_schema=False)
async def become(request: Request[Any, Any, Any], peers: Peers) -> Response[Any]:
    return await _form(request, peers, {})


@post("/become-a-mentor", guards=[guards.visitor, SENDING], include_in_schema=False)
async def apply(request: Request[Any, Any, Any], peers: Peers) -> Response[Any]:
    form = await request.form()
    values = {name: str(form.get(name) or "").strip() for name in FIELDS}
    values |= {f"consent_{kind}": str(form.get(f"consent_{kind}") or "")[:200] for kind in ASKED}
    hours = values["hours_month"]
    if not (hours.isascii() and hours.isdigit() and len(hours) < 4 and 1 <= int(hours) <= 200):
        return await _form(request, peers, values, {"hours_month": HOURS})
    body = ApplicationForm(
        form=values["form"],
        name=values["name"],
        email=values["email"],
        knows=values["knows"],
        hours_month=int(hours),
        time_zone=values["time_zone"] or None,
        why=values["why"] or None,
        website=values["website"],
        consents=[
            {"kind": kind, "document_version": values[f"consent_{kind}"]} for kind in ASKED if values[f"consent_{kind}"]
        ],
        proof=values["proof"],
    )
    try:
        await peers.ask("intake", "POST", "/api/intake/applications", Received, json=body, token="")
    except Invalid as refused:
        errors = {one.field: one.message for one in refused.errors}
        return await _form(request, peers, values, errors)
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


async def _form(
    request: Request[Any, Any, Any],
    peers: Peers,
    values: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
) -> Response[Any]:
    """With the texts that one agrees to, as person has them now."""
    found = await peers.ask("person", "GET", "/api/person/consent-documents", list[ShownText], token="")
    documents = [one for kind in ASKED for one in found if one.kind == kind]
    return await form_page(request, peers, TEMPLATE, values, errors, documents=documents, needed=NEEDED)


ROUTES: tuple[ControllerRouterHandler, ...] = (become, apply, sent, ask, confirm, decide)
