"""The portal on a real database, with the other services played by peers, and browsers without JavaScript."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
import pytest_asyncio

from gatehouse_chassis.testing import InProcessClient, Peer, peer, serving
from gatehouse_portal.app import create

SECRET = "a secret that is only for these tests"
SERVICES = (
    "identity",
    "person",
    "topics",
    "curriculum",
    "partner",
    "encounter",
    "communication",
    "ledger",
    "intake",
    "credential",
)
NOAH = "019a0000-0001-7000-8000-000000000002"
MARA = "019a0000-0001-7000-8000-000000000001"
INGRID = "019a0000-0001-7000-8000-000000000007"
ACCOUNT = "019a0000-0002-7000-8000-000000000002"
ACCOUNTS = {"mara": "019a0000-0002-7000-8000-000000000001", "ingrid": "019a0000-0002-7000-8000-000000000007"}
RESOURCES = {number: f"019a0000-0004-7000-8000-{number:012d}" for number in (1, 2, 3, 4)}
ASSIGNMENTS = {number: f"019a0000-0011-7000-8000-{number:012d}" for number in (1, 2, 3, 4)}
STATES = {1: "now", 2: "next", 3: "later", 4: "completed"}


def resource(number: int) -> dict[str, Any]:
    return {
        "id": RESOURCES[number],
        "name": f"Resource {number}",
        "url": f"https://learn.example/{number}",
        "kind": "article",
        "cost": "free",
        "level": "apprentice",
        "link_status": "active",
        "interests": ["api"],
    }


def link_check(**changes: Any) -> dict[str, Any]:
    return {
        "id": ASSIGNMENTS[1],
        "url": "https://learn.example/1",
        "checked_at": "2026-11-01T10:00:00Z",
        "result": "ok",
        "http_status": 200,
    } | changes


def curriculum(version: int = 3) -> dict[str, Any]:
    found: dict[str, Any] = {"person_id": NOAH, "version": version, "changed_at": "2026-11-01T10:00:00Z"}
    for number, state in STATES.items():
        one = {
            "id": ASSIGNMENTS[number],
            "resource_id": RESOURCES[number],
            "state": state,
            "assigned_at": "2026-10-01T10:00:00Z",
            "assigned_by": ACCOUNTS["mara"],
            "planned_at": "2026-10-30T10:00:00Z" if state == "now" else None,
            "planned_by": ACCOUNTS["mara"] if state == "now" else None,
            "started_at": "2026-10-31T10:00:00Z" if state == "now" else None,
            "started_by": ACCOUNT if state == "now" else None,
            "completed_at": "2026-11-01T10:00:00Z" if state == "completed" else None,
            "completed_by": ACCOUNT if state == "completed" else None,
        }
        found[state] = [one]
    people = [
        (ACCOUNT, NOAH, "self"),
        (ACCOUNTS["mara"], MARA, "mentorship"),
        (ACCOUNTS["ingrid"], INGRID, "coordination"),
    ]
    found["people"] = [
        {"account_id": account, "person_id": person, "standing": standing} for account, person, standing in people
    ]
    found["planning"] = {
        "minutes_per_week": 480,
        "meets_every_days": 7,
        "stated_at": "2026-10-01T10:00:00Z",
        "stated_by": ACCOUNT,
        "usual_days": 7,
        "usual_capacity_minutes": 480,
        "period": {
            "id": ACCOUNTS["mara"],
            "committed_at": "2026-10-30T10:00:00Z",
            "committed_by": ACCOUNTS["mara"],
            "ends_at": "2199-11-06T10:00:00Z",
            "time_zone": "Africa/Lagos",
            "assignment_ids": [ASSIGNMENTS[1]],
            "capacity_minutes": 480,
        },
    }
    return found


def way(version: int = 3, **changes: Any) -> dict[str, Any]:
    """The curriculum, as curriculum says it for a member's home."""
    whole = curriculum(version)
    named = {
        one["id"]: one | {"resource_name": f"Resource {number}"}
        for number, state in STATES.items()
        for one in whole[state]
    }
    found = {
        state: [named[one["id"]] | {"position": 1} for one in whole[state]] for state in ("now", "next", "completed")
    }
    part = {"path_name": "Odin", "path_id": RESOURCES[1], "topic_name": "Foundations", "topic_id": RESOURCES[2]}
    counts = dict.fromkeys(STATES.values(), 1)
    return {
        **{name: whole[name] for name in ("person_id", "version", "changed_at", "planning", "people")},
        **found,
        "goes_on": found["now"][0],
        "counts": counts,
        "parts": [part | counts | {"started_at": "2026-10-31T10:00:00Z"}],
        "months": [{"month": "2026-11", "count": 1}],
        "skills": [{"skill": "Python", "count": 1}],
        "pace": {"completed": 4, "weeks": 8},
        "expected": [{"state": "now", "earliest": "2026-11-20", "latest": "2026-12-05"}],
    } | changes


