"""The work of each persona under `gate load`: weighted operations over HTTP at the public address.

Data doesn't grow: the only writes set a profile to its present value. The weight of an operation is its frequency
relative to the others.
"""

import contextlib
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

RENEW_SECONDS = 300.0  # tokens live for 600
FORM_TOKEN = re.compile(r'name="form_token" value="([0-9a-f]+)"')
SEARCHES = ("test", "git", "design", "api", "access", "cloud")


class PersonaRefused(Exception):
    """The platform answered with an error `status`."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(f"{what} answered {status}")
        self.status = status


class Conflicting(PersonaRefused):
    """412: somebody else changed it first."""


@dataclass
class LoadPersona:
    """A person who is signed in to the APIs (a token) and to the portal (a session cookie)."""

    name: str
    http: aiohttp.ClientSession
    url: str
    token: str = ""
    since: float = float("-inf")
    cookies: Mapping[str, str] = field(default_factory=dict)
    me: str = ""

    async def arrive(self) -> None:
        """Signs in to both, before the measurement starts."""
        await self._sign_in()
        await self._enter_portal()

    async def api(self, method: str, path: str, *, json: Any = None, **headers: str) -> aiohttp.ClientResponse:
        """The response, read completely. Raises PersonaRefused for a status of 400 and above."""
        await self._sign_in()
        sent = {"Authorization": f"Bearer {self.token}", **headers}
        return await self._answer(method, path, json=json, headers=sent)

    async def page(self, path: str) -> aiohttp.ClientResponse:
        return await self._answer("GET", path, cookies=self.cookies)

    async def _sign_in(self) -> None:
        if time.monotonic() - self.since < RENEW_SECONDS:
            return
        self.since = time.monotonic()  # others that ask meanwhile use the token before this one
        answer = await self._answer("POST", f"/api/identity/personas/{self.name}/sessions")
        self.token = (await answer.json())["access_token"]
        answer = await self._answer("GET", "/api/identity/me", headers={"Authorization": f"Bearer {self.token}"})
        self.me = (await answer.json()).get("person_id") or ""

    async def _enter_portal(self) -> None:
        visit = await self._answer("GET", "/sign-in")
        form = FORM_TOKEN.search(await visit.text())
        cookies = {key: morsel.value for key, morsel in visit.cookies.items()}
        done = await self._answer(
            "POST",
            f"/sign-in/personas/{self.name}",
            data={"form_token": form[1] if form else ""},
            cookies=cookies,
            headers={"Origin": self.url},
            allow_redirects=False,
        )
        self.cookies = {**cookies, **{key: morsel.value for key, morsel in done.cookies.items()}}

    async def _answer(self, method: str, path: str, **options: Any) -> aiohttp.ClientResponse:
        async with self.http.request(method, self.url + path, **options) as answer:
            await answer.read()
        if answer.status >= 400:
            raise (Conflicting if answer.status == 412 else PersonaRefused)(answer.status, f"{method} {path}")
        return answer


Work = Callable[[LoadPersona], Awaitable[Any]]


@dataclass(frozen=True)
class Operation:
    name: str
    persona: str
    weight: int
    work: Work


async def _search(persona: LoadPersona) -> None:
    await persona.api("GET", f"/api/topics/resources?limit=20&search={random.choice(SEARCHES)}")  # noqa: S311 - no secret


async def _one_path(persona: LoadPersona) -> None:
    paths = await persona.api("GET", "/api/topics/paths?limit=10")
    chosen = random.choice((await paths.json())["items"])  # noqa: S311 - as above
    await persona.api("GET", f"/api/topics/paths/{chosen['id']}")


async def _own_curriculum(persona: LoadPersona) -> None:
    await persona.api("GET", f"/api/curriculum/curricula/{persona.me}")


async def _own_brief(persona: LoadPersona) -> None:
    await persona.api("GET", f"/api/encounter/members/{persona.me}/brief")


async def _save_profile(persona: LoadPersona) -> None:
    place = f"/api/person/people/{persona.me}/profile"
    read = await persona.api("GET", place)
    profile = await read.json()
    with contextlib.suppress(Conflicting):  # somebody else with this persona saved in between: they would read again
        await persona.api(
            "PATCH", place, json={"interests": profile["interests"]}, **{"If-Match": read.headers["ETag"]}
        )


def _get(path: str) -> Work:
    return lambda persona: persona.api("GET", path)


def _page(path: str) -> Work:
    return lambda persona: persona.page(path)


OPERATIONS = (
    Operation("open the home page", "member", 6, _page("/")),
    Operation("read one's curriculum", "member", 10, _own_curriculum),
    Operation("read what is new", "member", 4, _get("/api/communication/notifications?limit=20")),
    Operation("search resources", "member", 12, _search),
    Operation("open a path", "member", 6, _one_path),
    Operation("save one's profile", "member", 2, _save_profile),
    Operation("look at mentees", "mentor", 6, _get("/api/curriculum/curricula?limit=20")),
    Operation("list people", "mentor", 6, _get("/api/person/people?limit=20")),
    Operation("open the members' page", "mentor", 3, _page("/members")),
    Operation("open the home page as a mentor", "mentor", 3, _page("/")),
    Operation("list one's encounters", "mentor", 4, _get("/api/encounter/encounters?limit=20")),
    Operation("read the brief of a member", "member", 2, _own_brief),
    Operation("list partners", "marketing", 4, _get("/api/partner/partners?limit=20")),
    Operation("look at what is reconciled", "finance", 2, _get("/api/ledger/reconciliations")),
    Operation("read the journal's newest entries", "finance", 2, _get("/api/ledger/entries?limit=20")),
    Operation("open the books", "finance", 1, _page("/books")),
    Operation("read a trial balance", "board", 1, _get("/api/ledger/reports/trial-balance?as_of=2026-11-30")),
    Operation("who am I", "coordinator", 3, _get("/api/identity/me")),
    Operation("open the admin page", "engineer", 2, _page("/admin")),
)
