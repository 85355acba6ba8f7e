"""What goes in and out over HTTP. A row's fields are the columns selected; words as in database/enumerators."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from gatehouse_chassis.base.fields import Markdown, Sentence, Url, Word

Kind = Literal[
    "article",
    "video",
    "tutorial",
    "book",
    "manual",
    "online-class",
    "online-instructor",
    "in-person",
    "membership",
    "lesson",
    "audio",
    "getting-started",
]
Cost = Literal[
    "free",
    "one-time-low",
    "one-time-medium",
    "one-time-high",
    "subscription-low",
    "subscription-medium",
    "subscription-high",
]
Level = Literal["candidate", "apprentice", "practitioner", "craftsperson", "master", "distinguished"]
Interest = Literal["api", "data", "design", "games", "iot", "robot", "sre", "ux"]
LinkStatus = Literal["active", "failed", "unchecked"]

# The longest in the real content: 30 resources in a topic, 15 modules in a path, 8 topics in a module.
MOST_RESOURCES, MOST_MODULES, MOST_TOPICS = 200, 50, 50

Interests = Annotated[list[Interest], Meta(max_length=8)]
Technologies = Annotated[list[Word], Meta(max_length=20, description="Names of skills")]
Resources = Annotated[list[UUID], Meta(max_length=MOST_RESOURCES, description="Ids of resources, in order")]


class Row(Struct, kw_only=True):
    """What every aggregate has."""

    id: UUID
    version: int
    name: str
    description: str | None
    archived_at: datetime | None
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None


# Resources


class ResourceRow(Row, kw_only=True):
    number: int
    url: str
    kind: Kind
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
    kind: Kind
    cost: Cost
    level: Level
    link_status: LinkStatus


class NewResource(Struct, kw_only=True, forbid_unknown_fields=True):
    name: Word
    url: Url
    kind: Kind
    level: Level
    cost: Cost = "free"
    interests: Interests = []
    technologies: Technologies = []
    link_status: LinkStatus = "unchecked"
    description: Markdown | None = None


class ResourceChange(Struct, kw_only=True, forbid_unknown_fields=True):
    name: Word | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    kind: Kind | UnsetType = UNSET
    level: Level | UnsetType = UNSET
    cost: Cost | UnsetType = UNSET
    interests: Interests | UnsetType = UNSET
    technologies: Technologies | UnsetType = UNSET
    link_status: LinkStatus | UnsetType = UNSET
    description: Markdown | UnsetType | None = UNSET


# Ratings


class Opinion(Struct, kw_only=True, forbid_unknown_fields=True):
    """What the caller thinks of a resource: 1 (poor) to 5 (excellent)."""

    stars: Annotated[int, Meta(ge=1, le=5)]
    note: Sentence | None = None


class RatingRow(Struct, kw_only=True):
    id: UUID
    version: int
    resource_id: UUID
    person_id: UUID
    stars: int
    note: str | None
    created_at: datetime
    changed_at: datetime


class Ratings(Struct, kw_only=True):
    """`stars` counts the ratings with 1, 2, 3, 4 and 5; `mine` is the caller's own."""

    resource_id: UUID
    count: int
    average: float | None
    stars: list[int]
    mine: RatingRow | None


# Skills


class SkillRow(Row, kw_only=True):
    pass


class SkillInList(SkillRow, kw_only=True):
    resource_count: int


class NewSkill(Struct, kw_only=True, forbid_unknown_fields=True):
    name: Word
    description: Markdown | None = None


class SkillChange(Struct, kw_only=True, forbid_unknown_fields=True):
    """The name stays: it is what resources refer to."""

    description: Markdown | None


# Topics


class TopicRow(Row, kw_only=True):
    pass


class TopicInList(TopicRow, kw_only=True):
    resource_count: int


class TopicWithResources(TopicRow, kw_only=True):
    resources: list[ResourceInOrder]


class NewTopic(Struct, kw_only=True, forbid_unknown_fields=True):
    name: Word
    description: Markdown | None = None
    resources: Resources = []


class TopicChange(Struct, kw_only=True, forbid_unknown_fields=True):
    """`resources` replaces all that the topic had."""

    name: Word | UnsetType = UNSET
    description: Markdown | UnsetType | None = UNSET
    resources: Resources | UnsetType = UNSET


# Paths


class PathRow(Row, kw_only=True):
    interests: list[str]


class PathInList(PathRow, kw_only=True):
    module_count: int
    topic_count: int
    resource_count: int


class PathTopic(Struct, kw_only=True):
    id: UUID
    name: str
    resources: list[ResourceInOrder]


class PathModule(Struct, kw_only=True):
    id: UUID
    name: str
    topics: list[PathTopic]


class PathTree(PathRow, kw_only=True):
    modules: list[PathModule]


class Branch(Struct, kw_only=True):
    """One line of a path's tree as the database gives it: a module, perhaps its topic, perhaps its resource."""

    module_id: UUID
    module_name: str
    topic_id: UUID | None
    topic_name: str | None
    id: UUID | None
    number: int | None
    name: str | None
    url: str | None
    kind: str | None
    cost: str | None
    level: str | None
    link_status: str | None


class ModulePlan(Struct, kw_only=True, forbid_unknown_fields=True):
    """A module of a path to be. With the `id` of one that the path has, it is the same module; without, a new one."""

    name: Word
    topics: Annotated[list[UUID], Meta(max_length=MOST_TOPICS, description="Ids of topics, in order")] = []
    id: UUID | UnsetType = UNSET


Modules = Annotated[list[ModulePlan], Meta(max_length=MOST_MODULES)]


class NewPath(Struct, kw_only=True, forbid_unknown_fields=True):
    name: Word
    description: Markdown | None = None
    interests: Interests = []
    modules: Modules = []


class PathChange(Struct, kw_only=True, forbid_unknown_fields=True):
    """`modules` replaces all that the path had."""

    name: Word | UnsetType = UNSET
    description: Markdown | UnsetType | None = UNSET
    interests: Interests | UnsetType = UNSET
    modules: Modules | UnsetType = UNSET
