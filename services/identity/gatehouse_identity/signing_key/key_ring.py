"""The keys that access tokens are signed with, and rotating them without signing anyone out.

Time decides what a key is, so that all tasks agree without talking to each other: a key is published from the moment
it is created, signs from `signs_from` until a later one does, and is published until `published_until`. There is
always a next one, published and not signing yet. Rotating sets its `signs_from`: at once when every service has had
the time to fetch it, otherwise as soon as that is so.
"""

import contextlib
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import jwt
import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from jwt.utils import base64url_encode
from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, NotFound, Unavailable
from gatehouse_chassis.http.auth import ALGORITHM, CLOCK_SKEW, KEYS_USED_FOR
from gatehouse_chassis.service.key_sealing import KeySealer, Unsealable
from gatehouse_identity.audit_entry.queries import record
from gatehouse_identity.signing_key import queries
from gatehouse_identity.signing_key.revocations import Revocations
from gatehouse_identity.signing_key.rules import active_of, has_signed, published, state_of
from gatehouse_identity.signing_key.structs import Jwk, Jwks, KeyRow, SigningKey
from gatehouse_identity.tables import DB
from gatehouse_identity.tokens import TOKEN_SECONDS

# How old another task's or a proxy's idea of the keys can be, in seconds.
JWKS_MAX_AGE = 5
READ_AGAIN_AFTER = 5.0
FOR_CLOCKS_THAT_DIFFER = timedelta(minutes=1)
# From publishing a key until everyone who checks tokens has surely fetched it.
LEAD = timedelta(seconds=KEYS_USED_FOR + JWKS_MAX_AGE + READ_AGAIN_AFTER) + FOR_CLOCKS_THAT_DIFFER
# From a key's last token until nobody needs the key: a task may sign with it until it reads the keys again.
TRAIL = timedelta(seconds=TOKEN_SECONDS + READ_AGAIN_AFTER + CLOCK_SKEW) + FOR_CLOCKS_THAT_DIFFER

log = structlog.get_logger()


