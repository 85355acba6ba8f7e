"""The encounter service on a seeded database, with person played by a peer.

People as in the seed: 1 Mara mentors 2 Noah and 3 Ava; 4 Tomas mentors others; 7 Ingrid is a coordinator. A test makes
pairs of its own, so that none meets another's encounters.
"""

import base64
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from gatehouse_chassis.testing import InProcessClient, Peer, peer, serving
from gatehouse_encounter.app import create

BASE = "/api/encounter"
KEY = "k" * 32
Headers = dict[str, str]


class Pair:
    """A member and their mentor, made for a test."""

    def __init__(self, service: InProcessClient, person: Peer, mentors: dict[str, str]) -> None:
        self.service = service
        self.member, self.mentor = (str(UUID(int=uuid4().int)) for _ in range(2))
        self.accounts = {self.member: str(uuid4()), self.mentor: str(uuid4())}
        self._mentors = mentors
        self.mentored_by(self.mentor)

    def mentored_by(self, mentor: str) -> None:
        """From now on person says so."""
        self._mentors[self.member] = mentor
        self.accounts.setdefault(mentor, str(uuid4()))

    def headers(self, person: str, *roles: str) -> Headers:
        return self.service.tokens.headers(*roles, person=person, account=self.accounts[person])

    @property
    def as_member(self) -> Headers:
        return self.headers(self.member, "member")

    @property
    def as_mentor(self) -> Headers:
        return self.headers(self.mentor, "mentor")

    async def send(self, method: str, path: str, who: Headers, body: Any = None, version: int | None = None) -> Any:
        headers = who if version is None else {**who, "If-Match": f'"{version}"'}
        return await self.service.request(method, f"{BASE}{path}", json=body, headers=headers)

    async def plan(self, begins: str = "2026-12-01T16:00:00Z", ends: str = "2026-12-01T17:00:00Z", **more: Any) -> Any:
        body = {"member_id": self.member, "mentor_id": self.mentor, "planned_from": begins, "planned_to": ends, **more}
        answer = await self.send("POST", "/encounters", self.as_mentor, body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def opened(self) -> Any:
        planned = await self.plan()
        answer = await self.send("POST", f"/encounters/{planned['id']}/open", self.as_mentor, version=1)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def read(self, id: str, who: Headers | None = None) -> Any:
        answer = await self.send("GET", f"/encounters/{id}", who or self.as_mentor)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def write(self, id: str, key: str, text: str, version: int = 1, **more: Any) -> Any:
        body = {"text": text, "writer": str(UUID(int=1)), **more}
        return await self.send("PUT", f"/encounters/{id}/answers/{key}", self.as_mentor, body, version)

    async def finish(self, id: str, version: int = 2, **body: Any) -> Any:
        answer = await self.send("GET", f"/encounters/{id}/answers/goal", self.as_mentor)
        if answer.status_code == 200 and not answer.json()["text"]:
            await self.write(id, "goal", "To build things", answer.json()["version"])
        return await self.send("POST", f"/encounters/{id}/finish", self.as_mentor, body, version)


def caller(headers: Headers) -> dict[str, Any]:
    """The claims of the token that was passed on."""
    payload = headers["authorization"].split(".")[1]
    return msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


@pytest.fixture(scope="module")
def mentors() -> dict[str, str]:
    """By member, who mentors them now."""
    return {}


@pytest.fixture(scope="module")
async def person(mentors: dict[str, str]) -> AsyncIterator[Peer]:
    """Answers about whoever is asked for, as the service person would."""

    class People(dict[tuple[str, str], Any]):
        def get(self, key: Any, default: Any = None, /) -> Any:
            _, path = key
            subject = path.split("/")[4].partition("?")[0]
            if path.endswith("/relationship"):
                return lambda _path, headers: relationship(subject, caller(headers))
            return 200, {"id": subject, "time_zone": "Europe/Oslo"}

    def relationship(subject: str, claims: dict[str, Any]) -> tuple[int, Any]:
        if "mentor" in claims["roles"] and mentors.get(subject) == claims.get("person"):
            return 200, {"relationship": "mentor"}
        if {"coordinator", "staff", "admin"} & set(claims["roles"]):
            return 200, {"relationship": "staff"}
        return 404, {"status": 404}

    async with peer() as playing:
        playing.answers = People()
        yield playing


@pytest.fixture(scope="module")
async def encounter(postgres: Any, database_url: str, person: Peer) -> AsyncIterator[InProcessClient]:
    environ = {"GATEHOUSE_URL_PERSON": person.url, "GATEHOUSE_PEER_KEY": KEY}
    url = postgres.role_url(database_url, "encounter_service")
    async with serving("encounter", create, database_url=url, environ=environ) as service:
        yield service


@pytest.fixture
def pair(encounter: InProcessClient, person: Peer, mentors: dict[str, str]) -> Pair:
    return Pair(encounter, person, mentors)


@pytest.fixture(scope="module")
def coordinator(encounter: InProcessClient) -> Headers:
    return encounter.by(7, roles=["coordinator"])


@pytest.fixture(scope="module")
def another_pair(encounter: InProcessClient, person: Peer, mentors: dict[str, str]) -> Callable[[], Pair]:
    return lambda: Pair(encounter, person, mentors)
