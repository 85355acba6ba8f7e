"""What callers send and get about paths: modules, their topics, and those topics' resources as one tree."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from gatehouse_chassis.base.fields import Markdown, Word
from gatehouse_topics.resource.structs import Interests, ResourceInOrder
from gatehouse_topics.row import Row

# The longest in the real content: 15 modules in a path, 8 topics in a module.
MOST_MODULES, MOST_TOPICS = 50, 50


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
    technologies: list[str] | None


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
