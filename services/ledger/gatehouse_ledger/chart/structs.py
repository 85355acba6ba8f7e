"""What callers send and get about accounts, funds and programs."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatehouse_chassis.base.fields import END, Currency, Sentence, Word
from gatehouse_ledger.enumerators import AccountType, Restriction

Code = Annotated[str, Meta(pattern=rf"^[0-9]{{3,8}}{END}", description="Three to eight digits", examples=["1010"])]


class LedgerAccount(msgspec.Struct, frozen=True):
    id: UUID
    version: int
    code: str
    name: str
    type: AccountType
    currency: str
    bank: bool
    archived_at: datetime | None
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None


class NewLedgerAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: Code
    name: Word
    type: AccountType
    currency: Currency | UnsetType = UNSET
    bank: bool | UnsetType = UNSET


class LedgerAccountChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only what is given changes. The type and currency of an account stay: its postings rely on them."""

    code: Code | UnsetType = UNSET
    name: Word | UnsetType = UNSET
    bank: bool | UnsetType = UNSET


class Fund(msgspec.Struct, frozen=True):
    id: UUID
    version: int
    name: str
    restriction: Restriction
    purpose: str | None
    archived_at: datetime | None
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None


class NewFund(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Word
    restriction: Restriction
    purpose: Sentence | UnsetType | None = UNSET


class FundChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only what is given changes. What a donor restricted stays so: money moves to another fund by an entry."""

    name: Word | UnsetType = UNSET
    purpose: Sentence | UnsetType | None = UNSET


class Program(msgspec.Struct, frozen=True):
    id: UUID
    version: int
    name: str
    archived_at: datetime | None
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None


class NewProgram(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Word


class ProgramChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Word | UnsetType = UNSET
