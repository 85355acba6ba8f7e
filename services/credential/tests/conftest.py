"""The credential service on a real, seeded database, with person, curriculum and encounter played by peers."""

from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

import httpx
import pytest_asyncio

from gatehouse_chassis.testing import InProcessClient, Peer, peer, person_id, serving
from gatehouse_credential.app import create

SECRET = "issuer-keys-of-tests-0123456789-0123456789"
API = "/api/credential"
WEB_PAGES = "019a0000-0050-7000-8000-000000000002"
APPRENTICE = "019a0000-0050-7000-8000-000000000003"
ON_CALL = "019a0000-0050-7000-8000-000000000005"
ITEM = "019a0000-0099-7000-8000-000000000001"
OTHER_ITEM = "019a0000-0099-7000-8000-000000000002"


class Awards:
    """The service under test, and what surrounds it: everybody is mentored by the persona `mentor`."""

    def __init__(self, service: InProcessClient, people: Peer, curricula: Peer, meetings: Peer) -> None:
        self.service, self.people, self.curricula, self.meetings = service, people, curricula, meetings
        self.meetings.answers["GET", "/api/encounter/encounters"] = (200, {"items": []})

    def known(self, name: str = "Zoë O'Neil-Nguyễn") -> str:
        """Somebody new, with two things that they completed."""
        id = str(uuid4())
        address = f"/api/person/people/{id}"
        person = {"id": id, "version": 3, "name": name, "mastery": "candidate"}
        self.people.answers["GET", address] = (200, person)
        self.people.answers["PATCH", address] = (200, {**person, "version": 4, "mastery": "apprentice"})
        self.people.answers["GET", f"{address}/relationship"] = (200, {"relationship": "mentor"})
        completed = [
            {"id": ITEM, "resource_name": "Learn HTML", "skills": ["html"], "completed_at": "2026-05-02T10:00:00Z"},
            {"id": OTHER_ITEM, "resource_name": "Learn Go", "skills": ["Go"], "completed_at": "2026-05-01T10:00:00Z"},
        ]
        self.curricula.answers["GET", f"/api/curriculum/curricula/{id}"] = (200, {"completed": completed})
        return id

    async def post(self, path: str, by: str | int, json: Any, **more: str) -> httpx.Response:
        return await self.service.post(f"{API}{path}", json=json, headers=self.service.by(by, **more))

    async def get(self, path: str, by: str | int | None = None, **params: str) -> httpx.Response:
        headers = {} if by is None else self.service.by(by)
        return await self.service.get(f"{API}{path}", headers=headers, params=params)

    async def proposes(self, person: str, achievement: str = WEB_PAGES, by: str | int = "mentor", **more: Any) -> Any:
        body = {"person_id": person, "achievement_id": achievement, **more}
        answer = await self.post("/awards", by, body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def confirms(self, award: Any, by: str | int = "coordinator", **more: Any) -> httpx.Response:
        return await self.post(f"/awards/{award['id']}/confirm", by, more, if_match=f'"{award["version"]}"')

    async def issued(self, person: str | None = None, achievement: str = WEB_PAGES, **more: Any) -> Any:
        """An issued award of somebody."""
        award = await self.proposes(person or self.known(), achievement, **more)
        answer = await self.confirms(award)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def document(self, award: Any) -> dict[str, Any]:
        """The signed certificate, as the institute's coordinator gets it."""
        answer = await self.get(f"/awards/{award['id']}/credential", "coordinator")
        assert answer.status_code == 200, answer.text
        return answer.json()["document"]

    async def ended(self, award: Any, what: str, reason: str, by: str | int = "coordinator") -> httpx.Response:
        return await self.post(
            f"/awards/{award['id']}/{what}", by, {"reason": reason}, if_match=f'"{award["version"]}"'
        )

    async def shows(self, award: Any, visibility: str) -> httpx.Response:
        person = award["person_id"]
        headers = self.service.tokens.headers("member", person=person, account=person)
        headers["If-Match"] = f'"{award["version"]}"'
        return await self.service.post(
            f"{API}/awards/{award['id']}/visibility", json={"visibility": visibility}, headers=headers
        )

    async def verdict(self, credential: Any, **more: Any) -> dict[str, Any]:
        answer = await self.service.post(f"{API}/credentials/verify", json={"credential": credential, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def awards(postgres: Any, database_url: str) -> AsyncGenerator[Awards]:
    async with peer() as people, peer() as curricula, peer() as meetings:
        environ = {
            "GATEHOUSE_URL_PERSON": people.url,
            "GATEHOUSE_URL_CURRICULUM": curricula.url,
            "GATEHOUSE_URL_ENCOUNTER": meetings.url,
            "GATEHOUSE_SECRET_KEY_ENCRYPTION_SECRET": SECRET,
            "GATEHOUSE_PUBLIC_URL": "https://institute.example",
        }
        url = postgres.role_url(database_url, "credential_service")
        async with serving("credential", create, database_url=url, environ=environ) as service:
            yield Awards(service, people, curricula, meetings)


MENTOR, COORDINATOR = person_id(1), person_id(7)
