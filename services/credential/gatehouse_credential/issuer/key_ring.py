"""The institute's keys: the newest signs, and all that ever signed are published, so that old certificates stay good.

A row alone is no key: both halves open only for the row that they were sealed for, so whoever may write the table can't
add one that verifies. The private half is erased when the next key begins to sign.
"""

import time
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Unavailable
from gatehouse_chassis.service.key_sealing import KeySealer, Unsealable
from gatehouse_credential.issuer import queries
from gatehouse_credential.issuer.structs import IssuerKey, IssuerKeyRow
from gatehouse_credential.proof.multibase import from_multikey, multikey
from gatehouse_credential.tables import DB

READ_AGAIN_AFTER = 5.0
"""Seconds until a task learns of a key that another made."""

log = structlog.get_logger()


class Signer(msgspec.Struct, frozen=True):
    """The key that signs now."""

    kid: str
    private: Ed25519PrivateKey


class IssuerKeyRing:
    def __init__(self, sealer: KeySealer) -> None:
        self._sealer = sealer
        self._rows: list[IssuerKeyRow] = []
        self._public: dict[UUID, str] = {}
        self._private: dict[UUID, Ed25519PrivateKey] = {}
        self._refused: set[UUID] = set()
        self._read_at = float("-inf")

    async def signer(self) -> Signer:
        """Makes the first key where there is none. Outside of transactions. Raises Unavailable."""
        found = await self._signer()
        if found is None:
            await self._make(None, only_if_none=True)
            found = await self._signer()
        if found is None:
            raise Unavailable("There is no key that certificates can be signed with now. Try again in a moment.")
        return found

    async def public_key(self, kid: str) -> Ed25519PublicKey | None:
        """None for a name that no key of ours has."""
        return next((from_multikey(key.public_key) for key in await self.all() if key.kid == kid), None)

    async def all(self) -> list[IssuerKey]:
        """The newest first."""
        await self._read()
        return [
            IssuerKey(
                kid=row.kid, public_key=self._public[row.id], signs_from=row.signs_from, signs_until=row.signs_until
            )
            for row in reversed(self._rows)
            if row.id in self._public
        ]

    async def rotate(self, by: Actor) -> list[IssuerKey]:
        """A new key signs from now on; no certificate has to be made anew."""
        await self._make(by)
        return await self.all()

    async def _signer(self) -> Signer | None:
        await self._read()
        row = next((row for row in reversed(self._rows) if row.signs_until is None and row.id in self._public), None)
        if row is None or row.sealed_private is None:
            return None
        if row.id not in self._private:
            try:
                pem = await self._sealer.open(row.id, row.kid, row.sealed_private)
            except Unsealable as reason:
                log.error("an issuer key can't be opened", kid=row.kid, reason=str(reason))
                return None
            private = load_pem_private_key(pem.encode(), password=None)
            assert isinstance(private, Ed25519PrivateKey)
            self._private = {row.id: private}
        return Signer(row.kid, self._private[row.id])

    async def _read(self, *, now: bool = False) -> None:
        if not now and time.monotonic() - self._read_at < READ_AGAIN_AFTER:
            return
        self._rows, self._read_at = await queries.KEYS.all(), time.monotonic()
        for row in self._rows:
            if row.id in self._public or row.id in self._refused:
                continue
            try:
                self._public[row.id] = await self._sealer.open(row.id, row.kid, row.sealed_public)
                from_multikey(self._public[row.id])
            except (Unsealable, ValueError) as reason:
                self._refused.add(row.id)
                self._public.pop(row.id, None)
                log.error("a row is no issuer key", kid=row.kid, row=str(row.id), reason=str(reason))

    async def _make(self, by: Actor | None, *, only_if_none: bool = False) -> None:
        private, id = Ed25519PrivateKey.generate(), uuid7()
        kid = f"key-{datetime.now(UTC):%Y-%m-%d}-{id.hex[-8:]}"
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        sealed_public = await self._sealer.seal(id, kid, multikey(private.public_key()))
        sealed_private = await self._sealer.seal(id, kid, pem)
        async with DB.transaction():
            await DB.advisory_lock("credential.issuer_key")
            if not only_if_none or await self._none_signs():
                await queries.RETIRE.execute()
                await queries.ADD.execute(id, kid, sealed_public, sealed_private, None if by is None else by.account)
        await self._read(now=True)

    async def _none_signs(self) -> bool:
        """Whether no row is a key that signs: of one that can't be opened, another takes the place."""
        rows = await queries.KEYS.all()
        return not any(row.signs_until is None and row.id in self._public for row in rows)
