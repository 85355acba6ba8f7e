"""What callers send and get about invitations."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from gatehouse_chassis.base.fields import Email, Word
from gatehouse_identity.enumerators import Role

InvitationState = Literal["open", "expired", "used", "withdrawn"]
Token = Annotated[str, Meta(min_length=20, max_length=200, description="The last part of a one-time link")]


class NewInvitation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to let in. `email` is where they are written to; they may sign in with another address."""

    person_id: UUID
    name: Word
    email: Email
    roles: Annotated[list[Role], Meta(max_length=20)] = []


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """That an account is to be signed in to for the first time. `expires_at`: null until the link was sent."""

    id: UUID
    version: int
    account_id: UUID
    roles: list[Role]
    expires_at: datetime | None
    used_at: datetime | None
    withdrawn_at: datetime | None
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None


class InvitationOfPerson(msgspec.Struct, frozen=True, kw_only=True):
    """How far somebody has come whom another service invites. `id`: null where they sign in already."""

    id: UUID | None
    account_id: UUID
    state: Literal["invited", "signed_in"]


class IssuedLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that nobody else has: only its digest is kept."""

    url: str
    expires_at: datetime


class ShownToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    token: Token


class InvitationShown(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever holds the link may know."""

    name: str
    state: InvitationState


class HeldInvitation(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation as its holder finds it."""

    id: UUID
    version: int
    account_id: UUID
    roles: list[Role]
    expires_at: datetime | None
    used_at: datetime | None
    withdrawn_at: datetime | None
    created_by: UUID | None
