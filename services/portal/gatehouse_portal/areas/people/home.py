"""On the home page: a mentor's members and how each is doing; for coordinators who waits, for staff what is missing."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from gatehouse_chassis.base.actor import Actor
from gatehouse_portal.areas.people.structs import AccountInList, CurriculumInList, Person
from gatehouse_portal.shell.peers import Away, Peers, or_away
from gatehouse_portal.shell.structs import Page

MOST_SHOWN = 50
MOST_WAITING, FEW = 200, 10
# The statuses in which somebody waits for the institute, and what ends the wait.
NEXT_STEP = {
    "pending": "Invite to an introduction",
    "onboarding": "Hold the introduction",
    "matching": "Find a mentor",
    "hold": "Ask whether to go on",
}

# Pairs meet every week or two, so by then a meeting has passed without a change.
QUIET_AFTER = timedelta(days=21)
NEEDED = ("code_of_conduct", "data_processing")
"""What everybody who learns or mentors here consents to."""
TAKES_PART = ("onboarding", "matching", "active", "hold")
REMIND = "Remind them to schedule the introduction, or they time out"


class Mentored(msgspec.Struct, frozen=True):
    """A member whom the reader mentors; `progress` is None where it isn't known.

    `word`, `chip`: how they are doing, and its colour. `why`: of what is no news, nothing.
    """

    person: Person
    progress: CurriculumInList | None
    word: str
    chip: str
    why: str = ""


def mentored(person: Person, progress: CurriculumInList | None, now: datetime) -> Mentored:
    if person.status != "active":
        return Mentored(person, progress, "Paused" if person.status == "hold" else "", "lamp")
    if progress is None or progress.changed_at is None:
        return Mentored(person, progress, "", "")
    if not progress.now_count:
        return Mentored(person, progress, "At risk", "bad", "nothing is agreed for now")
    quiet = now - progress.changed_at
    if quiet >= QUIET_AFTER:
        return Mentored(person, progress, "At risk", "bad", f"nothing moved for {quiet.days} days")
    return Mentored(person, progress, "On track", "good")


async def load(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """None for who isn't a mentor."""
    if actor.person is None or "mentor" not in actor.roles:
        return None
    peers: Peers = request.app.state.peers
    people, curricula = await asyncio.gather(
        peers.get("person", "/api/person/people", Page[Person], mentor=str(actor.person), limit=MOST_SHOWN),
        or_away(_progress(peers)),
    )
    progress = {} if isinstance(curricula, Away) else curricula
    now = datetime.now(UTC)
    return {"members": [mentored(person, progress.get(person.id), now) for person in people.items]}


class Waiting(msgspec.Struct, frozen=True):
    """Somebody who waits in a status, and what a coordinator does next."""

    person: Person
    next: str


async def load_waiting(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """Who is on the way in or on hold, longest first; None for who isn't a coordinator."""
    if "coordinator" not in actor.roles:
        return None
    peers: Peers = request.app.state.peers
    found = await peers.get(
        "person", "/api/person/people", Page[Person], status=[*NEXT_STEP], limit=MOST_WAITING, total="true"
    )
    longest = sorted(found.items, key=lambda one: (one.status_changed_at is None, one.status_changed_at))
    waiting = [Waiting(person, _next_step(person)) for person in longest[:FEW]]
    return {"waiting": waiting, "total": found.total}


class NeedsAccess(msgspec.Struct, frozen=True):
    """Somebody who can't do here yet what they came for, and what to do about it."""

    account: AccountInList
    why: str
    next: str


async def load_access(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """Who was invited and hasn't signed in, and who signed in and has no role; None for who decides about neither."""
    if actor.roles.isdisjoint({"coordinator", "admin"}):
        return None
    peers: Peers = request.app.state.peers
    address = "/api/identity/accounts"
    invited, idle = await asyncio.gather(
        peers.get("identity", address, Page[AccountInList], status="invited", sort="created", limit=FEW, total="true"),
        peers.get("identity", address, Page[AccountInList], status="active", has_role="false", limit=FEW, total="true"),
    )
    found = [NeedsAccess(one, "signed in, and has no role yet", "Grant a role") for one in idle.items]
    found += [NeedsAccess(one, "was invited, and hasn’t signed in yet", "Send the mail again") for one in invited.items]
    return {"needing": found, "total": (invited.total or 0) + (idle.total or 0)}


async def load_consents(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """Who takes part without having agreed to what everybody does; None for who doesn't see consents."""
    if actor.roles.isdisjoint({"staff", "admin"}):
        return None
    peers: Peers = request.app.state.peers
    found = await peers.get(
        "person",
        "/api/person/people",
        Page[Person],
        lacks_consent=[*NEEDED],
        status=[*TAKES_PART],
        limit=FEW,
        total="true",
    )
    return {"people": found.items, "total": found.total}


def _next_step(person: Person) -> str:
    return REMIND if person.intro_reminder_at else NEXT_STEP[person.status or ""]


async def _progress(peers: Peers) -> dict[UUID, CurriculumInList]:
    curricula = await peers.get("curriculum", "/api/curriculum/curricula", Page[CurriculumInList], limit=200)
    return {curriculum.person_id: curriculum for curriculum in curricula.items}
