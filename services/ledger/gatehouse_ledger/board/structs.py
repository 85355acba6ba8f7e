"""What the board sees: figures of the books, never a person."""

from datetime import date, datetime
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from gatehouse_chassis.base.fields import Sentence
from gatehouse_ledger.budget.structs import BudgetTotal
from gatehouse_ledger.enumerators import (
    AccountType,
    ExpenseFunction,
    MetricKey,
    MetricUnit,
    PackState,
    Restriction,
)


class QuarterValue(msgspec.Struct, frozen=True):
    """`value`: None where nothing can be said, or where it would tell of fewer than five people.

    What is about people is said of quarters that are over, and of those with a frozen pack as that says it.
    """

    ends_on: date
    value: int | None


class BoardFigure(msgspec.Struct, frozen=True):
    """A metric with its last eight quarters, the latest last."""

    key: MetricKey
    name: str
    definition: str
    unit: MetricUnit
    source: str
    quarters: list[QuarterValue]

    @property
    def value(self) -> int | None:
        return self.quarters[-1].value


class BoardFigures(msgspec.Struct, frozen=True):
    """`as_of`: when they were read from the books.

    `programs`: the year's budget until the last day, by program; none of packs that were frozen before there was one.
    """

    ends_on: date
    as_of: datetime
    figures: list[BoardFigure]
    programs: list[BudgetTotal] = []


class BoardPack(msgspec.Struct, frozen=True):
    id: UUID
    version: int
    ends_on: date
    state: PackState
    comment: str | None
    file_sha256: str | None
    frozen_at: datetime | None
    created_at: datetime
    created_by: UUID | None


class FrozenPack(msgspec.Struct, frozen=True):
    ends_on: date
    content: BoardFigures

    @property
    def told(self) -> dict[MetricKey, int | None]:
        """What it said of its own quarter."""
        return {one.key: one.value for one in self.content.figures}


class Restatement(msgspec.Struct, frozen=True):
    """A figure that the books say otherwise by now: corrections were posted after the pack was frozen.

    Of people only their number, where it differs by five at least.
    """

    key: MetricKey
    frozen: int | None
    now: int | None


class ShownPack(msgspec.Struct, frozen=True):
    """A pack with its figures: as frozen, or as of now while it is a draft. `restated`: what differs by now."""

    pack: BoardPack
    version: int
    figures: BoardFigures
    restated: list[Restatement]


class NewBoardPack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`ends_on`: the last day of a quarter. `comment`: names no person."""

    ends_on: date
    comment: Sentence | UnsetType | None = UNSET


class QuarterSum(msgspec.Struct, frozen=True):
    """What was posted in the quarter that begins on a day. The first one has what was posted before it too."""

    begins: date
    code: str
    type: AccountType
    restriction: Restriction
    function: ExpenseFunction
    amount: int


class QuarterGifts(msgspec.Struct, frozen=True):
    """Of a quarter's gifts: how many, of how many donors who are known, of whom some gave in the year before too."""

    gifts: int
    donors: int
    repeat_donors: int
