"""Signing in with an OpenID Connect provider: a real little one on loopback, and what an attacker would try."""

import asyncio
import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_identity.digests import challenge_of, new_secret
from gatehouse_identity.sign_in.flow import is_ours

SIGN_IN = "/api/identity/sign-in"
PUBLIC_URL = "http://localhost:8400"
BACK = f"{PUBLIC_URL}/signed-in"


def unverified(tokens: dict[str, Any]) -> dict[str, Any]:
    return jwt.decode(tokens["access_token"], options={"verify_signature": False})


async def test_someone_new_gets_an_account_without_roles(browser):
    me = await browser.sign_in()
    assert (me["name"], me["email"], me["roles"]) == ("Nia Okoro", browser.provider.person["email"], [])


async def test_a_session_is_as_old_as_what_the_provider_authenticated(browser, identity):
    an_hour_ago = round(time.time()) - 3600
    browser.provider.spoil = {"auth_time": an_hour_ago}
    tokens = (await browser.redeem((await browser.outcome())["code"])).json()
    assert unverified(tokens)["auth_time"] == an_hour_ago
    answer = await identity.post("/api/identity/sessions/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert unverified(answer.json())["auth_time"] == an_hour_ago


async def test_where_the_provider_says_nothing_a_session_is_as_old_as_itself(browser, identity):
    tokens = (await browser.redeem((await browser.outcome())["code"])).json()
    begun = unverified(tokens)["auth_time"]
    assert begun == pytest.approx(unverified(tokens)["iat"], abs=60)
    answer = await identity.post("/api/identity/sessions/refresh", json={"refresh_token": tokens["refresh_token"]})
    # The session began before its first token was made, by as long as the machine took; a refresh comes after both.
    assert begun - 60 <= unverified(answer.json())["auth_time"] <= begun


@pytest.mark.parametrize(("moment", "error"), [(1e300, "not_proven"), ("today", "not_proven"), (True, "not_proven")])
async def test_a_moment_that_is_none_proves_nothing(browser, moment, error):
    browser.provider.spoil = {"auth_time": moment}
    assert (await browser.outcome())["error"] == error


async def test_a_moment_in_the_future_is_no_longer_recent_later_than_now(browser):
    browser.provider.spoil = {"auth_time": time.time() + 86_400}
    tokens = (await browser.redeem((await browser.outcome())["code"])).json()
    assert unverified(tokens)["auth_time"] <= unverified(tokens)["iat"]


async def test_the_provider_is_asked_to_authenticate_anew_only_when_told(browser, identity):
    params = {"return_to": BACK, "code_challenge": challenge_of(browser.verifier)}
    asked = [
        parse_qs(urlsplit((await identity.get(SIGN_IN, params=params | more)).headers["location"]).query)
        for more in ({}, {"again": "true"})
    ]
    assert [(query.get("prompt"), query.get("max_age")) for query in asked] == [(None, None), (["login"], ["0"])]


async def test_who_comes_again_has_the_same_account_whatever_the_address_now(browser):
    first = await browser.sign_in()
    browser.provider.person |= {"email": "moved@example.org", "email_verified": False}
    assert (await browser.sign_in())["id"] == first["id"]


async def test_a_verified_address_finds_the_account_that_waits_for_it(browser, identity):
    browser.provider.person["email"] = "Sunita.Rao@example.org"
    me = await browser.sign_in()
    assert (me["name"], me["roles"]) == ("Sunita Rao", ["engineer", "sre"])
    # Now it belongs to that subject: another one with the same address is somebody else.
    browser.provider.person["sub"] = "somebody-else"
    assert await browser.outcome() == {"error": "email_taken"}


async def test_no_letter_that_the_database_takes_for_another_finds_an_account(browser):
    """KELVIN SIGN: PostgreSQL's lower() makes it a k. Whoever has such an address verified took over the account."""
    browser.provider.person |= {"email": "\u212aofi.mensah@example.org", "email_verified": True}
    assert await browser.outcome() == {"error": "email_not_verified"}


async def test_an_address_that_is_not_verified_links_nothing(browser):
    browser.provider.person |= {"email": "kofi.mensah@example.org", "email_verified": False}
    assert await browser.outcome() == {"error": "email_not_verified"}


async def test_an_archived_account_does_not_sign_in(browser):
    browser.provider.person["email"] = "hana.sato@example.org"
    assert await browser.outcome() == {"error": "archived"}


async def test_the_address_may_stand_in_userinfo(browser):
    told = dict(browser.provider.person)
    browser.provider.userinfo = told
    browser.provider.spoil = {"email": None, "email_verified": None}
    assert (await browser.sign_in())["email"] == told["email"]
    browser.provider.userinfo = {**told, "sub": "somebody-else"}
    assert await browser.outcome() == {"error": "not_proven"}


async def test_saying_no_at_the_provider_leads_back(browser):
    brought = browser.provider.authorize(await browser.begin())
    answer = await browser.come_back(state=brought["state"], error="access_denied")
    assert answer.headers["location"] == f"{BACK}?error=access_denied"


async def test_a_state_that_nobody_began_with_is_refused(browser):
    answer = await browser.come_back(code="anything", state=new_secret())
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "state")


