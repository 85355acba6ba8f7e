"""What callers send and get about gifts. Amounts are minor units of USD."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatehouse_chassis.base.fields import Sentence
from gatehouse_ledger.donor.structs import NewDonor
from gatehouse_ledger.entry.structs import MOST_MONEY
from gatehouse_ledger.enumerators import GiftKind

Cents = Annotated[int, Meta(ge=0, le=MOST_MONEY, description="Minor units (cents)", examples=[25_000])]


class Gift(msgspec.Struct, frozen=True):
    id: UUID
    version: int
    donor_id: UUID
    received_on: date
    kind: GiftKind
    amount: int
    fund_id: UUID
    in_kind_text: str | None
    goods_value: int
    goods_text: str | None
    entry_id: UUID | None
    refunded_on: date | None
    receipt_id: UUID | None
    changed_since: bool
    thank: bool
    created_at: datetime
    changed_at: datetime


class ListedGift(Gift, frozen=True):
    """With the names that a list shows."""

    donor: str
    fund: str


class GiftDeposit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Books the gift as well: the account that it went to, and that of the income."""

    account_id: UUID
    income_account_id: UUID


class NewGift(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`new_donor`: instead of `donor_id`, a donor who is added with the gift, or not at all.

    `entry_id`: the entry that books it already; `deposit`: it isn't booked yet. A thing has neither.
    `acknowledge`: `at_once` mails thanks, from $250 on and for things with the receipt; `later` mails nothing yet.
    """

    donor_id: UUID | UnsetType | None = UNSET
    new_donor: NewDonor | None = None
    received_on: date
    kind: GiftKind = "money"
    amount: Cents = 0
    fund_id: UUID
    in_kind_text: Sentence | UnsetType | None = UNSET
    goods_value: Cents = 0
    goods_text: Sentence | UnsetType | None = UNSET
    entry_id: UUID | UnsetType | None = UNSET
    deposit: GiftDeposit | None = None
    acknowledge: Literal["at_once", "later"] = "later"


class GiftChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only what is given changes. `amount` and `fund_id` only while no entry books it: the books say the same."""

    donor_id: UUID | UnsetType = UNSET
    received_on: date | UnsetType = UNSET
    amount: Cents | UnsetType = UNSET
    fund_id: UUID | UnsetType = UNSET
    in_kind_text: Sentence | UnsetType | None = UNSET
    goods_value: Cents | UnsetType = UNSET
    goods_text: Sentence | UnsetType | None = UNSET


class GiftRefund(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    refunded_on: date


class UnrecordedIncome(msgspec.Struct, frozen=True):
    """An entry that books gifts of donors who aren't recorded yet. `rest`: how much of it."""

    entry_id: UUID
    booked_on: date
    memo: str
    fund_id: UUID
    amount: int
    rest: int


class GiftMail(msgspec.Struct, frozen=True):
    """What communication needs to thank for a gift. `email` None: the donor has none."""

    name: str
    email: str | None
    due: bool
