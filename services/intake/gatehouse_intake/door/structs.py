"""What the doors take in, and what they answer."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from gatehouse_chassis.base.fields import Sentence, TimeZone, Word
from gatehouse_intake.enumerators import SignUpSource, SignUpState
from gatehouse_intake.sign_up.structs import TypedName

LARGEST_FILE = 500_000  # bytes


class DoorRow(msgspec.Struct, frozen=True, kw_only=True):
    """A door that somebody opened, closed, or made a token for."""

    id: UUID
    version: int
    source: SignUpSource
    is_open: bool
    token_hash: str | None
    token_issued_at: datetime | None


class ShownDoor(msgspec.Struct, frozen=True, kw_only=True):
    """A way by which people come.

    Attributes:
        is_ready: whether it has what it needs, such as a secret or a token.
    """

    source: SignUpSource
    is_open: bool
    is_ready: bool
    token_issued_at: datetime | None = None


class DoorChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    state: Literal["open", "closed"]


class ScriptToken(msgspec.Struct, frozen=True):
    """What the sheet's script sends from now on; it is shown once, and the previous one no longer works."""

    token: str


class SheetRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of the sheet. `row_id` stays the same when the row is sent again."""

    row_id: Word
    name: TypedName
    email: Annotated[str, Meta(max_length=254)]
    time_zone: TimeZone | None = None
    goal: Sentence | None = None


class SheetRowState(msgspec.Struct, frozen=True, kw_only=True):
    """What the script writes back to the row."""

    row_id: str
    state: SignUpState
    problem: str | None


class ImportedFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A CSV file with a first line of names: name and email, if you like goal. `content`: Base64."""

    content: Annotated[bytes, Meta(max_length=LARGEST_FILE)]


class ImportedRows(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows are new, and how many came before."""

    new: int
    known: int


class OrderNotice(msgspec.Struct, frozen=True):
    """Of a notification: which order it is about."""

    orderId: Annotated[str, Meta(pattern="^[A-Za-z0-9-]{1,64}$")]


class Notification(msgspec.Struct, frozen=True):
    """What Squarespace sends. `data` depends on the topic."""

    topic: str
    data: msgspec.Raw = msgspec.Raw(b"{}")


class OrderAddress(msgspec.Struct, frozen=True, rename="camel"):
    first_name: str | None = None
    last_name: str | None = None


class Order(msgspec.Struct, frozen=True, rename="camel"):
    """An order at Squarespace, as far as it says who wants to come."""

    customer_email: str | None = None
    billing_address: OrderAddress | None = None
