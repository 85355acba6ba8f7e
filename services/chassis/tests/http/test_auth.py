"""Tokens: only those that identity signed, for us, and that haven't expired; keys rotate without signing anyone out."""

import asyncio
import time
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gatehouse_chassis.base.problems import Unauthenticated, Unavailable
from gatehouse_chassis.http.auth import (
    KEYS_FRESH_FOR,
    KEYS_TRUSTED_FOR,
    KEYS_USED_FOR,
    LEAST_BETWEEN_FETCHES,
    TOKEN_SECONDS,
    Authenticator,
    PublicKeys,
)
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


async def test_known_keys_outlive_identity_being_down_but_not_the_tokens_they_signed() -> None:
    now = 1000.0
    source = Rotating()
    source.published = [await published("one")]
    keys = PublicKeys(source, clock=lambda: now)
    await keys.get("one")
    source.down = True
    now += KEYS_USED_FOR + 1
    assert await keys.get("one") is not None
    now += LEAST_BETWEEN_FETCHES + 1
    with pytest.raises(Unavailable):
        await keys.get("two")
    now += KEYS_TRUSTED_FOR
    with pytest.raises(Unavailable):
        await keys.get("one")


async def test_nobody_waits_for_an_identity_that_hangs() -> None:
    now, answer, source = 1000.0, asyncio.Event(), Rotating()
    source.published = [await published("one")]

    async def fetch() -> dict[str, Any]:
        if source.asked:
            source.asked += 1
            await answer.wait()
        return await source()

    keys = PublicKeys(fetch, clock=lambda: now)
    await keys.get("one")
    now += KEYS_FRESH_FOR + 1
    assert [await keys.get("one") for _ in range(50)] != [None] * 50
    await asyncio.sleep(0)
    assert source.asked == 2  # one fetch is under way, for all of them
    answer.set()


async def test_a_withdrawn_key_is_forgotten_when_the_keys_are_fetched_again() -> None:
    now = 1000.0
    source = Rotating()
    source.published = [await published("one")]
    keys = PublicKeys(source, clock=lambda: now)
    await keys.get("one")
    source.published = [await published("two")]
    now += KEYS_USED_FOR + 1
    assert await keys.get("one") is None


class Revoking:
    """Identity's document of a test key, with what the test revokes."""

    def __init__(self) -> None:
        self.tokens = TestTokens()
        self.withdrawn = False
        self.more: dict[str, Any] = {}

    async def __call__(self) -> dict[str, Any]:
        return {} if self.withdrawn else {**await self.tokens.jwks(), **self.more}


ACCOUNT, SESSION = str(uuid4()), str(uuid4())


@pytest.mark.parametrize(
    "revoke",
    [
        lambda source: setattr(source, "withdrawn", True),
        lambda source: source.more.update(revoked=[SESSION]),
        lambda source: source.more.update(not_before={ACCOUNT: time.time() + 1}),
    ],
    ids=["key withdrawn", "session ended", "account or its roles changed"],
)
@pytest.mark.parametrize("seen", [True, False])
async def test_what_is_revoked_ends_within_a_minute_also_for_a_token_that_was_used_before(revoke, seen: bool) -> None:
    """Checked tokens were once remembered without the key and the session that made them good."""
    now, source = 1000.0, Revoking()
    checking = Authenticator(PublicKeys(source, clock=lambda: now))
    header = "Bearer " + source.tokens.token("admin", account=ACCOUNT, sid=SESSION)
    other = "Bearer " + source.tokens.token("admin", sid=str(uuid4()))
    await checking.actor(other)
    if seen:
        await checking.actor(header)
    revoke(source)
    now += KEYS_USED_FOR + 1  # and at most 10 s of age in identity itself
    with pytest.raises(Unauthenticated):
        await checking.actor(header)
    if not source.withdrawn:
        await checking.actor(other)


async def test_a_token_issued_after_the_change_is_good() -> None:
    source = Revoking()
    source.more = {"not_before": {ACCOUNT: time.time() - 1}, "revoked": [str(uuid4())]}
    checking = Authenticator(PublicKeys(source))
    await checking.actor("Bearer " + source.tokens.token("member", account=ACCOUNT, iat=time.time()))


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(time.time()) + 10**7},
        {"iat": int(time.time()) - 10 * TOKEN_SECONDS},
        {"exp": float("inf")},
        {"sid": 7},
        {"person": ["x"]},
    ],
)
async def test_a_token_that_would_live_too_long_or_says_nonsense_is_refused_whoever_signed_it(claims) -> None:
    tokens = TestTokens()
    with pytest.raises(Unauthenticated):
        await authenticator(tokens).actor("Bearer " + tokens.token("admin", **claims))


async def test_keys_of_other_kinds_are_ignored() -> None:
    source = Rotating()
    source.published = [{"kty": "oct", "kid": "one", "k": "AAAA"}, await published("two")]
    keys = PublicKeys(source)
    assert await keys.get("one") is None
    assert isinstance(await keys.get("two"), type(Ed25519PrivateKey.generate().public_key()))