def person(**changes: Any) -> dict[str, Any]:
    return {
        "id": NOAH,
        "name": "Noah Adeyemi",
        "mastery": "apprentice",
        "specialty": "ui",
        "status": "active",
        "email": "noah@example.org",
        "mentor_id": MARA,
    } | changes


class House:
    """The other services; each answers what a test lets it answer."""

    noah, mara, account = NOAH, MARA, ACCOUNT
    resources, assignments = RESOURCES, ASSIGNMENTS
    curriculum, person, resource = staticmethod(curriculum), staticmethod(person), staticmethod(resource)
    way = staticmethod(way)
    link_check = staticmethod(link_check)

    def __init__(self, peers: dict[str, Peer]) -> None:
        self.peers = peers
        self.tokens: Any = None

    def __getitem__(self, name: str) -> Peer:
        return self.peers[name]

    @property
    def environ(self) -> dict[str, str]:
        """What the portal finds in its environment."""
        addresses = {f"GATEHOUSE_URL_{name.upper()}": played.url for name, played in self.peers.items()}
        return {"GATEHOUSE_SECRET_SESSION_SECRET": SECRET, "GATEHOUSE_PUBLIC_URL": "http://test", **addresses}

    def browser(self, portal: InProcessClient, base_url: str = "http://test") -> "Browser":
        transport = httpx.ASGITransport(app=portal.app, raise_app_exceptions=False)  # ty: ignore[invalid-argument-type] - as in gatehouse_chassis.testing
        made = Browser(transport=transport, base_url=base_url, headers={"Accept": "text/html"})
        made.house = self
        return made

    def asked(self, name: str, method: str) -> list[tuple[str, dict[str, str], bytes]]:
        """Path, headers and body of the requests that a service got; a forecast is a question, and no command."""
        return [one[1:] for one in self.peers[name].requests if one[0] == method and not one[1].endswith("/forecast")]

    def says(self, name: str, method: str, path: str, answer: Any, status: int = 200) -> None:
        self.peers[name].answers[method, path] = answer if callable(answer) else (status, answer)

    def session(self, *roles: str, person: str | None = NOAH, expires_in: int = 600, **claims: Any) -> dict[str, Any]:
        """What identity issues; it accepts it from any persona."""
        token = self.tokens.token(*roles, person=person, account=ACCOUNT, name="Noah Adeyemi", **claims)
        return {"access_token": token, "refresh_token": "family.first-token", "expires_in": expires_in}

    def reset(self) -> None:
        """As on a usual day: everybody answers, and Noah has a curriculum of four."""
        for played in self.peers.values():
            played.answers.clear()
            played.requests.clear()
        personas = [{"key": "member", "name": "Noah Adeyemi", "title": "Apprentice", "roles": ["member"]}]
        self.says("identity", "GET", "/api/identity/sign-in/options", {"provider": "Lighthouse", "personas": True})
        self.says("identity", "GET", "/api/identity/personas", personas)
        self.says("identity", "DELETE", "/api/identity/sessions/current", None, 204)
        self.says("identity", "GET", "/api/identity/accounts", {"items": []})
        self.says("curriculum", "GET", f"/api/curriculum/curricula/{NOAH}", curriculum())
        self.says("curriculum", "GET", f"/api/curriculum/curricula/{NOAH}/way", way())
        self.says("curriculum", "GET", "/api/curriculum/curricula", {"items": []})
        self.says("person", "GET", f"/api/person/people/{NOAH}", person())
        self.says("person", "GET", f"/api/person/people/{MARA}", person(id=MARA, name="Mara Lindgren", mentor_id=None))
        self.says("person", "GET", "/api/person/people", {"items": [person()]})
        for kind in ("encounters", "follow-ups", "notes", "series", "disclosures"):
            self.says("encounter", "GET", f"/api/encounter/{kind}", {"items": []})
        self.says("encounter", "GET", "/api/encounter/script-choices", [])
        self.says("encounter", "GET", f"/api/encounter/members/{NOAH}/brief", {})
        for kind in ("notifications", "deliveries"):
            self.says("communication", "GET", f"/api/communication/{kind}", {"items": []})
        self.says("encounter", "GET", f"/api/encounter/members/{NOAH}/reads", [])
        for kind in ("partners", "agreements", "contacts"):
            self.says("partner", "GET", f"/api/partner/{kind}", {"items": []})
        for kind in ("awards", "achievements"):
            self.says("credential", "GET", f"/api/credential/{kind}", {"items": []})
        for kind in ("sign-ups", "applications", "matches", "mentors", "slots"):
            self.says("intake", "GET", f"/api/intake/{kind}", {"items": []})
        self.says("ledger", "GET", "/api/ledger/reconciliations", [])
        for kind in ("periods", "statements"):
            self.says("ledger", "GET", f"/api/ledger/{kind}", {"items": []})
        self.says("topics", "GET", "/api/topics/resources", {"items": [resource(number) for number in RESOURCES]})
        self.says("topics", "GET", f"/api/topics/resources/{RESOURCES[1]}", resource(1) | {"version": 3})
        self.says(
            "topics", "GET", f"/api/topics/resources/{RESOURCES[1]}/link-checks", {"items": [link_check()], "total": 1}
        )
        lines = [{"stars": 4, "line": "Skip part 2.", "changed_at": "2026-11-01T10:00:00Z"}]
        ratings = {"count": 3, "average": 4.33, "lines": lines}
        self.says("topics", "GET", f"/api/topics/resources/{RESOURCES[1]}/ratings", ratings)
        counted = {"completed": 1_200, "stopped": 2, "stated": 5}
        counted |= {"median_minutes": 40, "quarter_minutes": 30, "three_quarters_minutes": 60}
        self.says("curriculum", "GET", f"/api/curriculum/resources/{RESOURCES[1]}/statistics", counted)
        self.says("topics", "GET", "/api/topics/topics", {"items": []})
        path = {"id": RESOURCES[1], "name": "Odin"}
        self.says("topics", "GET", "/api/topics/paths", {"items": [path]})
        self.says("topics", "GET", f"/api/topics/paths/{RESOURCES[1]}", path | {"modules": []})
        for name, played in self.peers.items():
            version = {"service": name, "version": "1.2.3", "started_at": "2026-11-01T10:00:00Z", "collections": []}
            played.answers["GET", "/version"] = (200, version)
            played.answers["GET", "/health/ready"] = (200, {"ready": True, "checks": {"process": "ok"}})
            played.answers["GET", "/config"] = (200, {"settings": []})


