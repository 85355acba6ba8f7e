"""Checks bearer tokens: EdDSA JWTs against the public keys (JWKS) that identity publishes.

A token says for ten minutes what was true when it was issued. So the JWKS carries what ended since: `revoked` (ids of
sessions) and `not_before` (by account or service client, seconds since 1970: tokens issued earlier are void). Both, and
the withdrawal of a key, act in every service within 60 s: identity's document is at most 10 s old, and is fetched again
every 20 s while requests come. A fetch runs beside the requests, which wait for it only when the document is too old.

A token is for one service, which its `aud` names: what a service was shown opens no other one. A service that calls
another for its caller exchanges the token first (service/token_exchange.py). Only the personas of the local environment
get tokens for every service.

A token that was checked is remembered together with the key that it was checked with, and is good only while that very
key is published and nothing revokes it: two dictionary look-ups a request.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import Context
from typing import Any, NamedTuple
from uuid import UUID

import jwt
import msgspec
import structlog
from jwt.algorithms import OKPAlgorithm

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Unauthenticated, Unavailable

ISSUER = "gatehouse"
ALGORITHM = "EdDSA"
# Seconds that a token lives; one that claims more is void, whoever signed it.
TOKEN_SECONDS = 600
# Seconds after which the document is fetched again, and after which requests wait for that.
KEYS_FRESH_FOR = 20.0
KEYS_USED_FOR = 45.0
# Seconds. While identity can't be reached, its last document is used this long: no token issued before lives longer.
KEYS_TRUSTED_FOR = TOKEN_SECONDS + 60.0
LEAST_BETWEEN_FETCHES = 5.0
LONGEST_WAIT = 1.0
UNREACHABLE = "The keys that tokens are signed with can't be fetched from identity now; try again."
REMEMBERED_TOKENS = 2048
CLOCK_SKEW = 5

Jwks = dict[str, Any]
FetchKeys = Callable[[], Awaitable[Jwks]]
log = structlog.get_logger()


class PublicKeys:
    """identity's document: public keys by key id, and what has been revoked.

    Args:
        fetch: Gets the document, a JWKS with `revoked` and `not_before`.
        clock: Seconds that only grow.

    Attributes:
        keys: The public keys by key id. A key that is published again is another object.
        revoked: Ids of sessions that ended while tokens of theirs may live.
        not_before: By account or service client: tokens issued before that moment are void.
    """

    def __init__(self, fetch: FetchKeys, clock: Callable[[], float] = time.monotonic) -> None:
        self.keys: dict[str, Any] = {}
        self.revoked: frozenset[UUID] = frozenset()
        self.not_before: Mapping[UUID, float] = {}
        self._fetch = fetch
        self._clock = clock
        self._published: dict[str, Any] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    @property
    def is_stale(self) -> bool:
        """Whether the document is due to be fetched again (`keep_fresh`)."""
        return self._clock() - self._fetched_at > KEYS_FRESH_FOR

    async def get(self, key_id: str) -> Any | None:
        """The key, or None when identity doesn't publish it. Raises Unavailable when identity can't be asked."""
        if self.is_stale:
            await self.keep_fresh()
        if key_id not in self.keys and self._clock() - self._tried_at >= LEAST_BETWEEN_FETCHES:
            await asyncio.wait({self._refreshed()})
        if key_id not in self.keys and self.is_stale:
            raise Unavailable(UNREACHABLE)
        return self.keys.get(key_id)

    async def keep_fresh(self) -> None:
        """Fetch the document again; wait for it where it is old. Raises Unavailable when it is too old to be trusted.

        Nobody waits for an identity that didn't answer the last time: who has a token goes on while it is down.
        """
        age = self._clock() - self._fetched_at
        is_failing = self._tried_at > self._fetched_at
        if self._clock() - self._tried_at >= LEAST_BETWEEN_FETCHES or self._is_fetching:
            fetching = self._refreshed()
            if age > KEYS_TRUSTED_FOR:
                await asyncio.wait({fetching})
            elif age > KEYS_USED_FOR and not is_failing:
                await asyncio.wait({fetching}, timeout=LONGEST_WAIT)
        if self._clock() - self._fetched_at > KEYS_TRUSTED_FOR:
            raise Unavailable(UNREACHABLE)

    @property
    def _is_fetching(self) -> bool:
        return self._fetching is not None and not self._fetching.done()

    def _refreshed(self) -> "asyncio.Task[None]":
        """The fetch under way, or a new one; of no request, so that no caller's deadline or cancellation ends it."""
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._refresh(), context=Context())
        return self._fetching

    async def _refresh(self) -> None:
        """One fetch. One that fails leaves what is known: identity restarts more often than it revokes."""
        self._tried_at = self._clock()
        try:
            document = await self._fetch()
            published = {
                key["kid"]: key
                for key in document.get("keys", [])
                if key.get("kty") == "OKP" and key.get("crv") == "Ed25519"
            }
            revoked = frozenset(UUID(session) for session in document.get("revoked", ()))
            not_before = {UUID(id): float(moment) for id, moment in document.get("not_before", {}).items()}
            keys = {
                kid: self.keys[kid] if self._published.get(kid) == key else OKPAlgorithm.from_jwk(key)
                for kid, key in published.items()
            }
        except Exception as error:
            log.warning("identity's keys can't be fetched", kind=type(error).__name__)
            return
        self.keys, self.revoked, self.not_before, self._published = keys, revoked, not_before, published
        self._fetched_at = self._clock()


