"""What callers send and get about series."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from gatehouse_chassis.base.fields import TimeZone
from gatehouse_encounter.enumerators import SeriesRhythm

WallTime = Annotated[str, Meta(pattern=r"^(?:[01][0-9]|2[0-3]):[0-5][0-9](?![\s\S])", examples=["17:00"])]
Minutes = Annotated[int, Meta(ge=5, le=480)]


class Series(msgspec.Struct, frozen=True):
    """`local_time` is what the clock on the mentor's wall says, all year."""

    id: UUID
    version: int
    member_id: UUID
    mentor_id: UUID
    rhythm: SeriesRhythm
    starts_on: date
    local_time: str
    minutes: int
    time_zone: str
    ended_at: datetime | None
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None


class SeriesRecord(msgspec.Struct, frozen=True):
    """What the rules read."""

    id: UUID
    version: int
    member_id: UUID
    mentor_id: UUID
    rhythm: SeriesRhythm
    starts_on: date
    minute_of_day: int
    minutes: int
    time_zone: str
    ended_at: datetime | None


class NewSeries(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The weekday is that of `starts_on`. Without `time_zone`: the mentor's, as person knows it."""

    member_id: UUID
    mentor_id: UUID
    rhythm: SeriesRhythm
    starts_on: date
    local_time: WallTime
    minutes: Minutes = 60
    time_zone: TimeZone | None = None


class Occurrence(msgspec.Struct, frozen=True):
    """One meeting of a series, in UTC."""

    begins_at: datetime
    ends_at: datetime
