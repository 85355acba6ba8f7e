"""What callers send and get about sessions."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from gatehouse_identity.enumerators import SignInMethod

# Only digests of these are looked up, so any text will do.
Opaque = Annotated[str, Meta(min_length=16, max_length=512, description="As it was given")]
# RFC 7636, section 4.1.
CodeVerifier = Annotated[str, Meta(min_length=43, max_length=128, description="PKCE verifier of the challenge")]


class NewSession(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The one-time code of a sign-in, and the verifier whose challenge the sign-in began with."""

    code: Opaque
    code_verifier: CodeVerifier


class Refresh(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    refresh_token: Opaque


class SessionTokens(msgspec.Struct, frozen=True, kw_only=True):
    """`expires_in` seconds from now the access token has to be renewed with the refresh token."""

    access_token: str
    refresh_token: str
    expires_in: int
    session_id: UUID
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the kind of token, not one


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Where I am signed in. `expires_at` moves with every refresh, up to `ends_at`."""

    id: UUID
    method: SignInMethod
    created_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    ends_at: datetime


class SessionState(msgspec.Struct, frozen=True, kw_only=True):
    """A session, locked, and whether it (or its account) has ended."""

    id: UUID
    account_id: UUID
    token_hash: str
    previous_hash: str | None
    backup_hash: str | None
    proven_at: datetime
    since_refresh: timedelta
    ended: bool
