"""Signing in with GitHub, which a little server plays: by its number of the user, never by login or address."""

import socket
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from litestar import Litestar, Request, Response, get, post

from gatehouse_identity.digests import challenge_of, new_secret
from gatehouse_identity.tables import DB

from .conftest import BACK, PUBLIC_URL, SIGN_IN, Browser, running

CLIENT, CLIENT_SECRET, TOKEN = "Iv1.gatehouse", "known to both", "gho_opaque"
CALLBACK = f"{PUBLIC_URL}{SIGN_IN}/callback/github"


class PlayedGitHub:
    """Authenticates whoever `user` says. `status`: what its API answers with."""

    def __init__(self) -> None:
        self.url = ""
        self.codes: dict[str, dict[str, str]] = {}
        self.reset()

    def reset(self, number: int | None = None) -> None:
        self.user: dict[str, Any] = {"id": number or uuid4().int % 10**9 + 1, "login": "nia", "name": "Nia Okoro"}
        self.emails: list[dict[str, Any]] = [
            {"email": "old@example.org", "primary": False, "verified": True},
            {"email": f"{uuid4().hex[:8]}@example.org", "primary": True, "verified": True},
        ]
        self.status = 200
        self.asked: list[tuple[str, str]] = []

    def authorize(self, address: str) -> dict[str, str]:
        """What the browser brings back from GitHub's page."""
        parts = urlsplit(address)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.url}/login/oauth/authorize"
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert (query["client_id"], query["redirect_uri"], query["scope"]) == (CLIENT, CALLBACK, "user:email")
        code = new_secret()
        self.codes[code] = query
        return {"code": code, "state": query["state"]}

    def app(self) -> Litestar:
        @post("/login/oauth/access_token", status_code=200)
        async def token(request: Request[Any, Any, Any]) -> dict[str, str]:
            assert request.headers["accept"] == "application/json"
            form = await request.form()
            asked = self.codes.pop(form["code"], None)
            if asked is None or challenge_of(form["code_verifier"]) != asked["code_challenge"]:
                return {"error": "bad_verification_code", "error_description": "The code is incorrect or expired."}
            if (form["client_id"], form["client_secret"]) != (CLIENT, CLIENT_SECRET):
                return {"error": "incorrect_client_credentials"}
            assert form["redirect_uri"] == asked["redirect_uri"]
            return {"access_token": TOKEN, "token_type": "bearer", "scope": "user:email"}

        def told(request: Request[Any, Any, Any], what: Any) -> Response[Any]:
            self.asked.append((request.url.path, request.headers["x-github-api-version"]))
            genuine = request.headers["authorization"] == f"Bearer {TOKEN}"
            return Response(what, status_code=self.status if genuine else 401)

        @get("/api/user")
        async def user(request: Request[Any, Any, Any]) -> Response[Any]:
            return told(request, self.user)

        @get("/api/user/emails")
        async def emails(request: Request[Any, Any, Any]) -> Response[Any]:
            return told(request, self.emails)

        return Litestar([token, user, emails], openapi_config=None)


class GitHubBrowser(Browser):
    async def begin(self, return_to: str = BACK, **more: str) -> str:
        params = {"return_to": return_to, "code_challenge": challenge_of(self.verifier), "with": "github", **more}
        params |= {"invitation": self.invitation} if self.invitation else {}
        answer = await self.identity.get(SIGN_IN, params=params)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def come_back(self, **params: str) -> Any:
        return await self.identity.get(f"{SIGN_IN}/callback/github", params=params)


@pytest.fixture(scope="module")
async def played() -> AsyncIterator[PlayedGitHub]:
    github = PlayedGitHub()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    github.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with running(github.app(), listener):
        yield github


@pytest.fixture(scope="module")
async def identity(service_url: str, played: PlayedGitHub, running_provider: Any, serve: Any) -> AsyncIterator[Any]:
    """With both providers, as an institute may have them."""
    environ = {
        "GATEHOUSE_SETTING_OIDC_ISSUER": running_provider.url,
        "GATEHOUSE_SETTING_OIDC_CLIENT_ID": "gatehouse",
        "GATEHOUSE_SECRET_OIDC_CLIENT_SECRET": "known to both",
        "GATEHOUSE_SETTING_GITHUB_CLIENT_ID": CLIENT,
        "GATEHOUSE_SETTING_GITHUB_URL": played.url,
        "GATEHOUSE_SETTING_GITHUB_API_URL": f"{played.url}/api",
        "GATEHOUSE_SECRET_GITHUB_CLIENT_SECRET": CLIENT_SECRET,
        "GATEHOUSE_PUBLIC_URL": PUBLIC_URL,
    }
    async with serve(service_url, **environ) as service:
        yield service


