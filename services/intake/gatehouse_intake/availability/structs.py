"""What callers send and get about the hours in which somebody can meet."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from gatehouse_chassis.base.fields import END, TimeZone

Minutes = Annotated[int, Meta(ge=0, le=1440, description="Minutes since midnight, by the clock on their wall")]
Language = Annotated[
    str, Meta(min_length=2, max_length=35, pattern=rf"^[a-z]{{2,3}}(?:-[A-Za-z0-9]{{2,8}})*{END}", examples=["en"])
]


class WeeklyWindow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hours of a day of the week; Monday is 0."""

    weekday: Annotated[int, Meta(ge=0, le=6)]
    begins: Minutes
    ends: Minutes


class NewAvailability(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it: what isn't given is no longer so. No windows: they haven't said when."""

    time_zone: TimeZone
    languages: Annotated[list[Language], Meta(max_length=10)] = []
    windows: Annotated[list[WeeklyWindow], Meta(max_length=40)] = []


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """When somebody can meet, and in which languages."""

    id: UUID
    version: int
    person_id: UUID
    time_zone: str
    languages: list[str]
    windows: list[WeeklyWindow]
    changed_at: datetime
