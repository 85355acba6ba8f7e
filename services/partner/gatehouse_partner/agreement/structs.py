"""What callers send and get about agreements. The values of the enumerators are those of database/enumerators."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatehouse_chassis.base.fields import Currency, Word
from gatehouse_partner.enumerators import AgreementKind, AgreementStatus

# Far more than any agreement, and exact in the floating point numbers of a browser (2^53).
MOST_MONEY = 10**15


class Money(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An amount in minor units (cents) of a currency."""

    amount: Annotated[int, Meta(ge=0, le=MOST_MONEY, examples=[250_000])]
    currency: Currency


class Agreement(msgspec.Struct, frozen=True):
    id: UUID
    version: int
    partner_id: UUID
    kind: AgreementKind
    title: str
    status: AgreementStatus
    signed_on: date | None
    starts_on: date | None
    ends_on: date | None
    value: Money | None
    archived_at: datetime | None
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None


class AgreementRecord(msgspec.Struct, frozen=True):
    """What the rules need to know of an agreement before it is changed."""

    id: UUID
    version: int
    status: AgreementStatus
    signed_on: date | None
    starts_on: date | None
    ends_on: date | None


class NewAgreement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Begins as `draft` unless a status is given."""

    partner_id: UUID
    kind: AgreementKind
    title: Word
    status: AgreementStatus | UnsetType = UNSET
    signed_on: date | UnsetType | None = UNSET
    starts_on: date | UnsetType | None = UNSET
    ends_on: date | UnsetType | None = UNSET
    value: Money | UnsetType | None = UNSET


class AgreementChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only what is given changes; null empties a field."""

    kind: AgreementKind | UnsetType = UNSET
    title: Word | UnsetType = UNSET
    status: AgreementStatus | UnsetType = UNSET
    signed_on: date | UnsetType | None = UNSET
    starts_on: date | UnsetType | None = UNSET
    ends_on: date | UnsetType | None = UNSET
    value: Money | UnsetType | None = UNSET
