"""On a person's page: their encounters by month, the newest first, as far as the reader may see them."""

import itertools
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from gatehouse_chassis.base.actor import Actor
from gatehouse_portal.areas.encounters.structs import EncounterInList, MentoringPerson, NamedPerson, SeriesInList
from gatehouse_portal.areas.encounters.view import brief_of, names_of
from gatehouse_portal.shell.peers import Peers, or_none
from gatehouse_portal.shell.structs import Page

PAGE_SIZE = 50


class Month(msgspec.Struct, frozen=True):
    name: str
    encounters: list[EncounterInList]


async def load(request: Request[Any, Any, Any], actor: Actor, person_id: UUID) -> dict[str, Any] | None:
    """None for whoever is nothing to the person, and where there is nothing to show."""
    peers: Peers = request.app.state.peers
    brief = await brief_of(peers, person_id)
    if brief is None:
        return None
    member = str(person_id)
    cursor = request.query_params.get("encounters")
    found = await peers.get(
        "encounter", "/api/encounter/encounters", Page[EncounterInList], member=member, limit=PAGE_SIZE, cursor=cursor
    )
    mentors = actor.has("mentor") and not actor.is_person(person_id) and not actor.has("coordinator")
    coordinates = None
    if actor.has("coordinator") and not actor.is_person(person_id):
        coordinates = await or_none(peers.get("person", f"/api/person/people/{person_id}", MentoringPerson))
    waits = coordinates is not None and (coordinates.mentor_id is not None or coordinates.status == "matching")
    if not (found.items or mentors or waits):
        return None
    names = await names_of(peers, [person_id, *(one.mentor_id for one in found.items)])
    series = await peers.get("encounter", "/api/encounter/series", Page[SeriesInList], member=member, ended="false")
    zone = None
    if mentors and actor.person:
        me = await or_none(peers.get("person", f"/api/person/people/{actor.person}", NamedPerson))
        zone = me.time_zone if me else None
    return {
        "person_id": person_id,
        "own": actor.is_person(person_id),
        "plans": mentors,
        "coordinates": coordinates if waits else None,
        "planned": any(one.state == "planned" and actor.is_person(one.mentor_id) for one in found.items),
        "months": months_of(found.items),
        "next": found.next,
        "names": names,
        "brief": brief,
        "series": next((one for one in series.items if not mentors or actor.is_person(one.mentor_id)), None),
        "zone": zone or "UTC",
        "now": datetime.now(UTC),
    }


def months_of(encounters: list[EncounterInList]) -> list[Month]:
    """In the zone in which each was planned."""
    return [
        Month(name, list(together))
        for name, together in itertools.groupby(encounters, key=lambda one: f"{one.when:%B %Y}")
    ]
