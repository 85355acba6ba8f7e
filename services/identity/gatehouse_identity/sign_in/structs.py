"""What callers get about sign-in, and what is kept of one that is under way."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

Way = Literal["oidc", "github"]
"""How somebody signs in: with the OpenID Connect provider, or with GitHub."""


class SignInOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How one can sign in here. `provider`: its name, or null when none is configured. `github`: also with GitHub."""

    provider: str | None
    github: bool
    personas: bool


class PendingSignIn(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    nonce_hash: str
    code_verifier: str
    return_to: str
    invitation_hash: str | None


class Redeemed(msgspec.Struct, frozen=True, kw_only=True):
    account_id: UUID
    proven_at: datetime | None
    code_challenge: str
