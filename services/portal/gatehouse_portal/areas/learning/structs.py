"""What other services answer, as far as pages show it. Fields that aren't named here are skipped."""

from datetime import date, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from msgspec import Struct

T = TypeVar("T")


class Page(Struct, Generic[T], frozen=True):
    items: list[T]
    next: str | None = None


# identity


class Persona(Struct, frozen=True):
    key: str
    name: str
    title: str
    roles: list[str]


class SignInOptions(Struct, frozen=True):
    """`provider`: the name on the button, or None when none is configured."""

    provider: str | None = None
    personas: bool = False


class Me(Struct, frozen=True):
    """Who is signed in, with the roles that are granted now."""

    name: str
    roles: list[str]
    email: str | None = None


# topics


class Resource(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    url: str
    kind: str
    cost: str
    level: str
    link_status: str = "unchecked"
    interests: list[str] = []
    technologies: list[str] = []


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
    resources: list[Resource] = []


class Module(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    topics: list[Topic] = []


class Path(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    description: str | None = None
    interests: list[str] = []
    modules: list[Module] = []


# person


class Person(Struct, frozen=True, kw_only=True):
    """Whoever sees only the public part of somebody gets no status, address or mentor."""

    id: UUID
    name: str
    mastery: str
    specialty: str
    status: str | None = None
    email: str | None = None
    mentor_id: UUID | None = None
    preferred_name: str | None = None
    joined_on: date | None = None


# curriculum


class Assignment(Struct, frozen=True, kw_only=True):
    id: UUID
    resource_id: UUID
    state: str
    assigned_at: datetime
    topic_id: UUID | None = None
    path_id: UUID | None = None
    note: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None


class Curriculum(Struct, frozen=True, kw_only=True):
    """Completed: the last first; the others in the order in which they are to be learned."""

    person_id: UUID
    version: int
    changed_at: datetime
    archived_at: datetime | None = None
    completed: list[Assignment] = []
    now: list[Assignment] = []
    next: list[Assignment] = []
    later: list[Assignment] = []

    def all(self) -> list[Assignment]:
        return [*self.now, *self.next, *self.later, *self.completed]


class CurriculumInList(Struct, frozen=True, kw_only=True):
    person_id: UUID
    completed_count: int = 0
    now_count: int = 0
    next_count: int = 0
    later_count: int = 0
    changed_at: datetime | None = None


class Named(Struct, frozen=True):
    """A topic or a path, as far as its name is all that is shown."""

    id: UUID
    name: str


# the routes that every service has


class CollectionVersion(Struct, frozen=True):
    collection: str
    version: str
    applied_at: datetime


class Version(Struct, frozen=True, kw_only=True):
    service: str
    domain: str = ""
    summary: str = ""
    environment: str = ""
    version: str = ""
    commit: str = ""
    built_at: str = ""
    image_digest: str = ""
    started_at: datetime | None = None
    collections: list[CollectionVersion] = []


class Readiness(Struct, frozen=True):
    ready: bool
    checks: dict[str, str] = {}


class Setting(Struct, frozen=True, kw_only=True):
    key: str
    type: str
    value: Any = None
    origin: str = ""
    secret: bool = False
    help: str = ""


class Configuration(Struct, frozen=True):
    settings: list[Setting] = []
