"""What callers send to have a certificate checked, and the verdict."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from gatehouse_chassis.base.fields import Word

LONGEST = 400_000
"""Characters of a text: a picture with a certificate in it has some 100,000 as base64."""
CredentialVerdict = Literal["valid", "expired", "revoked", "not_yet_valid", "unconfirmed", "invalid"]
VerdictReason = Literal[
    "ok",
    "unreadable",
    "not_a_credential",
    "not_an_open_badge",
    "no_proof",
    "unknown_proof",
    "unknown_context",
    "unsigned_content",
    "too_complex",
    "key_of_another",
    "unknown_key",
    "wrong_signature",
    "unbound_key",
    "not_yet_valid",
    "expired",
    "revoked",
    "erased",
    "unknown_status",
    "another_recipient",
]


class VerifyRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`credential`: the JSON of an Open Badge 3.0, as an object or a text; a JWT; or a PNG with one in it, as a data
    URL. `recipient`: whose it should be: their name, address or identifier, as the certificate has it.
    """

    credential: dict[str, Any] | Annotated[str, Meta(max_length=LONGEST)]
    recipient: Word | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`words`: the verdict for people. `ours`: whether this institute issued it.

    What the certificate says about itself (`name`, `issuer_name`, `recipient`) is its own word, unless it is valid.
    """

    verdict: CredentialVerdict
    reason: VerdictReason
    words: str
    ours: bool = False
    id: UUID | None = None
    name: str | None = None
    issuer_id: str | None = None
    issuer_name: str | None = None
    recipient: str | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
