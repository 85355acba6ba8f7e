"""Checks bearer tokens: EdDSA JWTs against the public keys (JWKS) that identity publishes.

Keys are cached and fetched again when a token names one that isn't known, at most once in five seconds, so that
identity can rotate keys without anyone being signed out, and an unknown key id can't be used to flood identity.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import jwt
import msgspec
from jwt.algorithms import OKPAlgorithm

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Unauthenticated, Unavailable

ISSUER = "gatehouse"
AUDIENCE = "gatehouse"
ALGORITHM = "EdDSA"
# Seconds. A key that identity has withdrawn is trusted at most this long after.
KEYS_FRESH_FOR = 300.0
LEAST_BETWEEN_FETCHES = 5.0
REMEMBERED_TOKENS = 2048
CLOCK_SKEW = 5

Jwks = dict[str, Any]
FetchKeys = Callable[[], Awaitable[Jwks]]


class PublicKeys:
    """The public keys by key id, fetched by `fetch` (an async function that returns a JWKS) when needed."""

    def __init__(self, fetch: FetchKeys, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, Any] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._lock = asyncio.Lock()

    async def get(self, key_id: str) -> Any | None:
        """The key, or None when identity doesn't know it. Raises Unavailable when identity can't be asked."""
        stale = self._clock() - self._fetched_at > KEYS_FRESH_FOR
        if key_id in self._keys and not stale:
            return self._keys[key_id]
        async with self._lock:
            asked_just_now = self._clock() - self._tried_at < LEAST_BETWEEN_FETCHES
            fresh = self._clock() - self._fetched_at <= KEYS_FRESH_FOR
            if not asked_just_now and not (key_id in self._keys and fresh):
                await self._refresh(key_id)
        return self._keys.get(key_id)

    async def _refresh(self, key_id: str) -> None:
        self._tried_at = self._clock()
        try:
            found = await self._fetch()
        except Exception as error:
            if key_id in self._keys:  # better an old key than everyone signed out while identity restarts
                return
            message = "The keys that tokens are signed with can't be fetched from identity now; try again."
            raise Unavailable(message) from error
        self._keys = {
            key["kid"]: OKPAlgorithm.from_jwk(key)
            for key in found.get("keys", [])
            if key.get("kty") == "OKP" and key.get("crv") == "Ed25519"
        }
        self._fetched_at = self._clock()


class Authenticator:
    """Turns an Authorization header into an Actor, remembering tokens that it has checked until they expire."""

    def __init__(self, keys: PublicKeys, clock: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._clock = clock
        self._checked: OrderedDict[str, Actor] = OrderedDict()

    def trust(self, fetch: FetchKeys) -> None:
        """Take keys from `fetch` from now on, and forget all tokens checked so far."""
        self._keys = PublicKeys(fetch)
        self._checked.clear()

    async def actor(self, authorization: str | None) -> Actor:
        """The caller. Raises Unauthenticated with the reason when there is no valid token."""
        if not authorization:
            raise Unauthenticated
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated
        known = self._checked.get(token)
        if known is not None:
            if known.expires_at + CLOCK_SKEW > self._clock():
                return known
            del self._checked[token]
        actor = await self._verify(token)
        self._checked[token] = actor
        if len(self._checked) > REMEMBERED_TOKENS:
            self._checked.popitem(last=False)
        return actor

    async def _verify(self, token: str) -> Actor:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError:
            raise Unauthenticated("The token is malformed; sign in again.") from None
        key = await self._keys.get(str(header.get("kid", "")))
        if key is None or header.get("alg") != ALGORITHM:
            raise Unauthenticated("The token is signed with a key that identity doesn't publish; sign in again.")
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=CLOCK_SKEW,
                options={"require": ["exp", "iat", "sub"], "verify_exp": False},
            )
        except jwt.InvalidTokenError:
            raise Unauthenticated("The token isn't valid here; sign in again.") from None
        actor = _actor(claims, token)
        if actor.expires_at + CLOCK_SKEW <= self._clock():
            raise Unauthenticated("The token has expired; refresh the session.")
        return actor


def _actor(claims: dict[str, Any], token: str) -> Actor:
    try:
        return Actor(
            account=UUID(claims["sub"]),
            person=UUID(claims["person"]) if claims.get("person") else None,
            name=str(claims.get("name", "")),
            kind=str(claims.get("kind", "person")),
            roles=frozenset(msgspec.convert(claims.get("roles", []), list[str])),
            session=UUID(claims["sid"]) if claims.get("sid") else None,
            expires_at=int(claims["exp"]),
            token=token,
        )
    except (ValueError, msgspec.ValidationError):
        raise Unauthenticated("The token's claims can't be read; sign in again.") from None
