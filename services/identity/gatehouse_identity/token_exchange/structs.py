"""What services send and get when they exchange a token."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gatehouse_chassis.base.fields import END

ServiceName = Annotated[str, Meta(max_length=40, pattern=rf"^[a-z][a-z0-9-]*{END}", examples=["topics"])]
JWT = Annotated[str, Meta(max_length=4096)]


class TokenToExchange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parameters of RFC 8693, section 2.1, in JSON.

    Attributes:
        subject_token: An access token: the caller's own for identity, or one for the service that asks.
        audience: The service that the new token is for.
        actor_token: Who asks, as a token for identity that the service signs. Its own tokens need none.
    """

    subject_token: JWT
    audience: ServiceName
    actor_token: JWT = ""


class TokenForService(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 8693, section 2.2. It ends when the exchanged one does."""

    access_token: str
    expires_in: int
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the kind of token, not one
    issued_token_type: Literal["urn:ietf:params:oauth:token-type:access_token"] = (
        "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - as above
    )
