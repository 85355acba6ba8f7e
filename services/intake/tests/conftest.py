"""The intake service on a real, seeded database, with person and identity played by peers."""

import base64
import hashlib
import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest_asyncio

from gatehouse_chassis.events.event import PublishedEvent
from gatehouse_chassis.testing import InProcessClient, Peer, peer, serving
from gatehouse_intake.app import create
from gatehouse_intake.handlers import HANDLERS
from gatehouse_intake.tables import DB

KEY = "for-tests-only-0123456789-0123456789"
SECRET = "forms-of-tests-0123456789-0123456789"
API = "/api/intake"


class Intake:
    """The service under test, and what surrounds it: person knows addresses, identity invites people."""

    key, squarespace_secret = KEY, "0f" * 32

    def __init__(
        self, service: InProcessClient, people: Peer, identity: Peer, squarespace: Peer, encounters: Peer
    ) -> None:
        self.service, self.people, self.identity, self.squarespace = service, people, identity, squarespace
        self.encounters = encounters
        self.statuses: dict[str, str] = {}
        self.reset()

    def reset(self) -> None:
        person = self.people.answers
        person["POST", "/api/person/people/of-sign-ups"] = lambda *_: (200, self._person())
        self.identity.answers["POST", "/api/identity/invitations/of-people"] = lambda *_: (200, self._invitation())

    def _person(self) -> dict[str, Any]:
        address = json.loads(self.people.requests[-1][3])["email"]
        return {"id": str(self.person_of(address)), "status": self.statuses.get(address, "pending")}

    def _invitation(self) -> dict[str, Any]:
        person = json.loads(self.identity.requests[-1][3])["person_id"]
        return {"id": str(UUID(int=UUID(person).int ^ 1)), "account_id": person, "state": "invited"}

    @staticmethod
    def person_of(address: str) -> UUID:
        """Whom the played person service knows by this address."""
        return UUID(bytes=hashlib.sha256(address.encode()).digest()[:16])

    def form(self, *, opened_before: float = 10) -> str:
        """The token of a form that was opened so many seconds ago."""
        at = datetime.now(UTC).timestamp() - opened_before
        return self.service.app.state.form_tokens.issue(datetime.fromtimestamp(at, UTC))

    def proven(self, body: dict[str, Any]) -> dict[str, Any]:
        """With the solution of the form's puzzle, as the widget sends it."""
        proofs = self.service.app.state.form_proofs
        counter = next(counter for counter in range(100_000) if proofs.fits(body["form"], counter))
        payload = {"challenge": {}, "solution": {"counter": counter, "derivedKey": "", "time": 1}}
        return {"proof": base64.b64encode(json.dumps(payload).encode()).decode(), **body}

    async def signs_up(self, email: str, name: str = "Ada", form: str = "", **more: Any) -> httpx.Response:
        body = self.proven({"form": form or self.form(), "name": name, "email": email} | more)
        return await self.service.post(f"{API}/sign-ups", json=body)

    def asked(self) -> tuple[int, int]:
        """How often a person was asked for, and an invitation."""
        requests = [*self.people.requests, *self.identity.requests]
        asked = [path for method, path, *_ in requests if method == "POST"]
        return asked.count("/api/person/people/of-sign-ups"), asked.count("/api/identity/invitations/of-people")

    async def works(self) -> None:
        """Jobs that are due run; those that failed are due later."""
        await self.service.app.state.jobs.run_due()

    async def of(self, email: str) -> list[dict[str, Any]]:
        """The sign-ups with this address, the oldest first."""
        params = {"search": email, "sort": "created", "limit": "200"}
        headers = self.service.by("coordinator")
        answer = await self.service.get(f"{API}/sign-ups", params=params, headers=headers)
        assert answer.status_code == 200, answer.text
        return [one for one in answer.json()["items"] if one["email"] == email]

    def own(self, role: str, person: UUID, **more: str) -> dict[str, str]:
        """The headers of somebody whom the test made up."""
        added = {key.replace("_", "-"): value for key, value in more.items()}
        return self.service.tokens.headers(role, person=person, account=person) | added

    async def decides(self, sign_up: dict[str, Any], what: str) -> httpx.Response:
        headers = self.service.by("coordinator", if_match=f'"{sign_up["version"]}"')
        return await self.service.post(f"{API}/sign-ups/{sign_up['id']}/{what}", headers=headers)

    async def hears(self, handler: str, *, about: UUID | None = None, **ids: Any) -> None:
        """One event, as the reader gives it to its handler."""
        event = PublishedEvent(
            epoch=1,
            tx=1,
            id=uuid4(),
            type="person.status_changed",
            subject_id=about or uuid4(),
            subject_version=1,
            at=await DB.now(),
            ids={name: None if value is None else str(value) for name, value in ids.items()},
        )
        async with DB.transaction():
            await HANDLERS[handler].apply(event, None)

    async def states_of(self, email: str) -> list[str]:
        return [one["state"] for one in await self.of(email)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(postgres: Any, database_url: str) -> AsyncGenerator[Intake]:
    async with peer() as people, peer() as identity, peer() as squarespace, peer() as encounters:
        environ = {
            "GATEHOUSE_URL_PERSON": people.url,
            "GATEHOUSE_URL_IDENTITY": identity.url,
            "GATEHOUSE_PEER_KEY": KEY,
            "GATEHOUSE_SECRET_FORM_SECRET": SECRET,
            "GATEHOUSE_SECRET_SQUARESPACE_SECRET": Intake.squarespace_secret,
            "GATEHOUSE_SECRET_SQUARESPACE_API_KEY": "a key of tests",
            "GATEHOUSE_SETTING_FORM_PROOF_COST": "1",
            "GATEHOUSE_URL_ENCOUNTER": encounters.url,
            "GATEHOUSE_SETTING_SQUARESPACE_URL": squarespace.url,
        }
        url = postgres.role_url(database_url, "intake_service")
        async with serving("intake", create, database_url=url, environ=environ) as service:
            yield Intake(service, people, identity, squarespace, encounters)


@pytest_asyncio.fixture(loop_scope="module")
async def desk(running: Intake) -> Intake:
    running.reset()
    for played in (running.people, running.identity):
        played.requests.clear()
    return running
