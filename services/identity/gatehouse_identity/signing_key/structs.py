"""What callers get about signing keys, and a key as its table has it."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    """`next` is published and doesn't sign yet; `retired` is published until the last token it signed has expired."""

    kid: str
    state: Literal["next", "active", "retired"]
    created_at: datetime
    signs_from: datetime | None
    published_until: datetime | None


class SigningKeys(msgspec.Struct, frozen=True):
    keys: list[SigningKey]


class Jwk(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 8037: an Ed25519 public key."""

    kid: str
    x: str
    kty: str = "OKP"
    crv: str = "Ed25519"
    alg: str = "EdDSA"
    use: str = "sig"


class Jwks(msgspec.Struct, frozen=True):
    """The public keys, and what services must refuse although a key of them signed it.

    Attributes:
        keys: RFC 7517's only member; the others are ours.
        revoked: Sessions that ended while their access tokens may still live.
        not_before: By account or service client: tokens issued before that moment (seconds since 1970) are void.
    """

    keys: list[Jwk]
    revoked: list[UUID] = []
    not_before: dict[UUID, float] = {}


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    kid: str
    public_jwk: dict[str, Any]
    private_key: str | None
    signs_from: datetime | None
    published_until: datetime | None
    created_at: datetime
