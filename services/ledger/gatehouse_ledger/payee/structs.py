"""What callers send and get about contractors and what they were paid. Amounts are minor units of USD."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatehouse_chassis.base.fields import Word
from gatehouse_ledger.entry.structs import MOST_MONEY
from gatehouse_ledger.enumerators import PaymentMethod

W9 = Literal["missing", "on_file", "exempt"]
"""Their Form W-9: `exempt` is on file and says that no Form 1099 is sent, such as to a corporation."""


class Payee(msgspec.Struct, frozen=True):
    id: UUID
    version: int
    name: str
    w9_on_file: bool
    exempt: bool
    archived_at: datetime | None
    created_at: datetime
    changed_at: datetime


class NewPayee(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Word
    w9: W9 = "missing"


class PayeeChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only what is given changes."""

    name: Word | UnsetType = UNSET
    w9: W9 | UnsetType = UNSET


class ContractorPayment(msgspec.Struct, frozen=True):
    id: UUID
    version: int
    payee_id: UUID
    paid_on: date
    amount: int
    method: PaymentMethod
    entry_id: UUID | None
    withdrawn_at: datetime | None
    created_at: datetime
    created_by: UUID | None


class NewContractorPayment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`entry_id`: the entry that books it."""

    payee_id: UUID
    paid_on: date
    amount: Annotated[int, Meta(ge=1, le=MOST_MONEY, description="Minor units (cents)")]
    method: PaymentMethod
    entry_id: UUID | UnsetType | None = UNSET
