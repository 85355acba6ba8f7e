"""What callers send and get about resources. The values of the enumerators are those of database/enumerators."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from gatehouse_chassis.base.fields import Markdown, Url, Word
from gatehouse_topics.enumerators import Cost, Interest, LengthSource, Level, LinkStatus, ResourceKind
from gatehouse_topics.row import Row

Interests = Annotated[list[Interest], Meta(max_length=8)]
# A hundred hours of video, and more words or pages than any book has.
Words = Annotated[int, Meta(ge=1, le=10_000_000, description="How long it is to read")]
Minutes = Annotated[int, Meta(ge=1, le=6_000, description="How long it takes to see, hear or work through")]
Pages = Annotated[int, Meta(ge=1, le=20_000, description="How long it is in print")]
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
    length_words: int | None
    length_minutes: int | None
    length_pages: int | None
    length_source: LengthSource | None


class RatedResource(ResourceRow, kw_only=True):
    """A resource in a list. `ratings` counts them; `stars` is their average, none where nobody has rated it."""

    ratings: int
    stars: float | None


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
    technologies: list[str]


class LinkPreview(Struct, kw_only=True):
    """What a page says of itself, else what its address does. `problem`: why the page says nothing; `moved_to`: where
    it is for good.
    """

    url: str
    name: str
    kind: ResourceKind
    problem: str | None = None
    moved_to: str | None = None
    description: str | None = None
    language: str | None = None
    length_minutes: int | None = None
    length_words: int | None = None


class ResourceLength(Struct, kw_only=True):
    """Archived resources too: plans may hold them."""

    id: UUID
    kind: ResourceKind
    length_minutes: int | None
    length_words: int | None
    length_pages: int | None


class Twins(Struct, kw_only=True):
    """Current resources whose addresses lead to the same page; `key` is what they have in common."""

    key: str
    resources: list[ResourceInOrder]


class NewResource(Struct, kw_only=True, forbid_unknown_fields=True):
    """A length whose source isn't given is stated by whoever sends it."""

    name: Word
    url: Url
    kind: ResourceKind
    level: Level
    cost: Cost = "free"
    interests: Interests = []
    technologies: Technologies = []
    length_words: Words | None = None
    length_minutes: Minutes | None = None
    length_pages: Pages | None = None
    length_source: LengthSource | None = None
    description: Markdown | None = None


class ImportedLink(Struct, kw_only=True, forbid_unknown_fields=True):
    """A link of a list. Without a name or a kind they are guessed from the address."""

    url: Url
    name: Word | None = None
    kind: ResourceKind | None = None


class ImportLinks(Struct, kw_only=True, forbid_unknown_fields=True):
    """`level`: whom all of them are for."""

    links: Annotated[list[ImportedLink], Meta(min_length=1, max_length=500)]
    level: Level = "apprentice"


class ImportResult(Struct, kw_only=True):
    """`known`: how many lead where a resource leads already, or another link of the list; those stay as they are."""

    added: list[UUID]
    known: int


class ResourceChange(Struct, kw_only=True, forbid_unknown_fields=True):
    """Another address is unchecked, unless it was checked before. A length without a source is stated by the sender."""

    name: Word | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    kind: ResourceKind | UnsetType = UNSET
    level: Level | UnsetType = UNSET
    cost: Cost | UnsetType = UNSET
    interests: Interests | UnsetType = UNSET
    technologies: Technologies | UnsetType = UNSET
    length_words: Words | UnsetType | None = UNSET
    length_minutes: Minutes | UnsetType | None = UNSET
    length_pages: Pages | UnsetType | None = UNSET
    length_source: LengthSource | UnsetType | None = UNSET
    description: Markdown | UnsetType | None = UNSET
