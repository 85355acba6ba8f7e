"""Which mails the reader gets, and in which language: on the page of the account, and on one of its own."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.toast import Toast, see_with

PAGE = "/account/mail"
LOCALES = {"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français", "pt": "Português", "ar": "العربية"}
# Kinds of mail that one may decline, and how they are offered.
OPTIONAL = {
    "intro_reminder": "A reminder when your introduction isn’t scheduled after a week",
    "mentoring_started": "Who your new mentor or member is",
    "meeting_reminder": "A reminder the day before a meeting",
    "meeting_summary": "That a meeting has a summary",
    "certificate_issued": "That you have a new certificate",
    "weekly_digest": "Once a week, that there is news you haven’t looked at",
}


class OwnMailChoice(msgspec.Struct, frozen=True, kw_only=True):
    """As communication answers it."""

    locale: str = "en"
    declined: list[str] = []


@get(PAGE, guards=[guards.person], include_in_schema=False)
async def choices(request: Request[Any, Any, Any], peers: Peers, actor: Actor) -> Template:
    if actor.person is None:
        raise NotFound
    choice = await peers.get("communication", f"/api/communication/people/{actor.person}/mail-choice", OwnMailChoice)
    return page(request, "account/mails.html", choice=choice, optional=OPTIONAL, locales=LOCALES)


@post(PAGE, guards=[guards.person], include_in_schema=False)
async def choose(request: Request[Any, Any, Any], peers: Peers, actor: Actor) -> Response[Any]:
    """A box that is ticked is a mail that the reader gets. A language that isn't offered stays as it was."""
    if actor.person is None:
        raise NotFound
    form = await request.form()
    address = f"/api/communication/people/{actor.person}/mail-choice"
    before = await peers.get("communication", address, OwnMailChoice)
    locale = str(form.get("locale") or "")
    body = {
        "locale": locale if locale in LOCALES else before.locale,
        "declined": [kind for kind in OPTIONAL if form.get(kind) != "on"],
    }
    await peers.ask("communication", "PUT", address, OwnMailChoice, json=body)
    back = "/account" if form.get("back") == "/account" else PAGE
    return see_with(request, back, Toast("Your choice is saved."))


ROUTES: tuple[ControllerRouterHandler, ...] = (choices, choose)
