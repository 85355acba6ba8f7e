"""What callers send and get about profiles."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatehouse_chassis.base.fields import Markdown, Sentence, Url, Word


class Link(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    label: Word
    url: Url


class Profile(msgspec.Struct, frozen=True):
    id: UUID
    version: int
    person_id: UUID
    headline: str | None
    bio: str
    links: list[Link]
    interests: list[str]
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None


class ProfileChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only what is given changes."""

    headline: Sentence | UnsetType | None = UNSET
    bio: Markdown | UnsetType = UNSET
    links: Annotated[list[Link], Meta(max_length=10)] | UnsetType = UNSET
    interests: Annotated[list[Word], Meta(max_length=20)] | UnsetType = UNSET
