"""Adding somebody, and their record: what they are called, how they stand, how they sign in, what they may do.

For coordinators and staff. What may be decided here, person and identity decide; the page says their words.
"""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Conflict, Invalid, NotFound
from gatehouse_portal.areas.people.record_structs import (
    AccountOfPerson,
    Grant,
    InvitationInList,
    PersonDetails,
    RecordedPerson,
)
from gatehouse_portal.areas.people.routes import EVERYBODY_SEEN_BY, FILTERS
from gatehouse_portal.enumerators import VALUES
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.format import ZONES
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Away, Peers, or_away
from gatehouse_portal.shell.structs import Page
from gatehouse_portal.shell.toast import Toast, see_with

by_staff = guards.pages_for(*EVERYBODY_SEEN_BY)
DETAILS = ("name", "preferred_name", "email", "phone", "location", "time_zone", "mastery", "specialty")
COORDINATED = ("member", "mentor")
"""Roles that a coordinator decides about; the others take an administrator."""
DECIDERS = ("coordinator", "admin")
MOST = 50
# Which statuses can follow which, as person has it; what it refuses all the same, the page says in its words.
AFTER = {
    "pending": ("onboarding", "inactive"),
    "onboarding": ("matching", "hold", "inactive"),
    "matching": ("active", "hold", "inactive"),
    "active": ("hold", "inactive"),
    "hold": ("matching", "active", "inactive"),
    "inactive": ("onboarding", "archived"),
    "timed_out": ("pending", "onboarding", "inactive", "archived"),
    "archived": ("inactive",),
}


