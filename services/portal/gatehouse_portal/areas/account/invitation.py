"""Where a one-time link leads: whom it is for, whether it is still good, and how to sign in with it.

Opening the page uses nothing: mail programs follow links by themselves.
"""

from typing import Any, Literal

import msgspec
from litestar import Request, Response, get, post

from gatehouse_chassis.base.problems import Conflict, Invalid, NotFound
from gatehouse_portal.areas.account.routes import STRANGERS, signed_in_page
from gatehouse_portal.areas.account.structs import SignInOptions
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.sessions import IssuedTokens, SessionStore

STATES = {
    "used": "This link was used already. Sign in as you did then.",
    "expired": "This link has run out. Answer the mail that it came with, and a coordinator sends you another.",
    "withdrawn": "This link is no longer good. Answer the mail that it came with.",
    "unknown": "This link is no longer good: maybe you have a newer mail with another one.",
}


class InvitationShown(msgspec.Struct, frozen=True):
    """As identity answers it."""

    name: str
    state: Literal["open", "expired", "used", "withdrawn"]


@get("/welcome/{token:str}", guards=[guards.visitor, STRANGERS], include_in_schema=False)
async def welcome(request: Request[Any, Any, Any], peers: Peers, token: str) -> Response[Any]:
    try:
        found = await peers.ask(
            "identity", "POST", "/api/identity/invitations/look", InvitationShown, json={"token": token}, token=""
        )
    except (NotFound, Invalid):
        return _answer(request, "unknown")
    if found.state != "open":
        return _answer(request, found.state)
    options = await peers.ask("identity", "GET", "/api/identity/sign-in/options", SignInOptions, token="")
    return page(request, "account/welcome.html", invited=found, link=token, options=options, problem="")


@post("/welcome/{token:str}", guards=[guards.visitor, STRANGERS], include_in_schema=False)
async def accept(request: Request[Any, Any, Any], peers: Peers, sessions: SessionStore, token: str) -> Response[Any]:
    """Locally, where there may be no provider: identity refuses it anywhere else, and so do we."""
    if request.app.state.service.environment != "local":
        raise NotFound
    body = {"token": token}
    try:
        tokens = await peers.ask(
            "identity", "POST", "/api/identity/invitations/sessions", IssuedTokens, json=body, token=""
        )
    except (NotFound, Invalid, Conflict):
        return _answer(request, "unknown")
    return await signed_in_page(request, sessions, tokens, "/")


def _answer(request: Request[Any, Any, Any], state: str) -> Response[Any]:
    status = 404 if state == "unknown" else 410
    return page(request, "account/welcome.html", status=status, invited=None, problem=STATES[state])
