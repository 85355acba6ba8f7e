"""Tokens: only those that identity signed, for us, and that haven't expired; keys rotate without signing anyone out."""

import time
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gatehouse_chassis.base.problems import Unauthenticated, Unavailable
from gatehouse_chassis.http.auth import KEYS_FRESH_FOR, LEAST_BETWEEN_FETCHES, Authenticator, PublicKeys
from gatehouse_chassis.testing import KEY_ID, TestTokens

PERSON = "019a0000-0001-7000-8000-000000000002"


def authenticator(tokens: TestTokens) -> Authenticator:
    return Authenticator(PublicKeys(tokens.jwks))


async def test_a_good_token_says_who_is_asking() -> None:
    tokens = TestTokens()
    actor = await authenticator(tokens).actor("Bearer " + tokens.token("member", person=PERSON, name="Noah"))
    assert actor.person == UUID(PERSON)
    assert actor.name == "Noah"
    assert actor.has("member")
    assert not actor.has("staff", "board")


async def test_an_admin_has_every_role() -> None:
    tokens = TestTokens()
    assert (await authenticator(tokens).actor("Bearer " + tokens.token("admin"))).has("board")


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1_000_000_000},
        {"aud": "elsewhere"},
        {"iss": "someone"},
        {"sub": "not-a-uuid"},
        {"roles": "admin"},
        {"person": 7},
    ],
)
async def test_a_token_with_a_wrong_claim_is_refused(claims: dict[str, Any]) -> None:
    tokens = TestTokens()
    with pytest.raises(Unauthenticated):
        await authenticator(tokens).actor("Bearer " + tokens.token("member", **claims))


async def test_a_token_of_another_key_is_refused_even_under_the_same_key_id() -> None:
    with pytest.raises(Unauthenticated):
        await authenticator(TestTokens()).actor("Bearer " + TestTokens().token("admin"))


async def test_unsigned_and_symmetric_tokens_are_refused() -> None:
    tokens = TestTokens()
    payload = jwt.decode(tokens.token("admin"), options={"verify_signature": False})
    public = (await tokens.jwks())["keys"][0]["x"]
    for forged in (
        jwt.encode(payload, "", algorithm="none", headers={"kid": KEY_ID}),
        jwt.encode(payload, public.ljust(64, "x"), algorithm="HS256", headers={"kid": KEY_ID}),
    ):
        with pytest.raises(Unauthenticated):
            await authenticator(tokens).actor(f"Bearer {forged}")


@pytest.mark.parametrize("header", [None, "", "Basic eDp5", "Bearer", "Bearer ", "Bearer x.y.z", "Bearer \x00"])
async def test_no_token_is_no_caller(header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        await authenticator(TestTokens()).actor(header)


async def test_a_checked_token_stops_working_when_it_expires() -> None:
    tokens = TestTokens()
    now = time.time()
    checking = Authenticator(PublicKeys(tokens.jwks), clock=lambda: now)
    header = "Bearer " + tokens.token("member", exp=int(now) + 2)
    await checking.actor(header)
    now += 60
    with pytest.raises(Unauthenticated):
        await checking.actor(header)


class Rotating:
    """Keys as identity publishes them over time; counts how often it is asked."""

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []
        self.asked = 0
        self.down = False

    async def __call__(self) -> dict[str, Any]:
        self.asked += 1
        if self.down:
            raise ConnectionError
        return {"keys": self.published}


async def published(key_id: str) -> dict[str, Any]:
    return {**(await TestTokens().jwks())["keys"][0], "kid": key_id}


async def test_an_unknown_key_id_makes_identity_be_asked_but_not_flooded() -> None:
    now = 1000.0
    source = Rotating()
    source.published = [await published("one")]
    keys = PublicKeys(source, clock=lambda: now)
    assert await keys.get("one") is not None
    for number in range(50):
        assert await keys.get(f"odd-{number}") is None
    assert source.asked == 1
    now += LEAST_BETWEEN_FETCHES + 1
    source.published.append(await published("two"))
    assert await keys.get("two") is not None
    assert await keys.get("one") is not None
    assert source.asked == 2


async def test_known_keys_outlive_identity_being_down() -> None:
    now = 1000.0
    source = Rotating()
    source.published = [await published("one")]
    keys = PublicKeys(source, clock=lambda: now)
    await keys.get("one")
    source.down = True
    now += KEYS_FRESH_FOR + 1
    assert await keys.get("one") is not None
    now += LEAST_BETWEEN_FETCHES + 1
    with pytest.raises(Unavailable):
        await keys.get("two")


async def test_a_withdrawn_key_is_forgotten_when_the_keys_are_fetched_again() -> None:
    now = 1000.0
    source = Rotating()
    source.published = [await published("one")]
    keys = PublicKeys(source, clock=lambda: now)
    await keys.get("one")
    source.published = [await published("two")]
    now += KEYS_FRESH_FOR + 1
    assert await keys.get("one") is None


async def test_keys_of_other_kinds_are_ignored() -> None:
    source = Rotating()
    source.published = [{"kty": "oct", "kid": "one", "k": "AAAA"}, await published("two")]
    keys = PublicKeys(source)
    assert await keys.get("one") is None
    assert isinstance(await keys.get("two"), type(Ed25519PrivateKey.generate().public_key()))
