"""What callers send and get about forecasts: how long a list takes a member, and how good such forecasts were."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

MOST_ITEMS = 200
Ids = Annotated[list[UUID], Meta(max_length=MOST_ITEMS)]


class AskForecast(Struct, kw_only=True, forbid_unknown_fields=True):
    """A list of what is in the plan and of any other resources.

    `until`: the day of the next meeting, in the member's time zone. Without it: with `coming` as many days from now as
    are usual for the member, else the end of the present period while that lasts.
    """

    assignment_ids: Ids = []
    resource_ids: Ids = []
    until: date | None = None
    coming: bool = False


class ResourceForecast(Struct, kw_only=True, frozen=True):
    """How long one resource takes the member in all, in minutes: between `low` and `high` four times in five.

    Attributes:
        typical_minutes: what half of all people need at most, as far as is known.
        times: how many times of it are known, of anybody.
        spent_minutes: what the member has spent on it already.
    """

    resource_id: UUID
    assignment_id: UUID | None
    low_minutes: int
    middle_minutes: int
    high_minutes: int
    typical_minutes: int
    times: int
    spent_minutes: int


class PlanForecast(Struct, kw_only=True, frozen=True):
    """How much time what is left of a list takes, and how likely that is more than there is until `until`.

    Attributes:
        low_minutes, high_minutes: four times in five it takes between the two; half of the time at most `middle`.
        over: how likely it takes more than `budget_minutes`, from 0 to 1.
        pace: how much longer than others the member takes, as a factor; `pace_times`: from how many of their times.
        little_known: both the member's pace and most of the list are guesses.
    """

    until: datetime
    budget_minutes: int
    minutes_per_week: int
    low_minutes: int
    middle_minutes: int
    high_minutes: int
    over: float
    pace: float
    pace_times: int
    little_known: bool
    items: list[ResourceForecast]


class KnownTime(Struct, kw_only=True, frozen=True):
    """A time that says something of the member's pace. `stated`: somebody said it; else it is the time away with it.

    `typical_minutes`: what half of all people need at most; null where that isn't known. `not_typical_at`: when the
    member said that it is no measure; it counts for nothing since.
    """

    assignment_id: UUID
    resource_id: UUID
    resource_name: str | None
    minutes: int
    stated: bool
    unfinished: bool
    typical_minutes: int | None
    not_typical_at: datetime | None


class MemberPace(Struct, kw_only=True, frozen=True):
    """How much longer than others a member takes, as a factor: between `low` and `high` four times in five."""

    pace: float
    low: float
    high: float
    times: list[KnownTime]


class Typical(Struct, kw_only=True, forbid_unknown_fields=True):
    """Whether the time of an assignment is a measure of how long the member takes."""

    typical: bool


class Fifth(Struct, kw_only=True, frozen=True):
    """Forecasts that said between `above` and a fifth more; `said` and `came` are shares, null of too few."""

    above: float
    forecasts: int
    said: float | None
    came: float | None


class Calibration(Struct, kw_only=True, frozen=True):
    """How good forecasts of committed lists were.

    Attributes:
        made, settled: how many there are, and of how many it is known what came.
        covered: the share of those with a known time that lay within what was said; 0.8 is right. Null of too few.
        brier: the mean square of what was said less what came; lower is better. Null of too few.
        fitted_at, times: when the model was last fitted, to how many times; null before it was.
    """

    made: int
    settled: int
    covered: float | None
    brier: float | None
    fifths: list[Fifth]
    fitted_at: datetime | None
    times: int | None
