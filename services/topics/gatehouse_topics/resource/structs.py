"""What callers send and get about resources. The values of the enumerators are those of database/enumerators."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from gatehouse_chassis.base.fields import Markdown, Url, Word
from gatehouse_topics.enumerators import Cost, Interest, Level, LinkStatus, ResourceKind
from gatehouse_topics.row import Row

Interests = Annotated[list[Interest], Meta(max_length=8)]
Technologies = Annotated[list[Word], Meta(max_length=20, description="Names of skills")]


class ResourceRow(Row, kw_only=True):
    number: int
    url: str
    kind: ResourceKind
    cost: Cost
    level: Level
    interests: list[str]
    technologies: list[str]
    link_status: LinkStatus


class ResourceInOrder(Struct, kw_only=True):
    """A resource as a topic or path shows it."""

    id: UUID
    number: int
    name: str
    url: str
    kind: ResourceKind
    cost: Cost
    level: Level
    link_status: LinkStatus


class NewResource(Struct, kw_only=True, forbid_unknown_fields=True):
    name: Word
    url: Url
    kind: ResourceKind
    level: Level
    cost: Cost = "free"
    interests: Interests = []
    technologies: Technologies = []
    link_status: LinkStatus = "unchecked"
    description: Markdown | None = None


class ResourceChange(Struct, kw_only=True, forbid_unknown_fields=True):
    name: Word | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    kind: ResourceKind | UnsetType = UNSET
    level: Level | UnsetType = UNSET
    cost: Cost | UnsetType = UNSET
    interests: Interests | UnsetType = UNSET
    technologies: Technologies | UnsetType = UNSET
    link_status: LinkStatus | UnsetType = UNSET
    description: Markdown | UnsetType | None = UNSET
