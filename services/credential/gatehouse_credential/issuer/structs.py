"""What callers get about the institute as an issuer, and a key as its table has it."""

from datetime import datetime
from uuid import UUID

import msgspec


class IssuerKeyRow(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    kid: str
    sealed_public: str
    sealed_private: str | None
    signs_from: datetime
    signs_until: datetime | None


class IssuerKey(msgspec.Struct, frozen=True, kw_only=True):
    """`public_key`: a Multikey; empty for a row that is no key of ours. `signs_until`: null while it signs."""

    kid: str
    public_key: str
    signs_from: datetime
    signs_until: datetime | None


class IssuerKeyList(msgspec.Struct, frozen=True):
    """The newest first."""

    keys: list[IssuerKey]


class VerificationMethod(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A public key of a DID document."""

    id: str
    type: str
    controller: str
    public_key_multibase: str


class DidDocument(msgspec.Struct, frozen=True, kw_only=True, rename={"context": "@context"}):
    """https://www.w3.org/TR/did-1.0/: who the issuer is, and with which keys they signed and sign."""

    context: list[str]
    id: str
    verification_method: list[VerificationMethod] = msgspec.field(name="verificationMethod")
    assertion_method: list[str] = msgspec.field(name="assertionMethod")
