"""The reader's own account: where they are signed in, how they are called, their time zone, their mails."""

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import ApiProblem, Invalid, NotFound
from gatehouse_chassis.http.guards import RECENT, is_recent
from gatehouse_portal.areas.account.mails import LOCALES, OPTIONAL, OwnMailChoice
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.format import ZONES
from gatehouse_portal.shell.page import page, see
from gatehouse_portal.shell.peers import Away, Peers, or_away
from gatehouse_portal.shell.sessions import COOKIE, SessionStore
from gatehouse_portal.shell.toast import Toast, see_with

PAGE = "/account"
# Who has no other role meets nothing that takes a recent sign-in.
LITTLE = frozenset({"member", "mentor", "partner", "board"})
OWN = ("preferred_name", "phone", "location", "time_zone")


class OwnSession(msgspec.Struct, frozen=True, kw_only=True):
    """As identity answers it."""

    id: UUID
    method: str
    created_at: datetime
    refreshed_at: datetime
    ends_at: datetime


class OwnAccount(msgspec.Struct, frozen=True, kw_only=True):
    """As identity answers it."""

    name: str
    email: str | None = None
    session_id: UUID | None = None


class OwnPerson(msgspec.Struct, frozen=True, kw_only=True):
    """As person answers it."""

    version: int
    preferred_name: str | None = None
    phone: str | None = None
    location: str | None = None
    time_zone: str | None = None


@get(PAGE, guards=[guards.person], include_in_schema=False)
async def account(request: Request[Any, Any, Any], peers: Peers, actor: Actor) -> Response[Any]:
    return await _account(request, peers, actor)


@post(PAGE, guards=[guards.person], include_in_schema=False)
async def save(request: Request[Any, Any, Any], peers: Peers, actor: Actor) -> Response[Any]:
    if actor.person is None:
        raise NotFound
    form = await request.form()
    values = {name: str(form.get(name) or "").strip() for name in OWN}
    body = {
        "preferred_name": values["preferred_name"] or None,
        "phone": values["phone"] or None,
        "location": values["location"] or None,
        "time_zone": values["time_zone"] or None,
    }
    try:
        path = f"/api/person/people/{actor.person}"
        await peers.ask("person", "PATCH", path, OwnPerson, json=body, version=_version(form.get("version")))
    except Invalid as refused:
        errors = {one.field: one.message for one in refused.errors}
        return await _account(request, peers, actor, values=values, errors=errors)
    return see_with(request, PAGE, Toast("Saved."))


@post(f"{PAGE}/sessions/{{id:uuid}}/end", guards=[guards.person], include_in_schema=False)
async def end(request: Request[Any, Any, Any], peers: Peers, id: UUID) -> Response[Any]:
    await peers.ask("identity", "DELETE", f"/api/identity/sessions/{id}", type(None))
    return see_with(request, PAGE, Toast("Signed out there. It takes effect within a minute."))


@post(f"{PAGE}/sign-out-everywhere", guards=[guards.person], include_in_schema=False)
async def end_all(request: Request[Any, Any, Any], peers: Peers, sessions: SessionStore) -> Response[Any]:
    """The others first: whoever asks for it must be able to ask again where one of them couldn't be ended."""
    found, me = await asyncio.gather(
        peers.get("identity", "/api/identity/sessions", list[OwnSession]),
        peers.get("identity", "/api/identity/me", OwnAccount),
    )
    for one in found:
        if one.id != me.session_id:
            with contextlib.suppress(NotFound):  # it ended meanwhile
                await peers.ask("identity", "DELETE", f"/api/identity/sessions/{one.id}", type(None))
    session = guards.session_of(request)
    if session is not None:
        with contextlib.suppress(ApiProblem):
            await peers.ask("identity", "DELETE", "/api/identity/sessions/current", type(None))
        await sessions.end(session)
    answer = see("/sign-in")
    answer.delete_cookie(COOKIE)
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


async def _account(
    request: Request[Any, Any, Any],
    peers: Peers,
    actor: Actor,
    *,
    values: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Response[Any]:
    sessions, me = await asyncio.gather(
        or_away(peers.get("identity", "/api/identity/sessions", list[OwnSession])),
        or_away(peers.get("identity", "/api/identity/me", OwnAccount)),
    )
    person, choice = None, None
    if actor.person is not None:
        person, choice = await asyncio.gather(
            peers.get("person", f"/api/person/people/{actor.person}", OwnPerson),
            or_away(peers.get("communication", f"/api/communication/people/{actor.person}/mail-choice", OwnMailChoice)),
        )
    shown = values or ({name: getattr(person, name) or "" for name in OWN} if person else {})
    return page(
        request,
        "account/settings.html",
        status=400 if errors else 200,
        sessions=None if isinstance(sessions, Away) else sessions,
        me=None if isinstance(me, Away) else me,
        person=person,
        values=shown,
        errors=errors or {},
        zones=sorted({*ZONES, *([shown["time_zone"]] if shown.get("time_zone") else [])}),
        choice=None if isinstance(choice, Away) else choice,
        optional=OPTIONAL,
        locales=LOCALES,
        recent_until=datetime.fromtimestamp(actor.signed_in_at + RECENT, UTC) if is_recent(actor) else None,
        steps_up=bool(actor.roles - LITTLE),
    )


def _version(text: object) -> int:
    if not (isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 10):
        raise NotFound
    return int(text)


ROUTES: tuple[ControllerRouterHandler, ...] = (account, save, end, end_all)
