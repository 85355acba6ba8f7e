"""What callers send and get about receipts. Amounts are minor units of USD."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from gatehouse_chassis.base.fields import Sentence
from gatehouse_ledger.enumerators import DonorKind, ReceiptKind, ReceiptState

Year = Annotated[int, Meta(ge=2000, le=2199, examples=[2026])]
Token = Annotated[str, Meta(min_length=20, max_length=100, pattern=r"^[A-Za-z0-9_-]+(?![\s\S])")]


class Receipt(msgspec.Struct, frozen=True):
    """`of_year`: what an annual statement is about. `substituted`: characters that no font of its PDF has."""

    id: UUID
    version: int
    year: int
    sequence: int
    kind: ReceiptKind
    state: ReceiptState
    donor_id: UUID
    of_year: int | None
    gift_ids: list[UUID]
    amount: int
    file_sha256: str | None
    substituted: str | None
    replaces_id: UUID | None
    void_reason: str | None
    issued_at: datetime
    created_by: UUID | None

    @property
    def number(self) -> str:
        return f"{self.year}-{self.sequence:05}"


class ListedReceipt(Receipt, frozen=True):
    donor: str


class ReceiptVoiding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Sentence


class NewAnnualStatement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    donor_id: UUID
    year: Year


class AcknowledgedGift(msgspec.Struct, frozen=True):
    """A gift as its acknowledgment says it. `receipt`: the number of the receipt that was issued for it before."""

    id: UUID
    received_on: date
    amount: int
    fund: str
    restricted: bool
    in_kind_text: str | None
    goods_value: int
    goods_text: str | None
    refunded_on: date | None
    receipt_id: UUID | None
    receipt: str | None = None


class YearEndDonor(msgspec.Struct, frozen=True):
    """A donor with gifts in a year. `open`: gifts that no valid receipt acknowledges; `changed`: since their receipt.

    `statement_id`: the annual statement that is valid; `outdated`: it says what is no longer so.
    """

    donor_id: UUID
    name: str
    kind: DonorKind
    has_email: bool
    has_address: bool
    gifts: int
    amount: int
    open: int
    changed: int
    statement_id: UUID | None
    outdated: bool


class YearEnd(msgspec.Struct, frozen=True):
    """January's list. Each donor is counted once: ready, without an address, changed since, or done."""

    year: int
    ready: int
    without_address: int
    changed: int
    done: int
    donors: list[YearEndDonor]


class StatementsIssued(msgspec.Struct, frozen=True):
    """How many annual statements were issued, and how many donors have no address to send one to."""

    issued: int
    without_address: int


class ShownLink(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A donor's link, as its holder shows it. `receipt_id`: the PDF that they want."""

    token: Token
    receipt_id: UUID | None = None


class IssuedDonorLink(msgspec.Struct, frozen=True):
    """Given once: only a digest of it is kept."""

    url: str
    until: datetime


class DonorReceipt(msgspec.Struct, frozen=True):
    """A receipt as its donor sees it: only those that are valid."""

    id: UUID
    number: str
    kind: ReceiptKind
    of_year: int | None
    amount: int
    issued_at: datetime


class DonorReceipts(msgspec.Struct, frozen=True):
    """What a donor's link shows."""

    donor: str
    institute: str
    receipts: list[DonorReceipt]
    until: datetime


class ReceiptMail(msgspec.Struct, frozen=True):
    """What communication needs to send a receipt: where to, and a new link for the donor. None: it can't be sent."""

    name: str
    email: str | None
    number: str
    kind: ReceiptKind
    of_year: int | None
    valid: bool
    url: str
    until: datetime