async def test_an_answer_counts_once(browser):
    brought = browser.provider.authorize(await browser.begin())
    assert (await browser.come_back(**brought)).status_code == 302
    assert (await browser.come_back(**brought)).status_code == 400


async def test_a_code_of_another_sign_in_is_not_taken(browser):
    """The provider's code is bound to the verifier of the sign-in that asked for it."""
    others = browser.provider.authorize(await browser.begin())
    assert await browser.outcome(code=others["code"]) == {"error": "not_proven"}


async def test_a_one_time_code_is_redeemed_once(browser):
    code = (await browser.outcome())["code"]
    assert (await browser.redeem(code)).status_code == 201
    again = await browser.redeem(code)
    assert (again.status_code, again.json()["errors"][0]["field"]) == (400, "code")


async def test_a_stolen_one_time_code_is_worth_nothing_and_used_up(browser):
    code = (await browser.outcome())["code"]
    assert (await browser.redeem(code, new_secret())).status_code == 400
    assert (await browser.redeem(code)).status_code == 400


async def test_a_one_time_code_is_good_for_a_minute(browser):
    from gatehouse_identity.tables import DB

    code = (await browser.outcome())["code"]
    await DB.execute("update identity.sign_in set expires_at = expires_at - interval '61 seconds'")
    assert (await browser.redeem(code)).status_code == 400


async def test_a_sign_in_is_under_way_for_ten_minutes(browser):
    from gatehouse_identity.tables import DB

    brought = browser.provider.authorize(await browser.begin())
    await DB.execute("update identity.sign_in set expires_at = now()")
    assert (await browser.come_back(**brought)).status_code == 400


@pytest.mark.parametrize(
    "spoilt",
    [
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": ["gatehouse", "another-client"]},
        {"aud": ["gatehouse", "another-client"], "azp": "another-client"},
        {"azp": "another-client"},
        {"azp": ""},
        {"iss": "https://another.example.org"},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"iat": 4_000_000_000},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": "nul\x00"},
        {"sub": 7},
    ],
    ids=str,
)
async def test_an_id_token_with_a_wrong_claim_proves_nothing(browser, spoilt):
    browser.provider.spoil = spoilt
    assert await browser.outcome() == {"error": "not_proven"}


def with_algorithm_none(provider: Any) -> Any:
    return lambda claims: jwt.encode(claims, "", algorithm="none", headers={"kid": provider.key_id})


def with_the_public_key_as_a_secret(provider: Any) -> Any:
    import base64
    import hashlib
    import hmac

    public = provider.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def part(value: bytes) -> bytes:
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    def sign(claims: dict[str, Any]) -> str:
        header = {"alg": "HS256", "typ": "JWT", "kid": provider.key_id}
        signed = part(json.dumps(header).encode()) + b"." + part(json.dumps(claims).encode())
        return (signed + b"." + part(hmac.digest(public, signed, hashlib.sha256))).decode()

    return sign


def with_a_key_of_ones_own(provider: Any) -> Any:
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return lambda claims: jwt.encode(claims, own, algorithm="RS256", headers={"kid": provider.key_id})


def with_a_key_that_is_not_published(provider: Any) -> Any:
    return lambda claims: jwt.encode(claims, provider.key, algorithm="RS256", headers={"kid": "unknown"})


def with_another_algorithm_of_the_same_key(provider: Any) -> Any:
    return lambda claims: jwt.encode(claims, provider.key, algorithm="PS256", headers={"kid": provider.key_id})


def not_at_all(provider: Any) -> Any:
    return lambda claims: "not a token"


