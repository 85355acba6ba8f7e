"""Signing in, staying signed in and signing out."""

import asyncio
import re
import time
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from gatehouse_chassis.testing import serving
from gatehouse_portal.app import create
from gatehouse_portal.tables import DB

ELSEWHERE = ["//evil.example", "https://evil.example/", "/\\evil.example", "/\t/evil.example", "javascript:alert(1)"]


def cookie(answer, name="gatehouse_session"):
    for header in answer.headers.get_list("set-cookie"):
        found = SimpleCookie(header).get(name)
        if found is not None:
            return found
    return None


async def test_a_page_leads_to_the_sign_in_page_and_back(browser) -> None:
    answer = await browser.see("/resources?kind=book")
    assert answer.status_code == 303
    where = answer.headers["location"]
    assert parse_qs(urlsplit(where).query)["then"] == ["/resources?kind=book"]
    assert "Noah Adeyemi" in (await browser.see(where)).text


async def test_the_session_cookie_is_kept_from_scripts_and_other_sites(browser) -> None:
    found = cookie(await browser.sign_in("member"))
    assert found is not None
    assert found["httponly"]
    assert found["samesite"] == "lax"
    assert found["path"] == "/"
    assert not found["secure"]  # the local platform has no TLS
    assert len(found.value) >= 43  # 256 bits


async def test_elsewhere_the_cookie_is_secure_and_personas_are_refused(service_url, peers, portal) -> None:
    peers.reset()
    environ = peers.environ | {"GATEHOUSE_ENVIRONMENT": "dev", "GATEHOUSE_PUBLIC_URL": "https://test"}
    await DB.close()  # the module's own application shares it
    async with (
        serving("portal", create, database_url=service_url, environ=environ, tokens=portal.tokens) as dev,
        peers.browser(dev, "https://test") as browser,
    ):
        page = await browser.see("/sign-in")
        assert page.headers["strict-transport-security"].startswith("max-age=")
        assert cookie(page, "gatehouse_visitor")["secure"]
        assert (await browser.submit("/sign-in/personas/member")).status_code == 404
    await DB.open(service_url, application_name="portal")


@pytest.mark.parametrize("then", ELSEWHERE)
async def test_nobody_is_sent_to_another_site_after_signing_in(browser, house, then: str) -> None:
    house.says("identity", "POST", "/api/identity/personas/member/sessions", house.session("member"), 201)
    await browser.see("/sign-in")
    answer = await browser.submit("/sign-in/personas/member", then=then)
    assert answer.headers["location"] == "/"
    assert (await browser.get("/sign-in", params={"then": then})).headers["location"] == "/"


async def test_the_provider_way_is_bound_to_this_browser_by_pkce(browser, house) -> None:
    begun = await browser.get("/sign-in/provider", params={"then": "/paths"})
    asked = urlsplit(begun.headers["location"])
    query = parse_qs(asked.query)
    assert asked.path == "/api/identity/sign-in"
    assert query["return_to"] == ["http://test/sign-in/callback"]
    assert re.fullmatch(r"[\w-]{43}", query["code_challenge"][0])
    house.says("identity", "POST", "/api/identity/sessions", house.session("member"), 201)
    answer = await browser.get("/sign-in/callback", params={"code": "one-time-code-of-identity"})
    assert answer.headers["location"] == "/paths"
    sent = [body for method, path, _, body in house["identity"].requests if path == "/api/identity/sessions"]
    assert b"one-time-code-of-identity" in sent[0]
    assert b"code_verifier" in sent[0]
    assert (await browser.see("/paths")).status_code == 200


async def test_github_is_offered_where_it_is_configured_and_asked_for(browser, house) -> None:
    options = {"provider": None, "github": True, "personas": False}
    house.says("identity", "GET", "/api/identity/sign-in/options", options)
    page = (await browser.see("/sign-in?then=/paths")).text
    assert 'href="/sign-in/provider?with=github&amp;then=/paths">Sign in with GitHub' in page
    assert "No way to sign in" not in page
    begun = await browser.get("/sign-in/provider", params={"with": "github"})
    assert parse_qs(urlsplit(begun.headers["location"]).query)["with"] == ["github"]
    assert (await browser.get("/sign-in/provider", params={"with": "another"})).status_code == 400


async def test_a_code_without_our_attempt_is_refused(browser, house) -> None:
    house.says("identity", "POST", "/api/identity/sessions", house.session("member"), 201)
    answer = await browser.get("/sign-in/callback", params={"code": "somebody-elses-one-time-code"})
    assert "didn’t work" in answer.text
    assert cookie(answer) is None
    assert "/api/identity/sessions" not in [path for _, path, _, _ in house["identity"].requests]