@pytest.fixture
def browser(identity: Any, played: PlayedGitHub) -> GitHubBrowser:
    played.reset()
    return GitHubBrowser(identity, played)


async def bound_to(account: str) -> tuple[str, str]:
    (row,) = await DB.fetch("select provider, subject from identity.account where id = $1", account)
    return row["provider"], row["subject"]


async def test_a_newcomer_is_bound_to_githubs_number_and_told_by_the_primary_address(browser, played, identity):
    options = (await identity.get(f"{SIGN_IN}/options")).json()
    assert options == {"provider": "single sign-on", "github": True, "personas": True}
    me = await browser.sign_in()
    assert (me["name"], me["email"], me["roles"]) == ("Nia Okoro", played.emails[1]["email"], [])
    assert await bound_to(me["id"]) == (played.url, str(played.user["id"]))
    assert played.asked == [("/api/user", "2022-11-28"), ("/api/user/emails", "2022-11-28")]
    methods = await DB.fetch("select method from identity.session where account_id = $1", me["id"])
    assert [row["method"] for row in methods] == ["github"]


async def test_login_and_addresses_may_change_and_change_hands(browser, played):
    me = await browser.sign_in()
    number, address = played.user["id"], played.emails[1]["email"]
    played.reset(number)
    played.user |= {"login": "renamed", "name": None}
    assert (await browser.sign_in())["id"] == me["id"]
    # Somebody else has the address and the login now: they aren't let in to the account.
    played.reset()
    played.user["login"], played.emails = "nia", [{"email": address, "primary": True, "verified": True}]
    assert await browser.outcome() == {"error": "email_taken"}


async def test_an_account_that_waits_is_found_by_a_verified_primary_address_only(browser, played, identity):
    waits = {"name": "Waits", "email": f"{uuid4().hex}@example.org"}
    made = (await identity.post("/api/identity/accounts", json=waits, headers=identity.by("admin"))).json()
    for spoilt in ({"primary": True, "verified": False}, {"primary": False, "verified": True}):
        played.emails = [{"email": waits["email"], **spoilt}]
        assert await browser.outcome() == {"error": "email_not_verified"}
    played.emails = [{"email": waits["email"].upper(), "primary": True, "verified": True}]
    assert (await browser.sign_in())["id"] == made["id"]
    assert await bound_to(made["id"]) == (played.url, str(played.user["id"]))


async def test_what_github_does_not_confirm_signs_nobody_in(browser, played):
    brought = played.authorize(await browser.begin())
    wrong = await browser.come_back(code="another", state=brought["state"])
    assert wrong.headers["location"] == f"{BACK}?error=not_proven"
    assert await browser.outcome(error="access_denied") == {"error": "access_denied"}
    assert await browser.outcome(iss="https://elsewhere.example") == {"error": "not_proven"}
    for status, outcome in ((401, "not_proven"), (500, "provider_unavailable")):
        played.status = status
        assert await browser.outcome() == {"error": outcome}
    played.status = 200
    played.user["id"] = 0
    assert await browser.outcome() == {"error": "not_proven"}


async def test_one_providers_answer_is_worth_nothing_at_the_others_address(browser, played, identity, running_provider):
    running_provider.reset()
    brought = played.authorize(await browser.begin())
    assert (await identity.get(f"{SIGN_IN}/callback", params=brought)).status_code == 400
    other = Browser(identity, running_provider)
    theirs = running_provider.authorize(await other.begin())
    assert (await browser.come_back(**theirs)).status_code == 400
    # Neither attempt used the sign-in up.
    assert (await browser.come_back(**brought)).headers["location"].startswith(f"{BACK}?code=")
    assert (await other.come_back(**theirs)).headers["location"].startswith(f"{BACK}?code=")


async def test_a_recent_sign_in_asks_for_the_account_again(browser):
    assert "prompt=select_account" in await browser.begin(again="true")
