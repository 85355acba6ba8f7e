"""On the home page: the members whom the reader mentors and how far each has come; for coordinators who waits."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from gatehouse_chassis.base.actor import Actor
from gatehouse_portal.areas.people.structs import CurriculumInList, Person
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

REMIND = "Remind them to schedule the introduction, or they time out"


class Mentored(msgspec.Struct, frozen=True):
    """A member whom the reader mentors; `progress` is None where it isn't known."""

    person: Person
    progress: CurriculumInList | None


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
    return {"members": [Mentored(person, progress.get(person.id)) for person in people.items]}


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


def _next_step(person: Person) -> str:
    return REMIND if person.intro_reminder_at else NEXT_STEP[person.status or ""]


async def _progress(peers: Peers) -> dict[UUID, CurriculumInList]:
    curricula = await peers.get("curriculum", "/api/curriculum/curricula", Page[CurriculumInList], limit=200)
    return {curriculum.person_id: curriculum for curriculum in curricula.items}