async def test_what_the_provider_refused_is_said(browser) -> None:
    await browser.get("/sign-in/provider")
    answer = await browser.get("/sign-in/callback", params={"error": "archived"})
    assert "archived" in answer.text


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "http://["}, {"Sec-Fetch-Site": "cross-site"}]
)
async def test_a_form_from_another_site_is_refused(browser, headers: dict[str, str]) -> None:
    await browser.sign_in("member")
    answer = await browser.submit("/sign-out", headers=headers)
    assert answer.status_code == 403
    assert (await browser.see("/paths")).status_code == 200


async def test_a_form_without_this_sessions_token_is_refused(browser) -> None:
    await browser.see("/sign-in")
    before = browser.token
    await browser.sign_in("member")
    for token in ("", "0" * 64, before):
        answer = await browser.post("/sign-out", data={"form_token": token})
        assert answer.status_code == 403
    assert (await browser.see("/paths")).status_code == 200


async def test_signing_out_ends_the_session_here_and_at_identity(browser, house) -> None:
    await browser.sign_in("member")
    kept = browser.cookies["gatehouse_session"]
    answer = await browser.submit("/sign-out")
    assert answer.headers["location"] == "/sign-in"
    assert ("DELETE", "/api/identity/sessions/current") in [(one[0], one[1]) for one in house["identity"].requests]
    browser.cookies.set("gatehouse_session", kept)
    assert (await browser.get("/paths")).status_code == 303


async def test_signing_out_works_while_identity_is_away(browser, house) -> None:
    await browser.sign_in("member")
    house.says("identity", "DELETE", "/api/identity/sessions/current", {}, 500)
    assert (await browser.submit("/sign-out")).status_code == 303
    assert (await browser.get("/paths")).status_code == 303


async def test_requests_that_arrive_together_refresh_once(browser, house) -> None:
    await browser.sign_in("member", expires_in=30)
    house["identity"].requests.clear()
    house.says("identity", "POST", "/api/identity/sessions/refresh", house.session("member", "sre"))
    answers = await asyncio.gather(*(browser.get("/paths") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert [one[1] for one in house["identity"].requests].count("/api/identity/sessions/refresh") == 1
    assert (await browser.get("/admin")).status_code == 200  # with the roles of the new token


async def test_requests_with_an_ended_token_wait_for_one_refresh(browser, house) -> None:
    await browser.sign_in("member", expires_in=0)
    house["identity"].requests.clear()
    house.says("identity", "POST", "/api/identity/sessions/refresh", house.session("member"))
    answers = await asyncio.gather(*(browser.get("/paths") for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert [one[1] for one in house["identity"].requests].count("/api/identity/sessions/refresh") <= 1


async def test_a_session_that_identity_has_ended_leads_to_the_sign_in_page(browser, house) -> None:
    await browser.sign_in("member")
    await _expire(house)
    house.says("identity", "POST", "/api/identity/sessions/refresh", {"status": 401}, 401)
    assert (await browser.get("/paths")).headers["location"].startswith("/sign-in")


async def test_a_revoked_access_token_is_replaced_and_nobody_is_signed_out(browser, portal, house) -> None:
    """The account's roles changed: services refuse the token at once, and identity issues another."""
    now = int(time.time())
    await browser.sign_in("member", iat=now - 100, exp=now + 500)
    house["identity"].requests.clear()
    house.says("identity", "POST", "/api/identity/sessions/refresh", house.session("member", "sre"))

    async def revoking() -> dict:
        return {**await house.tokens.jwks(), "not_before": {house.account: now - 50}}

    portal.app.state.authenticator.trust(revoking)
    try:
        answers = await asyncio.gather(*(browser.get("/paths") for _ in range(4)))
        assert {answer.status_code for answer in answers} == {200}
        assert (await browser.get("/admin")).status_code == 200  # with the roles of the new token
    finally:
        portal.app.state.authenticator.trust(house.tokens.jwks)
    assert [one[1] for one in house["identity"].requests].count("/api/identity/sessions/refresh") == 1


async def test_neither_cookie_nor_tokens_can_be_read_from_the_database(browser, house, service_url) -> None:
    await browser.sign_in("member")
    issued = house["identity"].answers["POST", "/api/identity/personas/member/sessions"][1]
    value = browser.cookies["gatehouse_session"].encode()
    with psycopg.connect(service_url) as connection:
        rows = connection.execute("select * from portal.session where account_id = %s", [house.account]).fetchall()
    stored = b"".join(part for row in rows for part in row if isinstance(part, bytes))
    assert rows
    assert value not in stored
    assert b"family.first-token" not in stored
    assert issued["access_token"].encode() not in stored


async def test_a_secret_that_is_missing_stops_the_start(service_url, peers) -> None:
    environ = {key: value for key, value in peers.environ.items() if "SECRET" not in key}
    await DB.close()
    with pytest.raises(BaseExceptionGroup) as caught:
        async with serving("portal", create, database_url=service_url, environ=environ):
            pass
    assert "portal.session_secret" in str(caught.value.exceptions)


async def _expire(house) -> None:
    await DB.execute("update portal.session set access_expires_at = now() where account_id = $1", house.account)