class KeyRing:
    """The keys of the database, read again every five seconds. Signs, publishes, rotates and withdraws.

    A row alone is no key: what is published is derived from the private half, which opens only for the row that it was
    sealed for (key_sealing.py of the chassis), and only while the audit trail, which nobody changes, doesn't say that
    it was withdrawn.
    Somebody who may write the table can't add a key that services trust, nor bring one back.

    Attributes:
        problem: Why no token can be signed or checked with this ring now; empty when one can.
    """

    def __init__(self, sealer: KeySealer) -> None:
        self.revocations = Revocations()
        self.problem = "no signing key was read yet"
        self._sealer = sealer
        self._keys: list[KeyRow] = []
        self._opened: dict[str, Ed25519PrivateKey] = {}
        # What isn't asked for again: rows (with what they held) that are no keys.
        self._refused: dict[UUID, str] = {}
        self._read_at = float("-inf")

    async def sign(self, claims: dict[str, Any], kid: str = "") -> str:
        """A JWT with `claims`, signed by the active key, or by `kid`. Raises Unavailable where that can't sign."""
        now = datetime.now(UTC)
        usable = await self._usable(now)
        key = next((key for key in usable if key.kid == kid), None) if kid else active_of(usable, now)
        if key is None:
            message = "There is no such signing key now; try again in a moment."
            raise Unavailable(message)
        return jwt.encode(claims, self._opened[key.kid], algorithm=ALGORITHM, headers={"kid": key.kid})

    async def jwks(self) -> Jwks:
        now = datetime.now(UTC)
        keys = await self._usable(now)
        await self.revocations.read()
        return Jwks(
            [_public(key.kid, self._opened[key.kid]) for key in keys],
            self.revocations.sessions,
            self.revocations.not_before,
        )

    async def verification_keys(self) -> dict[str, Any]:
        """The JWKS as the chassis's Authenticator fetches it: identity asks itself, without HTTP."""
        return msgspec.to_builtins(await self.jwks())

    async def all(self) -> list[SigningKey]:
        """The published keys, newest first."""
        now = datetime.now(UTC)
        await self._read()
        return [
            SigningKey(
                kid=key.kid,
                state=state_of(key, self._keys, now),  # ty: ignore[invalid-argument-type] - one of the three
                created_at=key.created_at,
                signs_from=key.signs_from,
                published_until=key.published_until,
            )
            for key in sorted(published(self._keys, now), key=lambda key: key.created_at, reverse=True)
        ]

    async def rotate(self, actor: Actor) -> list[SigningKey]:
        """Lets the next key sign as soon as everyone knows it. Raises Conflict while a rotation is under way."""
        async with DB.transaction():
            await self._lock()
            await self._read()
            now = await DB.now()
            waiting = [key for key in self._keys if key.signs_from is not None and key.signs_from > now]
            if waiting:
                when = f"{waiting[0].signs_from:%H:%M:%S} UTC"
                message = f"A rotation is under way: the next key signs from {when}. Rotate again after that."
                raise Conflict(message)
            following = next((key for key in self._keys if key.signs_from is None and key.kid in self._opened), None)
            if following is None:
                following = await self._make(None)
            begins = max(now, following.created_at + LEAD)
            await queries.KEY_SIGNS_FROM.execute(following.id, begins)
            await queries.KEYS_RETIRE.execute(following.id, begins + TRAIL)
            await queries.KEYS_ERASE.execute()
            await self._make(None)
            when = begins.isoformat()
            await record("keys_rotated", by=actor, subject=following.id, kid=following.kid, signs_from=when)
        await self._read()
        return await self.all()

    async def withdraw(self, kid: str, actor: Actor) -> list[SigningKey]:
        """Takes a key out at once: every service refuses its tokens within a minute, and people's sessions go on with
        new ones. For a key that may have leaked. Raises NotFound.
        """
        async with DB.transaction():
            await self._lock()
            await self._read()
            now = await DB.now()
            key = next((key for key in published(self._keys, now) if key.kid == kid), None)
            if key is None:
                raise NotFound(f"No key {kid} is published.")
            if key is active_of(self._openable(now), now):
                # The next one is published already. A new one is fetched by who meets its first token.
                others = [other for other in self._openable(now) if other is not key]
                following = max(others, key=lambda other: other.created_at) if others else await self._make(None)
                await queries.KEY_SIGNS_FROM.execute(following.id, now - FOR_CLOCKS_THAT_DIFFER)
            await queries.KEY_WITHDRAW.execute(kid)
            await self._make(None)
            await record("keys_rotated", by=actor, subject=key.id, withdrawn=kid)
        await self._read()
        return await self.all()

    async def prepare(self) -> None:
        """Makes the first key and its successor if there are none that this service can open. Safe in several tasks."""
        async with DB.transaction():
            await self._lock()
            await self._read()
            now = await DB.now()
            if active_of(self._openable(now), now) is None:
                # Tokens of keys that can't be opened any more stay valid until they end.
                await queries.KEYS_RETIRE.execute(uuid7(), now + TRAIL)
                await self._make(now - FOR_CLOCKS_THAT_DIFFER)
                await self._make(None)
        await self._read()

    async def check(self) -> str:
        """For readiness: why this task can't sign, after another try; empty when it can."""
        if self.problem:
            with contextlib.suppress(Unavailable, asyncpg.PostgresError):
                await self._usable(datetime.now(UTC))
        return self.problem

    async def _usable(self, now: datetime) -> list[KeyRow]:
        if time.monotonic() - self._read_at > READ_AGAIN_AFTER:
            await self._read()
        elif self.problem:
            raise Unavailable(self.problem)
        if active_of(self._openable(now), now) is None:
            await self.prepare()
        return self._openable(now)

    def _openable(self, now: datetime) -> list[KeyRow]:
        """The keys that this service may sign with: published, and encrypted with the secret that it has."""
        return [key for key in published(self._keys, now) if key.kid in self._opened]

    async def _lock(self) -> None:
        """One task at a time until the transaction ends; the others wait, up to ten seconds."""
        await DB.lock_timeout(10_000)
        try:
            await DB.advisory_lock("identity.signing_key")
        except asyncpg.LockNotAvailableError:
            message = "Another task is changing the signing keys; try again in a moment."
            raise Unavailable(message) from None

    async def _read(self) -> None:
        """Raises Unavailable while a key that has signed already can't be opened."""
        self._keys, self._read_at = await queries.KEYS.all(), time.monotonic()
        now = datetime.now(UTC)
        problems = []
        rows = {key.id for key in self._keys}
        self._refused = {id: sealed for id, sealed in self._refused.items() if id in rows}
        for key in self._keys:
            if key.private_key is None:
                self._opened.pop(key.kid, None)  # erased; whoever publishes its row again publishes nothing
            elif key.kid not in self._opened and self._refused.get(key.id) != key.private_key:
                problems.append(await self._open(key, key.private_key, now))
        self.problem = next(filter(None, problems), "")
        if self.problem:
            raise Unavailable(self.problem)

    async def _open(self, key: KeyRow, sealed: str, now: datetime) -> str:
        """The private half of a row becomes usable, unless it is no key. Returns why nothing can be signed now."""
        try:
            private = load_pem_private_key((await self._sealer.open(key.id, key.kid, sealed)).encode(), password=None)
        except Unsealable as reason:
            self._refuse(key, sealed, str(reason))
        except Unavailable as error:
            # Without a key that has signed, tokens would be refused that are good; one that hasn't can wait.
            log.warning("signing key can't be opened yet", kid=key.kid)
            return error.detail if has_signed(key, now) else ""
        else:
            assert isinstance(private, Ed25519PrivateKey)
            if await queries.KEY_WAS_WITHDRAWN.value(key.id):
                self._refuse(key, sealed, "It was withdrawn.")
            else:
                self._opened[key.kid] = private
        return ""

    def _refuse(self, key: KeyRow, sealed: str, reason: str) -> None:
        self._refused[key.id] = sealed
        log.error("a row is no signing key", kid=key.kid, row=str(key.id), reason=reason)

    async def _make(self, signs_from: datetime | None) -> KeyRow:
        private = Ed25519PrivateKey.generate()
        id = uuid7()
        kid = f"{datetime.now(UTC):%Y-%m-%d}-{id.hex[-8:]}"
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        jwk = msgspec.to_builtins(_public(kid, private))
        key = await queries.KEY_ADD.one(id, kid, jwk, await self._sealer.seal(id, kid, pem), signs_from)
        assert key is not None
        self._opened[kid] = private
        await record("key_made", by=None, subject=id, kid=kid)
        return key


def _public(kid: str, private: Ed25519PrivateKey) -> Jwk:
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return Jwk(kid=kid, x=base64url_encode(raw).decode())
