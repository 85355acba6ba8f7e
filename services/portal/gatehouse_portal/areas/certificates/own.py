"""What somebody has achieved: on their page, and for themself who may see it."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Conflict
from gatehouse_portal.areas.certificates.proposals import COORDINATORS
from gatehouse_portal.areas.certificates.public import as_file, json_file, linkedin_address
from gatehouse_portal.areas.certificates.structs import Award, Credential, CredentialJwt
from gatehouse_portal.areas.certificates.view import achievements_of, of_form, version_of
from gatehouse_portal.enumerators import VALUES
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page, see
from gatehouse_portal.shell.peers import Peers, or_none
from gatehouse_portal.shell.structs import Page
from gatehouse_portal.shell.toast import Toast, see_with

MOST = 100
VISIBILITY = VALUES["credential"]["award_visibility"]


@get("/certificates/{id:uuid}", guards=[guards.person], include_in_schema=False)
async def mine(request: Request[Any, Any, Any], peers: Peers, actor: Actor, id: UUID) -> Response[Any]:
    """For the member, also while nobody else sees it; for their mentor and coordinators."""
    found = await peers.get("credential", f"/api/credential/awards/{id}/credential", Credential)
    award = await peers.get("credential", f"/api/credential/awards/{id}", Award)
    own = award.person_id is not None and actor.is_person(award.person_id)
    url = request.app.state.service.public_url
    return page(
        request,
        "certificates/mine.html",
        found=found,
        award=award,
        own=own,
        linkedin=linkedin_address(found, url) if own and found.visibility != "private" else None,
        choices=VISIBILITY,
        revokes=actor.has(*COORDINATORS) and award.state == "issued",
    )


@post("/certificates/{id:uuid}/visibility", guards=[guards.person], include_in_schema=False)
async def show(request: Request[Any, Any, Any], peers: Peers, id: UUID) -> Response[Any]:
    form = await request.form()
    body = {"visibility": of_form(form, "visibility", VISIBILITY) or "private"}
    address = f"/api/credential/awards/{id}/visibility"
    try:
        await peers.ask("credential", "POST", address, Award, json=body, version=version_of(form))
    except Conflict:
        return see(f"/certificates/{id}")
    return see_with(request, f"/certificates/{id}", Toast("Saved. Your choice counts within a minute."))


@get("/certificates/{id:uuid}/file.json", guards=[guards.person], include_in_schema=False)
async def my_file(peers: Peers, id: UUID) -> Response[bytes]:
    return json_file(await peers.get("credential", f"/api/credential/awards/{id}/credential", Credential))


@get("/certificates/{id:uuid}/file.jwt", guards=[guards.person], include_in_schema=False)
async def my_jwt(peers: Peers, id: UUID) -> Response[bytes]:
    found = await peers.get("credential", f"/api/credential/awards/{id}/jwt", CredentialJwt)
    return as_file(found.jwt.encode(), f"certificate-{id}.jwt")


@get("/certificates/{id:uuid}/badge.png", guards=[guards.person], include_in_schema=False)
async def my_badge(peers: Peers, id: UUID) -> Response[bytes]:
    content = await peers.content("credential", "GET", f"/api/credential/awards/{id}/badge")
    return as_file(content, f"certificate-{id}.png")


@get("/certificates/{id:uuid}/certificate.pdf", guards=[guards.person], include_in_schema=False)
async def my_print(peers: Peers, id: UUID) -> Response[bytes]:
    content = await peers.content("credential", "GET", f"/api/credential/awards/{id}/certificate")
    return as_file(content, f"certificate-{id}.pdf")


async def load_profile(request: Request[Any, Any, Any], actor: Actor, person_id: UUID) -> dict[str, Any] | None:
    """Skills and certificates on a person's page, for themself, their mentor and coordinators."""
    peers: Peers = request.app.state.peers
    listed = await or_none(
        peers.get("credential", "/api/credential/awards", Page[Award], person=str(person_id), limit=MOST)
    )
    own, proposes = actor.is_person(person_id), actor.has("mentor", *COORDINATORS) and not actor.is_person(person_id)
    awards = [one for one in (listed.items if listed else []) if one.state in ("proposed", "issued", "revoked")]
    if not (awards or proposes):
        return None
    achievements = await achievements_of(request, awards)
    reached = [achievements.get(one.achievement_id) for one in awards if one.state == "issued"]
    return {
        "person_id": person_id,
        "own": own,
        "proposes": proposes,
        "awards": awards,
        "achievements": achievements,
        "skills": sorted({skill for one in reached if one is not None for skill in one.skills}),
    }


async def load_home(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """The reader's new certificates: those of which they haven't said who may see them."""
    if actor.person is None or not actor.has("member") or "member" not in actor.roles:
        return None
    peers: Peers = request.app.state.peers
    listed = await peers.get(
        "credential", "/api/credential/awards", Page[Award], person=str(actor.person), state="issued", limit=MOST
    )
    unchosen = [one for one in listed.items if one.visibility == "private"]
    if not unchosen:
        return None
    return {"awards": unchosen, "achievements": await achievements_of(request, unchosen)}


ROUTES: tuple[ControllerRouterHandler, ...] = (mine, show, my_file, my_jwt, my_badge, my_print)
