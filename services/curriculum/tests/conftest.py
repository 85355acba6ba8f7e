"""The service curriculum on a database of each test module's own, with person and topics played by peers.

People as in the seed: 1 Mara mentors 2 Noah and 3 Ava; 4 Tomas is a mentor of others; 7 is a coordinator.
"""

import base64
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from gatehouse_chassis.testing import InProcessClient, Peer, peer, person_id, serving
from gatehouse_curriculum.app import create

BASE = "/api/curriculum/curricula"
Headers = dict[str, str]


def resource_id(number: int) -> str:
    return f"019a0000-0004-7000-8000-{number:012d}"


def resource(number: int) -> dict[str, Any]:
    return {"id": resource_id(number), "name": f"Resource {number}", "archived_at": None}


MARA, NOAH, AVA, TOMAS = (person_id(number) for number in (1, 2, 3, 4))
MEMBERS = {MARA: [NOAH, AVA]}


def caller(headers: Headers) -> dict[str, Any]:
    """The claims of the token that was passed on."""
    payload = headers["authorization"].split(".")[1]
    return msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def as_person_answers(path: str, headers: Headers) -> tuple[int, Any]:
    """How the caller relates to the person, as the service person would say."""
    claims, subject = caller(headers), path.split("/")[4]
    if claims.get("person") == subject:
        return 200, {"person_id": subject, "relationship": "self"}
    if "mentor" in claims["roles"] and subject in MEMBERS.get(claims.get("person", ""), []):
        return 200, {"person_id": subject, "relationship": "mentor"}
    if {"coordinator", "staff", "admin"} & set(claims["roles"]):
        return 200, {"person_id": subject, "relationship": "staff"}
    return 404, {"type": "about:blank", "title": "No", "status": 404}


def zone_of(id: str) -> dict[str, Any]:
    """Everybody lives where clocks changed on 25 October 2026."""
    return {"id": id, "time_zone": "Europe/Oslo"}


def members_of_the_caller(path: str, headers: Headers) -> tuple[int, Any]:
    mentor = path.partition("mentor=")[2].partition("&")[0]
    return 200, {"items": [{"id": id, "name": "Somebody"} for id in MEMBERS.get(mentor, [])], "next": None}


@pytest.fixture(scope="module")
async def person() -> AsyncIterator[Peer]:
    async with peer() as playing:
        playing.answers["GET", "/api/person/people"] = members_of_the_caller
        for number in range(1, 56):
            playing.answers["GET", f"/api/person/people/{person_id(number)}/relationship"] = as_person_answers
            playing.answers["GET", f"/api/person/people/{person_id(number)}"] = (200, zone_of(person_id(number)))
        yield playing


@pytest.fixture(scope="module")
async def topics() -> AsyncIterator[Peer]:
    """Has the resources 1 to 725 with the seed's ids; tests add topics and paths."""
    async with peer() as playing:
        for number in range(1, 726):
            playing.answers["GET", f"/api/topics/resources/{resource_id(number)}"] = (200, resource(number))
        yield playing


@pytest.fixture(scope="module")
async def encounter() -> AsyncIterator[Peer]:
    """Tests say what was agreed on."""
    async with peer() as playing:
        yield playing


@pytest.fixture(scope="module")
async def curriculum(
    postgres: Any, database_url: str, person: Peer, topics: Peer, encounter: Peer
) -> AsyncIterator[InProcessClient]:
    environ = {
        "GATEHOUSE_URL_ENCOUNTER": encounter.url,
        "GATEHOUSE_URL_PERSON": person.url,
        "GATEHOUSE_URL_TOPICS": topics.url,
        "GATEHOUSE_SETTING_RELATIONSHIP_SECONDS": "0",
        "GATEHOUSE_PEER_KEY": "k" * 32,
    }
    url = postgres.role_url(database_url, "curriculum_service")
    async with serving("curriculum", create, database_url=url, environ=environ) as service:
        yield service


@pytest.fixture(scope="module")
def noah(curriculum: InProcessClient) -> Headers:
    return curriculum.by("member")


@pytest.fixture(scope="module")
def mara(curriculum: InProcessClient) -> Headers:
    return curriculum.by("mentor")


@pytest.fixture(scope="module")
def coordinator(curriculum: InProcessClient) -> Headers:
    return curriculum.by("coordinator")


@pytest.fixture(scope="module")
def empty(curriculum: InProcessClient, person: Peer, coordinator: Headers) -> Callable[[], Any]:
    """Makes a new person's curriculum, with nothing in it; gives its address."""

    async def make() -> str:
        id = str(UUID(int=uuid4().int))
        person.answers["GET", f"/api/person/people/{id}/relationship"] = as_person_answers
        person.answers["GET", f"/api/person/people/{id}"] = (200, zone_of(id))
        answer = await curriculum.post(BASE, json={"person_id": id}, headers=coordinator)
        assert answer.status_code == 201, answer.text
        return f"{BASE}/{id}"

    return make
