"""What topics answers, as far as the library shows it. Fields that aren't named here are skipped."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class ResourceOfTopic(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    url: str
    kind: str
    cost: str
    level: str
    link_status: str = "unchecked"


class Resource(ResourceOfTopic, frozen=True, kw_only=True):
    version: int = 1
    description: str | None = None
    interests: list[str] = []
    technologies: list[str] = []
    length_words: int | None = None
    length_minutes: int | None = None
    length_pages: int | None = None
    length_source: str | None = None


class RatedResource(Resource, frozen=True, kw_only=True):
    """`stars`: the average of its ratings."""

    ratings: int = 0
    stars: float | None = None


class ImportResult(Struct, frozen=True, kw_only=True):
    added: list[UUID]
    known: int


class LinkPreview(Struct, frozen=True, kw_only=True):
    """What a page says of itself, else what its address does."""

    name: str
    kind: str
    problem: str | None = None
    length_minutes: int | None = None
    length_words: int | None = None


class ResourceAfterCheck(Resource, frozen=True, kw_only=True):
    check_id: UUID


class Line(Struct, frozen=True, kw_only=True):
    """What somebody wrote for others, without their name."""

    stars: int
    line: str
    changed_at: datetime


class Ratings(Struct, frozen=True, kw_only=True):
    count: int
    average: float | None = None
    lines: list[Line] = []


class ResourceStatistics(Struct, frozen=True, kw_only=True):
    """How many finished it and, where enough have said, how long it took them."""

    completed: int
    stopped: int = 0
    stated: int = 0
    median_minutes: int | None = None
    quarter_minutes: int | None = None
    three_quarters_minutes: int | None = None


class LinkCheck(Struct, frozen=True, kw_only=True):
    """A check of a resource's address. One that was taken back has its time in `withdrawn_at`."""

    id: UUID
    url: str
    checked_at: datetime
    result: str
    http_status: int | None = None
    final_url: str | None = None
    note: str | None = None
    recorded_by: UUID | None = None
    withdrawn_at: datetime | None = None


class PathInList(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    description: str | None = None
    interests: list[str] = []
    module_count: int = 0
    topic_count: int = 0
    resource_count: int = 0


class Topic(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    resources: list[ResourceOfTopic] = []


class Module(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    topics: list[Topic] = []


class Assigned(Struct, frozen=True):
    resource_id: UUID


class OwnCurriculum(Struct, frozen=True, kw_only=True):
    """The reader's own curriculum, as far as a path shows how far they are."""

    completed: list[Assigned] = []
    now: list[Assigned] = []
    next: list[Assigned] = []
    later: list[Assigned] = []

    def states(self) -> dict[UUID, str]:
        """Where each resource is."""
        lists = {"completed": self.completed, "now": self.now, "next": self.next, "later": self.later}
        return {item.resource_id: state for state, items in lists.items() for item in items}


class Path(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    description: str | None = None
    interests: list[str] = []
    modules: list[Module] = []