@pytest.mark.parametrize(
    "forged",
    [
        with_algorithm_none,
        with_the_public_key_as_a_secret,
        with_a_key_of_ones_own,
        with_a_key_that_is_not_published,
        with_another_algorithm_of_the_same_key,
        not_at_all,
    ],
    ids=lambda forged: forged.__name__,
)
async def test_an_id_token_that_is_signed_otherwise_proves_nothing(browser, forged):
    browser.provider.sign = forged(browser.provider)
    assert await browser.outcome() == {"error": "not_proven"}


async def test_an_answer_from_another_issuer_is_not_taken(browser):
    """The mix-up attack of RFC 9207."""
    assert await browser.outcome(iss="https://another.example.org") == {"error": "not_proven"}
    assert "code" in await browser.outcome(iss=browser.provider.url)


async def test_a_name_is_made_one_line(browser):
    browser.provider.person["name"] = "  Nia\n\x00 Okoro\u2028 "
    assert (await browser.sign_in())["name"] == "Nia Okoro"
    browser.provider.reset()
    browser.provider.person |= {"name": "\n", "email": "no.name@example.org"}
    assert (await browser.sign_in())["name"] == "no.name"


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example.org/",
        "//evil.example.org",
        "/relative",
        "http://localhost:8400.evil.example.org/",
        "http://localhost:8400@evil.example.org/",
        "http://localhost:84001/",
        "https://localhost:8400/",
        "http://localhost:8400\\@evil.example.org",
        "http://localhost:8400/\r\nLocation: https://evil.example.org",
        "http://localhost:8400/%2e%2e/%2E./",
        "javascript:alert(1)",
        "http://LOCALHOST:8400/\x00",
        "",
    ],
)
async def test_nobody_is_sent_elsewhere(browser, address):
    params = {"return_to": address, "code_challenge": challenge_of(browser.verifier)}
    answer = await browser.identity.get(SIGN_IN, params=params)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "return_to")


@given(st.one_of(st.text(), st.text(alphabet="htp:/\\.@#?%25e l0calhost84")), st.sampled_from(["", PUBLIC_URL]))
def test_whatever_is_ours_begins_with_our_origin_and_a_boundary(text, before):
    address = before + text
    if is_ours(address, PUBLIC_URL):
        rest = address.removeprefix(PUBLIC_URL)
        assert rest != address
        assert rest == "" or rest[0] in "/?#"


def test_below_a_path_means_below_it():
    assert is_ours("https://example.org/gate/home?tab=1", "https://example.org/gate")
    assert not is_ours("https://example.org/gatecrasher", "https://example.org/gate")
    assert not is_ours("https://example.org/gate/%252e%252e/other", "https://example.org/gate")


@pytest.mark.parametrize("challenge", ["", "short", "x" * 44, "!" * 43])
async def test_a_sign_in_needs_a_challenge(browser, challenge):
    answer = await browser.identity.get(SIGN_IN, params={"return_to": BACK, "code_challenge": challenge})
    assert answer.status_code == 400


async def test_two_first_sign_ins_at_once_make_one_account(browser):
    tabs = [type(browser)(browser.identity, browser.provider) for _ in range(2)]
    brought = [browser.provider.authorize(await tab.begin()) for tab in tabs]
    answers = await asyncio.gather(*(tab.come_back(**one) for tab, one in zip(tabs, brought, strict=True)))
    assert all("code=" in answer.headers["location"] for answer in answers)


async def test_without_a_client_id_github_is_no_way_to_sign_in(identity):
    params = {"return_to": BACK, "code_challenge": challenge_of(new_secret()), "with": "github"}
    answer = await identity.get(SIGN_IN, params=params)
    assert answer.status_code == 503
    assert "github_client_id" in answer.json()["detail"]


async def test_how_one_can_sign_in_is_told(identity):
    options = (await identity.get(f"{SIGN_IN}/options")).json()
    assert options == {"provider": "Little Provider", "github": False, "personas": True}


async def test_the_provider_may_rotate_its_keys(browser, monkeypatch):
    from gatehouse_identity import oidc

    await browser.sign_in()
    # Keys that aren't known are asked for at most every five seconds; this isn't about that.
    monkeypatch.setattr(oidc, "LEAST_BETWEEN_FETCHES", 0.0)
    browser.provider.rotate()
    assert (await browser.sign_in())["name"] == "Nia Okoro"
