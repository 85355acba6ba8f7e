"""What callers send and get about donors."""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from gatehouse_chassis.base.fields import Email, Sentence, Word
from gatehouse_ledger.enumerators import DonorKind


class Donor(msgspec.Struct, frozen=True):
    id: UUID
    version: int
    kind: DonorKind
    name: str
    email: str | None
    address: str | None
    person_id: UUID | None
    archived_at: datetime | None
    created_at: datetime
    changed_at: datetime


class NewDonor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`address`: in one line, its parts apart by commas."""

    kind: DonorKind
    name: Word
    email: Email | UnsetType | None = UNSET
    address: Sentence | UnsetType | None = UNSET
    person_id: UUID | UnsetType | None = UNSET


class DonorChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only what is given changes."""

    name: Word | UnsetType = UNSET
    email: Email | UnsetType | None = UNSET
    address: Sentence | UnsetType | None = UNSET
    person_id: UUID | UnsetType | None = UNSET
