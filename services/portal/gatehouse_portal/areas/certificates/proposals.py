"""Proposing a certificate on a member's page, and confirming what somebody else proposed."""

import asyncio
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Conflict, Forbidden, Invalid, NotFound
from gatehouse_portal.areas.certificates.structs import Achievement, Award, NamedPerson, OfferedEvidence
from gatehouse_portal.areas.certificates.view import achievements_of, of_form, said, version_of
from gatehouse_portal.enumerators import VALUES
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.structs import Page
from gatehouse_portal.shell.toast import Toast, see_with

SEEN_BY = ("mentor", "coordinator", "staff")
COORDINATORS = ("coordinator", "staff")
by_mentors = guards.pages_for(*SEEN_BY)
MOST = 100
PROPOSALS = "/certificates"


@get("/members/{person_id:uuid}/certificates/new", guards=[by_mentors], include_in_schema=False)
async def propose(request: Request[Any, Any, Any], peers: Peers, person_id: UUID) -> Response[Any]:
    chosen = request.query_params.get("achievement", "")
    return await _form(request, peers, person_id, chosen)


@post("/members/{person_id:uuid}/certificates", guards=[by_mentors], include_in_schema=False)
async def proposed(request: Request[Any, Any, Any], peers: Peers, person_id: UUID) -> Response[Any]:
    form = await request.form()
    achievement = str(form.get("achievement") or "")
    evidence = [_chosen(one) for one in form.getall("evidence", [])]
    body = {
        "person_id": str(person_id),
        "achievement_id": achievement,
        "evidence": [one for one in evidence if one is not None],
        "note": str(form.get("note") or "").strip() or None,
    }
    try:
        await peers.ask("credential", "POST", "/api/credential/awards", Award, json=body)
    except (Conflict, Forbidden, Invalid) as refused:
        return await _form(request, peers, person_id, achievement, problem=said(refused))
    return see_with(request, f"/members/{person_id}", Toast("Proposed. Somebody else confirms it."))


@get(PROPOSALS, guards=[by_mentors], include_in_schema=False)
async def proposals(request: Request[Any, Any, Any], peers: Peers, actor: Actor) -> Response[Any]:
    return await _list(request, peers, actor)


@post(f"{PROPOSALS}/{{id:uuid}}/{{what:str}}", guards=[by_mentors], include_in_schema=False)
async def decide(request: Request[Any, Any, Any], peers: Peers, actor: Actor, id: UUID, what: str) -> Response[Any]:
    form = await request.form()
    done = {"confirm": "Issued. The member gets a mail.", "decline": "Declined.", "revoke": "Revoked."}
    if what not in done:
        raise NotFound
    reason = {"reason": str(form.get("reason") or "").strip()}
    level = {"mastery": of_form(form, "mastery", VALUES["person"]["mastery"]) or None}
    version = version_of(form)
    address = f"/api/credential/awards/{id}"
    try:
        if what == "confirm":
            await peers.ask("credential", "POST", f"{address}/confirm", Award, json=level, version=version)
        elif what == "decline":
            await peers.ask("credential", "POST", f"{address}/decline", Award, json=reason, version=version)
        else:
            await peers.ask("credential", "POST", f"{address}/revoke", Award, json=reason, version=version)
    except (Conflict, Forbidden, Invalid) as refused:
        return await _list(request, peers, actor, problem=said(refused))
    return see_with(request, PROPOSALS, Toast(done[what]))


async def load_home(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """What waits for a confirmation that the reader may give."""
    if not actor.has(*SEEN_BY) or actor.person is None:
        return None
    waiting = await _waiting(request.app.state.peers)
    mine = [one for one in waiting if actor.person not in (one.proposed_by, one.person_id)]
    if not mine:
        return None
    return {"awards": mine[:5], "total": len(mine), "achievements": await achievements_of(request, mine)}


async def _list(request: Request[Any, Any, Any], peers: Peers, actor: Actor, *, problem: str = "") -> Response[Any]:
    waiting = await _waiting(peers)
    return page(
        request,
        "certificates/proposals.html",
        status=400 if problem else 200,
        waiting=waiting,
        achievements=await achievements_of(request, waiting),
        me=actor.person,
        raises=actor.has(*COORDINATORS),
        levels=VALUES["person"]["mastery"],
        problem=problem,
    )


async def _waiting(peers: Peers) -> list[Award]:
    found = await peers.get("credential", "/api/credential/awards", Page[Award], state="proposed", limit=MOST)
    return found.items


async def _form(
    request: Request[Any, Any, Any], peers: Peers, person_id: UUID, chosen: str, *, problem: str = ""
) -> Response[Any]:
    person, offered = await asyncio.gather(
        peers.get("person", f"/api/person/people/{person_id}", NamedPerson),
        peers.get("credential", "/api/credential/achievements", Page[Achievement], limit=MOST),
    )
    one = next((one for one in offered.items if str(one.id) == chosen), None)
    evidence = None
    if one is not None:
        path = f"/api/credential/awards/evidence/{person_id}/{one.id}"
        evidence = await peers.get("credential", path, OfferedEvidence)
    return page(
        request,
        "certificates/propose.html",
        status=400 if problem else 200,
        person=person,
        achievements=offered.items,
        chosen=one,
        evidence=evidence,
        problem=problem,
    )


def _chosen(value: Any) -> dict[str, str] | None:
    """One of the evidence, as the form names it."""
    kind, _, id = str(value).partition(" ")
    try:
        return {"kind": kind, "id": str(UUID(id))}
    except ValueError:
        return None


ROUTES: tuple[ControllerRouterHandler, ...] = (propose, proposed, proposals, decide)
