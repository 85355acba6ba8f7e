"""What callers send and get about service clients and their tokens."""

from datetime import datetime
from typing import Annotated, Literal, get_args
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatehouse_chassis.base.fields import END, Sentence
from gatehouse_identity.enumerators import Role
from gatehouse_identity.token_exchange.structs import ServiceName
from gatehouse_identity.tokens import OURS

ClientName = Annotated[str, Meta(max_length=50, pattern=rf"^[a-z][a-z0-9-]+{END}", examples=["topics-link-checker"])]


Roles = Annotated[list[Role], Meta(max_length=len(get_args(Role)))]


class NewServiceClient(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: ClientName
    description: Sentence
    roles: Roles = []


class ServiceClientChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields that aren't given stay as they are. The name is its client_id, and stays."""

    description: Sentence | UnsetType = UNSET
    roles: Roles | UnsetType = UNSET


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


class TokenRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """RFC 6749, section 4.4. The client may name itself by HTTP Basic instead.

    `audience`: the service that the token is for (the parameter of RFC 8693). One for identity can be exchanged.
    """

    grant_type: Literal["client_credentials"]
    client_id: Annotated[str, Meta(max_length=50)] = ""
    client_secret: Annotated[str, Meta(max_length=512)] = ""
    audience: ServiceName = OURS


class ServiceToken(msgspec.Struct, frozen=True, kw_only=True):
    access_token: str
    expires_in: int
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the kind of token, not one


class ClientSecrets(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    roles: list[str]
    secret_hash: str
    previous_secret_hash: str | None
    issued_at: datetime
