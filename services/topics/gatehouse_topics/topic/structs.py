"""What callers send and get about topics."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from gatehouse_chassis.base.fields import Markdown, Word
from gatehouse_topics.resource.structs import ResourceInOrder
from gatehouse_topics.row import Row

# The longest in the real content has 30.
MOST_RESOURCES = 200

Resources = Annotated[list[UUID], Meta(max_length=MOST_RESOURCES, description="Ids of resources, in order")]


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
