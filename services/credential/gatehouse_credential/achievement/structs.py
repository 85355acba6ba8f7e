"""What callers send and get about achievements."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatehouse_chassis.base.fields import END, MARKDOWN, Sentence, Word

Named = Annotated[str, Meta(min_length=1, max_length=40, pattern=rf"^[a-z_]+{END}")]
"""A value of an enumerator of person's: a level, or a specialty."""
Skills = Annotated[list[Word], Meta(max_length=30, description="Names of skills, as topics has them")]
Months = Annotated[int, Meta(ge=1, le=600, description="How long a certificate is good")]
Criteria = Annotated[str, Meta(min_length=1, max_length=5_000, pattern=MARKDOWN, description="Text in Markdown")]


class Achievement(msgspec.Struct, frozen=True, kw_only=True):
    """One edition. `series_id`: the same in all editions; `is_current`: whether no later one is there."""

    id: UUID
    version: int
    series_id: UUID
    edition: int
    name: str
    description: str
    criteria: str
    level: str | None
    specialty: str | None
    skills: list[str]
    valid_months: int | None
    is_current: bool
    archived_at: datetime | None
    created_at: datetime
    created_by: UUID | None


class NewAchievement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Word
    description: Sentence
    criteria: Criteria
    level: Named | None = None
    specialty: Named | None = None
    skills: Skills = []
    valid_months: Months | None = None


class AchievementChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the next edition says otherwise; null empties a field."""

    name: Word | UnsetType = UNSET
    description: Sentence | UnsetType = UNSET
    criteria: Criteria | UnsetType = UNSET
    level: Named | UnsetType | None = UNSET
    specialty: Named | UnsetType | None = UNSET
    skills: Skills | UnsetType = UNSET
    valid_months: Months | UnsetType | None = UNSET
