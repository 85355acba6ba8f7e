"""Tokens: only those that identity signed, for us, and that haven't expired; keys rotate without signing anyone out."""

import asyncio
import time
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gatehouse_chassis.base.actor import EVERY_SERVICE
from gatehouse_chassis.base.problems import Unauthenticated, Unavailable
from gatehouse_chassis.http.auth import (
    CLOCK_SKEW,
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
    return Authenticator(PublicKeys(tokens.jwks), audiences=[EVERY_SERVICE])


async def test_a_good_token_says_who_is_asking() -> None:
    tokens = TestTokens()
    actor = await authenticator(tokens).actor("Bearer " + tokens.token("member", person=PERSON, name="Noah"))
    assert actor.person == UUID(PERSON)
    assert actor.name == "Noah"
    assert actor.has("member")
    assert not actor.has("staff", "board")


async def test_a_token_is_for_one_service() -> None:
    tokens = TestTokens()
    topics = Authenticator(PublicKeys(tokens.jwks), audiences=["topics"])
    assert (await topics.actor("Bearer " + tokens.token("member", aud="topics"))).has("member")
    for audience in ("person", "topic", ["person", "identity"], EVERY_SERVICE, "", None):
        with pytest.raises(Unauthenticated):
            await topics.actor("Bearer " + tokens.token("admin", aud=audience))


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
    checking = Authenticator(PublicKeys(tokens.jwks), audiences=[EVERY_SERVICE], clock=lambda: now)
    header = "Bearer " + tokens.token("member", exp=int(now) + 2)
    await checking.actor(header)
    now += 60
    with pytest.raises(Unauthenticated):
        await checking.actor(header)


async def test_a_token_is_good_until_it_expired_by_more_than_clocks_differ() -> None:
    tokens, now = TestTokens(), time.time()
    ends = int(now) + 2
    checking = Authenticator(PublicKeys(tokens.jwks), audiences=[EVERY_SERVICE], clock=lambda: now)
    header = "Bearer " + tokens.token("member", exp=ends)
    await checking.actor(header)
    now = ends + CLOCK_SKEW - 0.5
    await checking.actor(header)
    now = float(ends + CLOCK_SKEW)
    for anyone in (checking, Authenticator(PublicKeys(tokens.jwks), audiences=[EVERY_SERVICE], clock=lambda: now)):
        with pytest.raises(Unauthenticated, match="has expired; refresh the session"):
            await anyone.actor(header)


async def test_only_the_authenticators_clock_says_what_has_expired() -> None:
    tokens, now = TestTokens(), time.time() - 1000
    checking = Authenticator(PublicKeys(tokens.jwks), audiences=[EVERY_SERVICE], clock=lambda: now)
    await checking.actor("Bearer " + tokens.token("member", iat=int(now), exp=int(now) + 100))


async def test_a_token_that_is_remembered_is_not_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even in the seconds by which clocks may differ: those of an expired token are many."""
    tokens, now = TestTokens(), time.time()
    checking = Authenticator(PublicKeys(tokens.jwks), audiences=[EVERY_SERVICE], clock=lambda: now)
    header = "Bearer " + tokens.token("member", exp=int(now) + 2)
    actor = await checking.actor(header)
    now += 3
    monkeypatch.setattr("gatehouse_chassis.http.auth.jwt.decode", None)
    assert await checking.actor(header) is actor


async def test_a_token_may_claim_to_live_just_as_long_as_tokens_do() -> None:
    tokens, issued = TestTokens(), int(time.time())
    checking = authenticator(tokens)
    await checking.actor("Bearer " + tokens.token("member", iat=issued, exp=issued + TOKEN_SECONDS + CLOCK_SKEW))
    with pytest.raises(Unauthenticated, match="longer than tokens do"):
        await checking.actor(
            "Bearer " + tokens.token("member", iat=issued, exp=issued + TOKEN_SECONDS + CLOCK_SKEW + 1)
        )


async def test_a_good_token_under_another_scheme_is_no_token() -> None:
    tokens = TestTokens()
    with pytest.raises(Unauthenticated):
        await authenticator(tokens).actor("Basic " + tokens.token("member"))


async def test_the_tokens_checked_last_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatehouse_chassis.http.auth.REMEMBERED_TOKENS", 2)
    tokens = TestTokens()
    checking = authenticator(tokens)
    given = [tokens.token("member", sid=str(uuid4())) for _ in range(3)]
    for number, token in enumerate(given, 1):
        await checking.actor(f"Bearer {token}")
        assert list(checking._checked) == given[max(0, number - 2) : number]


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


async def test_the_document_is_fetched_when_it_is_due_and_not_before() -> None:
    now, source = 1000.0, Rotating()
    source.published = [await published("one")]
    keys = PublicKeys(source, clock=lambda: now)
    await keys.get("one")
    now += LEAST_BETWEEN_FETCHES
    assert await keys.get("two") is None
    assert source.asked == 2, "an unknown key, as soon as identity may be asked again"
    now += KEYS_FRESH_FOR
    assert not keys.is_stale
    now += 0.1
    assert keys.is_stale
    source.down = True
    for asked in (3, 4):  # it fails, and is tried again as soon as it may be
        for _ in range(3):
            await keys.keep_fresh()
            await asyncio.sleep(0)
        assert source.asked == asked
        now += LEAST_BETWEEN_FETCHES
    now = 1000.0 + LEAST_BETWEEN_FETCHES + KEYS_TRUSTED_FOR
    assert await keys.get("one") is not None
    now += 0.1
    with pytest.raises(Unavailable):
        await keys.get("one")


async def test_who_comes_while_the_first_document_is_fetched_waits_for_it() -> None:
    now, answer, source = 1000.0, asyncio.Event(), Rotating()
    source.published = [await published("one")]

    async def fetch() -> dict[str, Any]:
        await answer.wait()
        return await source()

    keys = PublicKeys(fetch, clock=lambda: now)
    waiting = []
    for _ in range(3):  # the others come while the first one's fetch is under way
        waiting.append(asyncio.create_task(keys.get("one")))
        for _ in range(3):
            await asyncio.sleep(0)
    answer.set()
    assert None not in await asyncio.gather(*waiting)
    assert source.asked == 1


async def test_nobody_waits_for_an_identity_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatehouse_chassis.http.auth.LONGEST_WAIT", 1000.0)
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
    async with asyncio.timeout(60):
        assert None not in [await keys.get("one") for _ in range(50)]
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
    checking = Authenticator(PublicKeys(source, clock=lambda: now), audiences=[EVERY_SERVICE])
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


async def test_a_token_issued_at_the_change_or_after_it_is_good() -> None:
    source, changed = Revoking(), int(time.time()) - 10
    source.more = {"not_before": {ACCOUNT: changed}, "revoked": [str(uuid4())]}
    checking = Authenticator(PublicKeys(source), audiences=[EVERY_SERVICE])
    for issued in (changed, changed + 1):
        await checking.actor("Bearer " + source.tokens.token("member", account=ACCOUNT, iat=issued, exp=issued + 60))
    with pytest.raises(Unauthenticated, match="was revoked"):
        await checking.actor(
            "Bearer " + source.tokens.token("member", account=ACCOUNT, iat=changed - 1, exp=changed + 60)
        )


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
    other = {**await published("three"), "crv": "X25519"}
    source.published = [{"kty": "oct", "kid": "one", "k": "AAAA"}, await published("two"), other]
    keys = PublicKeys(source)
    assert await keys.get("one") is None
    assert await keys.get("three") is None
    assert isinstance(await keys.get("two"), type(Ed25519PrivateKey.generate().public_key()))
