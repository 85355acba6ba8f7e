"""What callers send and get about ratings: what people think of a resource."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from gatehouse_chassis.base.fields import Sentence


class Opinion(Struct, kw_only=True, forbid_unknown_fields=True):
    """What the caller thinks of a resource: 1 (poor) to 5 (excellent).

    `note`: for oneself, nobody else reads it. `line`: for others, who read it without a name. What is left out stays as
    it is; null takes it away.
    """

    stars: Annotated[int, Meta(ge=1, le=5)]
    note: Sentence | UnsetType | None = UNSET
    line: Sentence | UnsetType | None = UNSET


class RatingRow(Struct, kw_only=True):
    id: UUID
    version: int
    resource_id: UUID
    person_id: UUID
    stars: int
    note: str | None
    line: str | None
    created_at: datetime
    changed_at: datetime


class StarCount(Struct, frozen=True):
    """How many gave this many stars."""

    stars: int
    count: int


class Line(Struct, frozen=True):
    """What somebody wrote for others, with the stars that they gave. Nobody is named."""

    stars: int
    line: str
    changed_at: datetime


class Ratings(Struct, kw_only=True):
    """`stars` counts the ratings with 1, 2, 3, 4 and 5; `mine` is the caller's own; `lines`: the newest, for others."""

    resource_id: UUID
    count: int
    average: float | None
    stars: list[int]
    lines: list[Line]
    mine: RatingRow | None
