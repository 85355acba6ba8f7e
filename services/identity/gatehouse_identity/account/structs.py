"""What callers send and get about accounts, and what other aggregates read of them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from gatehouse_chassis.base.fields import Email, Word
from gatehouse_identity.enumerators import AccountStatus, Role


class NewAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Word
    email: Email
    person_id: UUID | None = None


class AccountChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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


class Bearer(msgspec.Struct, frozen=True, kw_only=True):
    """What an access token says about an account."""

    name: str
    person_id: UUID | None
    roles: list[str]
    issued_at: datetime


class KnownAccount(msgspec.Struct, frozen=True, kw_only=True):
    """What sign-in needs to know of an account."""

    id: UUID
    provider: str | None
    archived_at: datetime | None


class AccountVersion(msgspec.Struct, frozen=True):
    id: UUID
    version: int
    person_id: UUID | None


class AccountActor(msgspec.Struct, frozen=True):
    """An account that acts on its own behalf: it signs in, before there is a token."""

    account: UUID
