"""What requests carry and answers hold.

Every text is bounded and storable, so that nonsense is a 400 naming the field.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatehouse_chassis.base.fields import END, Email, Sentence, Word

Role = Literal[
    "member",
    "mentor",
    "coordinator",
    "staff",
    "finance",
    "marketing",
    "board",
    "partner",
    "engineer",
    "tester",
    "sre",
    "release-manager",
    "admin",
]
AccountStatus = Literal["invited", "active", "archived"]
AuditAction = Literal[
    "signed_in",
    "signed_out",
    "session_reused",
    "account_created",
    "account_linked",
    "account_changed",
    "account_archived",
    "account_restored",
    "role_granted",
    "role_revoked",
    "service_client_created",
    "service_client_changed",
    "service_client_secret_rotated",
    "service_client_archived",
    "key_made",
    "keys_rotated",
]

ClientName = Annotated[str, Meta(max_length=50, pattern=rf"^[a-z][a-z0-9-]+{END}", examples=["topics-link-checker"])]
# Only digests of these are looked up, so any text will do.
Opaque = Annotated[str, Meta(min_length=16, max_length=512, description="As it was given")]
# RFC 7636, section 4.1.
CodeVerifier = Annotated[str, Meta(min_length=43, max_length=128, description="PKCE verifier of the challenge")]


class RequestBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all bodies."""


class NewAccount(RequestBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Word
    email: Email
    person_id: UUID | None = None


class AccountChange(RequestBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields that aren't given stay as they are."""

    name: Word | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    person_id: UUID | UnsetType | None = UNSET


class AccountRow(msgspec.Struct, frozen=True, kw_only=True):
    """An account as its table has it."""

    id: UUID
    version: int
    name: str
    email: str
    person_id: UUID | None
    status: AccountStatus
    provider: str | None
    last_sign_in_at: datetime | None
    archived_at: datetime | None
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None


class Account(AccountRow, frozen=True, kw_only=True):
    """An account and the roles it has now. `provider` is the issuer it signs in with."""

    roles: list[Role]


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """The caller. `roles` are those granted now; a token has those of when it was issued."""

    id: UUID
    kind: Literal["person", "service"]
    name: str
    roles: list[Role]
    email: str | None = None
    person_id: UUID | None = None
    session_id: UUID | None = None


class NewRoleGrant(RequestBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    account_id: UUID
    role: Role
    reason: Sentence


class Revocation(RequestBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Sentence


class RoleGrant(msgspec.Struct, frozen=True, kw_only=True):
    """A role that an account has or had; granted by `created_by` at `created_at`."""

    id: UUID
    version: int
    account_id: UUID
    role: Role
    reason: str
    revoked_at: datetime | None
    revoked_by: UUID | None
    revoked_reason: str | None
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None


class NewServiceClient(RequestBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: ClientName
    description: Sentence
    roles: Annotated[list[Role], Meta(max_length=13)] = []


class ServiceClientChange(RequestBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields that aren't given stay as they are. The name is its client_id, and stays."""

    description: Sentence | UnsetType = UNSET
    roles: Annotated[list[Role], Meta(max_length=13)] | UnsetType = UNSET


class ServiceClient(msgspec.Struct, frozen=True, kw_only=True):
    """A program that calls services on its own account. `previous_until`: how long its secret before is still taken."""

    id: UUID
    version: int
    name: str
    description: str
    roles: list[Role]
    previous_until: datetime | None
    archived_at: datetime | None
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None


class ServiceClientWithSecret(ServiceClient, frozen=True, kw_only=True):
    """`secret` is shown this once; only its digest is kept."""

    secret: str


class TokenRequest(RequestBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """RFC 6749, section 4.4. The client may name itself by HTTP Basic instead."""

    grant_type: Literal["client_credentials"]
    client_id: Annotated[str, Meta(max_length=50)] = ""
    client_secret: Annotated[str, Meta(max_length=512)] = ""


class ServiceToken(msgspec.Struct, frozen=True, kw_only=True):
    access_token: str
    expires_in: int
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the kind of token, not one


class NewSession(RequestBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The one-time code of a sign-in, and the verifier whose challenge the sign-in began with."""

    code: Opaque
    code_verifier: CodeVerifier


class Refresh(RequestBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
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
    method: Literal["oidc", "persona"]
    created_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    ends_at: datetime


class Persona(msgspec.Struct, frozen=True, kw_only=True):
    """Someone of the test data, to sign in as in the local environment."""

    key: str
    name: str
    title: str
    roles: list[Role]


class SignInOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How one can sign in here. `provider`: its name, or null when none is configured."""

    provider: str | None
    personas: bool


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """`actor_id` is null where the platform itself acted. Details hold no personal data."""

    id: UUID
    at: datetime
    actor_id: UUID | None
    request: str
    action: AuditAction
    subject_id: UUID
    details: dict[str, Any]


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
    keys: list[Jwk]