class Browser(httpx.AsyncClient):
    """A browser without JavaScript: keeps cookies, asks for HTML, sends forms with the token of the page before."""

    house: House
    token = ""

    async def see(self, path: str, **options: Any) -> httpx.Response:
        answer = await self.get(path, **options)
        found = re.search(r'name="form_token" value="(\w+)"', answer.text)
        self.token = found[1] if found else self.token
        return answer

    async def submit(self, path: str, *, headers: dict[str, str] | None = None, **fields: str) -> httpx.Response:
        return await self.post(path, data={"form_token": self.token} | fields, headers=headers)

    async def sign_in(self, *roles: str, person: str | None = NOAH, **options: Any) -> httpx.Response:
        """As a persona with these roles."""
        session = self.house.session(*roles, person=person, **options)
        self.house.says("identity", "POST", "/api/identity/personas/member/sessions", session, 201)
        await self.see("/sign-in")
        answer = await self.submit("/sign-in/personas/member")
        assert answer.status_code == 303, answer.text
        await self.see("/paths")
        return answer


@pytest.fixture
def elements() -> type["Elements"]:
    return Elements


class Elements(HTMLParser):
    """All start tags of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def peers() -> AsyncIterator[House]:
    async with AsyncExitStack() as opened:
        yield House({name: await opened.enter_async_context(peer()) for name in SERVICES})


@pytest.fixture(scope="module")
def service_url(postgres: Any, database_url: str) -> str:
    return postgres.role_url(database_url, "portal_service")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def portal(service_url: str, peers: House) -> AsyncGenerator[InProcessClient]:
    async with serving("portal", create, database_url=service_url, environ=peers.environ) as client:
        peers.tokens = client.tokens
        yield client


@pytest.fixture
def house(portal: InProcessClient, peers: House) -> House:
    peers.reset()
    return peers


@pytest_asyncio.fixture(loop_scope="module")
async def browser(portal: InProcessClient, house: House) -> AsyncGenerator[Browser]:
    async with house.browser(portal) as found:
        yield found
