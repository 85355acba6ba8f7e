"""On the home page: the members whom the reader mentors, and how far each has come."""

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


async def _progress(peers: Peers) -> dict[UUID, CurriculumInList]:
    curricula = await peers.get("curriculum", "/api/curriculum/curricula", Page[CurriculumInList], limit=200)
    return {curriculum.person_id: curriculum for curriculum in curricula.items}
