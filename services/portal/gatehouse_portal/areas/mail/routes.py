"""What is new for the reader, mails to look at; locally only, the mailbox of this machine."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_portal.areas.mail import home
from gatehouse_portal.areas.mail.structs import (
    Delivery,
    MailboxContent,
    MailboxEntry,
    Notification,
    ReadCount,
)
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.query import chosen
from gatehouse_portal.shell.structs import Page
from gatehouse_portal.shell.toast import Toast, see_with

PAGE_SIZE = 40
# What a coordinator decides about a mail, and what the toast says.
DECISIONS = {"send-again": "The mail is being sent again.", "settle": "Noted that the mail arrived."}


async def only_local(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
    """Answers 404 outside the local environment, before anything is asked; communication refuses it there, too."""
    del handler
    if connection.app.state.service.environment != "local":
        raise NotFound


@get("/mail", guards=[only_local, guards.visitor], include_in_schema=False)
async def mailbox(request: Request[Any, Any, Any], peers: Peers) -> Template:
    """Mails of this machine, which went nowhere."""
    mails = await peers.ask("communication", "GET", "/api/communication/mailbox", list[MailboxEntry], token="")
    return page(request, "mail/mailbox.html", mails=mails)


@get("/mail/{id:uuid}", guards=[only_local, guards.visitor], include_in_schema=False)
async def mail(request: Request[Any, Any, Any], peers: Peers, id: UUID) -> Template:
    found = await peers.ask("communication", "GET", f"/api/communication/mailbox/{id}", MailboxContent, token="")
    return page(request, "mail/mail.html", mail=found)


@get("/notifications", guards=[guards.person], include_in_schema=False)
async def news(request: Request[Any, Any, Any], peers: Peers, actor: Actor) -> Template:
    if actor.person is None:
        raise NotFound
    query = chosen(request, "cursor")
    shown_at = datetime.now(UTC).isoformat()
    address = "/api/communication/notifications"
    found = await peers.get("communication", address, Page[Notification], limit=PAGE_SIZE, total="true", **query)
    words = await home.in_words(peers, found.items, actor)
    unread = any(one.read_at is None for one in found.items)
    return page(request, "mail/news.html", news=words, listed=found, query=query, unread=unread, shown_at=shown_at)


@post("/notifications/read", guards=[guards.person], include_in_schema=False)
async def read_news(request: Request[Any, Any, Any], peers: Peers) -> Response[Any]:
    form = await request.form()
    until = {"until": str(form.get("until", ""))}
    count = await peers.ask("communication", "POST", "/api/communication/notifications/read", ReadCount, json=until)
    text = "1 is read now." if count.read == 1 else f"{count.read} are read now."
    return see_with(request, "/notifications", Toast(text))


@post(
    "/deliveries/{id:uuid}/{decision:str}", guards=[guards.pages_for("coordinator", "finance")], include_in_schema=False
)
async def decide(request: Request[Any, Any, Any], peers: Peers, id: UUID, decision: str) -> Response[Any]:
    if decision not in DECISIONS:
        raise NotFound
    form = await request.form()
    version = str(form.get("version", ""))
    if not (version.isascii() and version.isdigit() and len(version) < 10):
        raise NotFound
    address = f"/api/communication/deliveries/{id}/settle"
    if decision == "send-again":
        address = f"/api/communication/deliveries/{id}/send-again"
    await peers.ask("communication", "POST", address, Delivery, version=int(version))
    return see_with(request, "/", Toast(DECISIONS[decision]))


ROUTES: tuple[ControllerRouterHandler, ...] = (mailbox, mail, news, read_news, decide)