class CheckedToken(NamedTuple):
    """A token that was checked: whose it is, by which key, and when it was issued (seconds since 1970).

    `acting` is the service that got it by exchange, for who is in `actor`; empty for a token of its holder's own.
    """

    actor: Actor
    key_id: str
    key: Any
    issued_at: float
    acting: str = ""


class Authenticator:
    """Turns an Authorization header into an Actor, and remembers the tokens that it has checked.

    Args:
        keys: identity's.
        audiences: Whom a token must be for; one of these is enough.
        clock: Seconds since 1970.
    """

    def __init__(self, keys: PublicKeys, *, audiences: Sequence[str], clock: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._audiences = audiences
        self._clock = clock
        self._checked: OrderedDict[str, CheckedToken] = OrderedDict()

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
            if self._keys.is_stale:
                await self._keys.keep_fresh()
            if (
                self._keys.keys.get(known.key_id) is known.key
                and known.actor.expires_at + CLOCK_SKEW > self._clock()
                and not self._is_revoked(known)
            ):
                return known.actor
            self._checked.pop(token, None)
        checked = await self.check(token, self._audiences)
        self._checked[token] = checked
        if len(self._checked) > REMEMBERED_TOKENS:
            self._checked.popitem(last=False)
        return checked.actor

    def _is_revoked(self, checked: CheckedToken) -> bool:
        keys, actor = self._keys, checked.actor
        return actor.session in keys.revoked or checked.issued_at < keys.not_before.get(actor.account, 0.0)

    async def check(self, token: str, audiences: Sequence[str]) -> CheckedToken:
        """A token that must be for one of `audiences`; it isn't remembered. Raises Unauthenticated."""
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError:
            raise Unauthenticated("The token is malformed; sign in again.") from None
        key_id = str(header.get("kid", ""))
        key = await self._keys.get(key_id)
        if key is None or header.get("alg") != ALGORITHM:
            raise Unauthenticated("The token is signed with a key that identity doesn't publish; sign in again.")
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=list(audiences),
                issuer=ISSUER,
                leeway=CLOCK_SKEW,
                options={"require": ["exp", "iat", "sub"], "verify_exp": False},
            )
        except (jwt.InvalidTokenError, OverflowError):
            raise Unauthenticated("The token isn't valid here; sign in again.") from None
        actor = _actor(claims, token)
        if actor.expires_at + CLOCK_SKEW <= self._clock():
            raise Unauthenticated("The token has expired; refresh the session.")
        issued_at = float(claims["iat"])
        if actor.expires_at - issued_at > TOKEN_SECONDS + CLOCK_SKEW:
            raise Unauthenticated("The token claims to live longer than tokens do; sign in again.")
        acting = claims.get("act")
        service = str(acting.get("sub", "")) if isinstance(acting, dict) else ""
        checked = CheckedToken(actor, key_id, key, issued_at, service)
        if self._is_revoked(checked):
            raise Unauthenticated("The token was revoked; sign in again, or refresh the session.")
        return checked


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
            signed_in_at=float(claims.get("auth_time", 0)),
            token=token,
        )
    except (ValueError, TypeError, AttributeError, OverflowError, msgspec.ValidationError):
        raise Unauthenticated("The token's claims can't be read; sign in again.") from None
