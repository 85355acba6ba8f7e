"""What ledger answers about the board's figures and packs, as far as pages show it.

Fields that aren't named here are skipped.
"""

from datetime import date, datetime
from uuid import UUID

from msgspec import Struct


class QuarterValue(Struct, frozen=True, kw_only=True):
    ends_on: date
    value: int | None = None


class BoardFigure(Struct, frozen=True, kw_only=True):
    key: str
    name: str
    definition: str
    unit: str
    source: str
    quarters: list[QuarterValue]

    @property
    def value(self) -> int | None:
        return self.quarters[-1].value


class BudgetTotal(Struct, frozen=True, kw_only=True):
    name: str
    budget: int
    actual: int
    left: int


class BoardFigures(Struct, frozen=True, kw_only=True):
    ends_on: date
    as_of: datetime
    figures: list[BoardFigure]
    programs: list[BudgetTotal] = []

    @property
    def parts(self) -> list[tuple[str, list[BoardFigure]]]:
        """Of money and of the mission, apart."""
        mission = [one for one in self.figures if one.source.startswith("Events")]
        return [("Money", [one for one in self.figures if one not in mission]), ("Mission", mission)]


class BoardPack(Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    ends_on: date
    state: str
    comment: str | None = None
    frozen_at: datetime | None = None
    created_by: UUID | None = None


class NewBoardPack(Struct, frozen=True, kw_only=True, omit_defaults=True):
    ends_on: date
    comment: str | None = None


class Restatement(Struct, frozen=True, kw_only=True):
    key: str
    frozen: int | None = None
    now: int | None = None


class ShownPack(Struct, frozen=True, kw_only=True):
    pack: BoardPack
    figures: BoardFigures
    restated: list[Restatement]


class BudgetRow(Struct, frozen=True, kw_only=True):
    account_id: UUID
    code: str
    account: str
    type: str
    program_id: UUID | None = None
    program: str | None = None
    budget: int
    actual: int


class BudgetReport(Struct, frozen=True, kw_only=True):
    year: int
    to_on: date
    rows: list[BudgetRow]
    programs: list[BudgetTotal]
    income: BudgetTotal
    expenses: BudgetTotal


class BudgetLineSetting(Struct, frozen=True, kw_only=True, omit_defaults=True):
    account_id: UUID
    amount: int
    program_id: UUID | None = None