class SignInOfPerson(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody signs in. `account` None: they can't, and nobody invited them."""

    account: AccountOfPerson | None
    invitation: InvitationInList | None
    grants: list[Grant]


@get("/people/new", guards=[by_staff], include_in_schema=False)
async def new(request: Request[Any, Any, Any]) -> Response[Any]:
    return _new(request, {})


@post("/people/new", guards=[by_staff], include_in_schema=False)
async def add(request: Request[Any, Any, Any], peers: Peers) -> Response[Any]:
    values = _values(await request.form())
    try:
        made = await peers.ask("person", "POST", "/api/person/people", RecordedPerson, json=_details(values))
    except Invalid as refused:
        return _new(request, values, {one.field: one.message for one in refused.errors})
    except Conflict as refused:
        return _new(request, values, {"email": refused.detail or "is somebody else’s"})
    text = f"{made.name} is added. Invite them when they are to sign in."
    return see_with(request, f"/people/{made.id}", Toast(text))


@get("/people/{id:uuid}", guards=[by_staff], include_in_schema=False)
async def record(request: Request[Any, Any, Any], peers: Peers, actor: Actor, id: UUID) -> Response[Any]:
    return await _record(request, peers, actor, id)


@post("/people/{id:uuid}", guards=[by_staff], include_in_schema=False)
async def change(request: Request[Any, Any, Any], peers: Peers, actor: Actor, id: UUID) -> Response[Any]:
    form = await request.form()
    values, version = _values(form), _version(form)
    body = _details(values)
    try:
        await peers.ask("person", "PATCH", f"/api/person/people/{id}", RecordedPerson, json=body, version=version)
    except Invalid as refused:
        errors = {one.field: one.message for one in refused.errors}
        return await _record(request, peers, actor, id, values=values, errors=errors)
    except Conflict as refused:
        return await _record(request, peers, actor, id, values=values, errors={"email": refused.detail})
    return see_with(request, f"/people/{id}", Toast("Saved."))


@post("/people/{id:uuid}/status", guards=[by_staff], include_in_schema=False)
async def move(request: Request[Any, Any, Any], peers: Peers, actor: Actor, id: UUID) -> Response[Any]:
    form = await request.form()
    body = {"status": str(form.get("status") or ""), "reason": str(form.get("reason") or "").strip() or None}
    if body["status"] not in VALUES["person"]["person_status"]:
        raise NotFound
    address = f"/api/person/people/{id}/status"
    try:
        await peers.ask("person", "POST", address, RecordedPerson, json=body, version=_version(form))
    except (Conflict, Invalid) as refused:
        return await _record(request, peers, actor, id, problem=refused.detail or "This status can’t be given now.")
    return see_with(request, f"/people/{id}", Toast("The status is changed."))


@post("/people/{id:uuid}/invite", guards=[by_staff], include_in_schema=False)
async def invite(request: Request[Any, Any, Any], peers: Peers, actor: Actor, id: UUID) -> Response[Any]:
    form = await request.form()
    person = await peers.get("person", f"/api/person/people/{id}", RecordedPerson)
    roles = [role for role in COORDINATED if form.get(role) == "on"]
    body = {"person_id": str(id), "name": person.name, "email": person.email, "roles": roles}
    try:
        await peers.ask("identity", "POST", "/api/identity/invitations", InvitationInList, json=body)
    except (Conflict, Invalid) as refused:
        return await _record(request, peers, actor, id, problem=refused.detail or "They can’t be invited.")
    return see_with(request, f"/people/{id}", Toast(f"{person.name} gets a mail with a link that works once."))


@post("/people/{id:uuid}/invitations/{invitation:uuid}/{what:str}", guards=[by_staff], include_in_schema=False)
async def decide(
    request: Request[Any, Any, Any], peers: Peers, actor: Actor, id: UUID, invitation: UUID, what: str
) -> Response[Any]:
    said = {"send-again": "The mail is on its way again, with a new link.", "withdraw": "The link no longer works."}
    if what not in said:
        raise NotFound
    address = f"/api/identity/invitations/{invitation}"
    version = _version(await request.form())
    try:
        if what == "send-again":
            await peers.ask("identity", "POST", f"{address}/send-again", InvitationInList, version=version)
        else:
            await peers.ask("identity", "POST", f"{address}/withdraw", InvitationInList, version=version)
    except Conflict as refused:
        return await _record(request, peers, actor, id, problem=refused.detail)
    return see_with(request, f"/people/{id}", Toast(said[what]))


@post("/people/{id:uuid}/grants", guards=[guards.pages_for(*DECIDERS)], include_in_schema=False)
async def grant(request: Request[Any, Any, Any], peers: Peers, actor: Actor, id: UUID) -> Response[Any]:
    form = await request.form()
    body = {
        "account_id": str(form.get("account_id") or ""),
        "role": str(form.get("role") or ""),
        "reason": str(form.get("reason") or "").strip(),
    }
    try:
        await peers.ask("identity", "POST", "/api/identity/role-grants", Grant, json=body)
    except (Conflict, Invalid) as refused:
        return await _record(request, peers, actor, id, problem=_said(refused))
    return see_with(request, f"/people/{id}", Toast("The role is granted. It counts from their next page on."))


@post("/people/{id:uuid}/grants/{grant_id:uuid}/revoke", guards=[guards.pages_for(*DECIDERS)], include_in_schema=False)
async def revoke(
    request: Request[Any, Any, Any], peers: Peers, actor: Actor, id: UUID, grant_id: UUID
) -> Response[Any]:
    form = await request.form()
    body = {"reason": str(form.get("reason") or "").strip()}
    address = f"/api/identity/role-grants/{grant_id}/revoke"
    try:
        await peers.ask("identity", "POST", address, Grant, json=body, version=_version(form))
    except (Conflict, Invalid) as refused:
        return await _record(request, peers, actor, id, problem=_said(refused))
    return see_with(request, f"/people/{id}", Toast("The role is revoked."))


def _new(
    request: Request[Any, Any, Any], values: dict[str, str], errors: dict[str, str] | None = None
) -> Response[Any]:
    status = 400 if errors else 200
    return page(
        request,
        "people/new.html",
        status=status,
        values=values,
        errors=errors or {},
        zones=ZONES,
        choices=FILTERS,
    )


async def _record(
    request: Request[Any, Any, Any],
    peers: Peers,
    actor: Actor,
    id: UUID,
    *,
    values: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    problem: str = "",
) -> Response[Any]:
    person, sign_in = await asyncio.gather(
        peers.get("person", f"/api/person/people/{id}", RecordedPerson), or_away(_sign_in_of(peers, actor, id))
    )
    shown = values or {name: getattr(person, name) or "" for name in DETAILS}
    roles = VALUES["identity"]["role"] if "admin" in actor.roles else COORDINATED
    held = {one.role for one in sign_in.grants if one.revoked_at is None} if isinstance(sign_in, SignInOfPerson) else ()
    return page(
        request,
        "people/record.html",
        status=400 if errors or problem else 200,
        person=person,
        values=shown,
        errors=errors or {},
        problem=problem,
        zones=sorted({*ZONES, *([person.time_zone] if person.time_zone else [])}),
        choices=FILTERS,
        after=AFTER.get(person.status or "", ()),
        sign_in=None if isinstance(sign_in, Away) else sign_in,
        away=sign_in if isinstance(sign_in, Away) else None,
        grantable=[one for one in roles if one not in held],
        invitable=COORDINATED,
        decides=actor.has(*DECIDERS),
        everything="admin" in actor.roles,
    )


async def _sign_in_of(peers: Peers, actor: Actor, id: UUID) -> SignInOfPerson | None:
    """None for who may not see it: staff who aren't coordinators."""
    if not actor.has(*DECIDERS):
        return None
    accounts, invitations = await asyncio.gather(
        peers.get("identity", "/api/identity/accounts", Page[AccountOfPerson], person=str(id), limit=MOST),
        peers.get("identity", "/api/identity/invitations", Page[InvitationInList], person=str(id), limit=MOST),
    )
    account = accounts.items[0] if accounts.items else None
    newest = sorted(invitations.items, key=lambda one: one.created_at)[-1:]
    grants: list[Grant] = []
    if account is not None:
        found = await peers.get(
            "identity", "/api/identity/role-grants", Page[Grant], account=str(account.id), limit=MOST
        )
        grants = sorted(found.items, key=lambda one: (one.revoked_at is not None, one.created_at))
    return SignInOfPerson(account=account, invitation=newest[0] if newest else None, grants=grants)


async def load_profile(request: Request[Any, Any, Any], actor: Actor, id: UUID) -> dict[str, Any] | None:
    """On a person's page, for those who keep the record."""
    del request
    return {"person_id": id} if actor.has(*EVERYBODY_SEEN_BY) else None


def _values(form: FormMultiDict) -> dict[str, str]:
    return {name: str(form.get(name) or "").strip() for name in DETAILS}


def _details(values: dict[str, str]) -> PersonDetails:
    return PersonDetails(
        name=values["name"],
        email=values["email"],
        preferred_name=values["preferred_name"] or None,
        phone=values["phone"] or None,
        location=values["location"] or None,
        time_zone=values["time_zone"] or None,
        mastery=values["mastery"] or "candidate",
        specialty=values["specialty"] or "generalist",
    )


def _version(form: FormMultiDict) -> int:
    text = str(form.get("version") or "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise NotFound
    return int(text)


def _said(refused: Conflict | Invalid) -> str:
    fields = "; ".join(f"{one.field}: {one.message}" for one in refused.errors)
    return fields or refused.detail or "This can’t be decided now."


ROUTES: tuple[ControllerRouterHandler, ...] = (new, add, record, change, move, invite, decide, grant, revoke)
