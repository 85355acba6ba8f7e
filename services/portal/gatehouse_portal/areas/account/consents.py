"""What the reader consented to: each text, since when, and a way to give or withdraw it."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Template

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_portal.enumerators import VALUES
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.structs import Page
from gatehouse_portal.shell.toast import Toast, see_with

PAGE = "/account/consents"
MOST = 200


class ShownDocument(msgspec.Struct, frozen=True, kw_only=True):
    """As person answers it."""

    kind: str
    version: str
    title: str
    text: str


class GivenConsent(msgspec.Struct, frozen=True, kw_only=True):
    """As person answers it."""

    id: UUID
    version: int
    kind: str
    document_version: str
    given_at: datetime
    withdrawn_at: datetime | None = None


class ConsentChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A text, the consent to it that stands, and those of before."""

    document: ShownDocument
    standing: GivenConsent | None
    before: list[GivenConsent]


@get(PAGE, guards=[guards.person], include_in_schema=False)
async def consents(request: Request[Any, Any, Any], peers: Peers, actor: Actor) -> Template:
    documents, given = await _of(peers, actor)
    choices = [
        ConsentChoice(
            document=document,
            standing=next((one for one in given if one.kind == document.kind and one.withdrawn_at is None), None),
            before=[one for one in given if one.kind == document.kind and one.withdrawn_at is not None],
        )
        for document in documents
    ]
    return page(request, "account/consents.html", choices=choices)


@post(f"{PAGE}/{{kind:str}}/give", guards=[guards.person], include_in_schema=False)
async def give(request: Request[Any, Any, Any], peers: Peers, actor: Actor, kind: str) -> Response[Any]:
    """To the version that the page showed: person refuses one that was replaced meanwhile."""
    if actor.person is None or kind not in VALUES["person"]["consent_kind"]:
        raise NotFound
    form = await request.form()
    body = {"kind": kind, "document_version": str(form.get("document_version", ""))}
    where = f"/api/person/people/{actor.person}/consents"
    await peers.ask("person", "POST", where, GivenConsent, json=body)
    return see_with(request, PAGE, Toast("Your consent is noted."))


@post(f"{PAGE}/{{id:uuid}}/withdraw", guards=[guards.person], include_in_schema=False)
async def withdraw(request: Request[Any, Any, Any], peers: Peers, actor: Actor, id: UUID) -> Response[Any]:
    if actor.person is None:
        raise NotFound
    form = await request.form()
    version = str(form.get("version", ""))
    if not (version.isascii() and version.isdigit() and len(version) < 10):
        raise NotFound
    where = f"/api/person/people/{actor.person}/consents/{id}/withdraw"
    await peers.ask("person", "POST", where, GivenConsent, version=int(version))
    return see_with(request, PAGE, Toast("Your consent is withdrawn."))


async def _of(peers: Peers, actor: Actor) -> tuple[list[ShownDocument], list[GivenConsent]]:
    if actor.person is None:
        raise NotFound
    documents, given = await asyncio.gather(
        peers.get("person", "/api/person/consent-documents", list[ShownDocument]),
        peers.get("person", f"/api/person/people/{actor.person}/consents", Page[GivenConsent], limit=MOST),
    )
    return documents, given.items
