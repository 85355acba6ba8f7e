"""What callers send and get about partners. The values of the enumerators are those of database/enumerators."""

from datetime import date, datetime
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from gatehouse_chassis.base.fields import Sentence, Url, Word
from gatehouse_partner.enumerators import PartnerKind, PartnerStatus


class Partner(msgspec.Struct, frozen=True):
    id: UUID
    version: int
    name: str
    kind: PartnerKind
    status: PartnerStatus
    website: str | None
    summary: str | None
    since_on: date | None
    archived_at: datetime | None
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None


class NewPartner(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Begins as `prospect` unless a status is given."""

    name: Word
    kind: PartnerKind
    status: PartnerStatus | UnsetType = UNSET
    website: Url | UnsetType | None = UNSET
    summary: Sentence | UnsetType | None = UNSET
    since_on: date | UnsetType | None = UNSET


class PartnerChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only what is given changes; null empties a field."""

    name: Word | UnsetType = UNSET
    kind: PartnerKind | UnsetType = UNSET
    status: PartnerStatus | UnsetType = UNSET
    website: Url | UnsetType | None = UNSET
    summary: Sentence | UnsetType | None = UNSET
    since_on: date | UnsetType | None = UNSET
