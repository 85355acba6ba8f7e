"""What topics, person and encounter answer, as far as it is used here. A test compares it with their OpenAPI."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class ResourceOfTopic(Struct, kw_only=True):
    id: UUID
    name: str | None = None
    technologies: list[str] = []


class Resource(ResourceOfTopic, kw_only=True):
    archived_at: datetime | None = None


class TopicOfPath(Struct, kw_only=True):
    id: UUID
    name: str | None = None
    resources: list[ResourceOfTopic] = []


class Topic(TopicOfPath, kw_only=True):
    archived_at: datetime | None = None


class Module(Struct, kw_only=True):
    topics: list[TopicOfPath] = []


class Path(Struct, kw_only=True):
    id: UUID
    name: str | None = None
    modules: list[Module] = []
    archived_at: datetime | None = None


class ResourceLength(Struct, kw_only=True):
    """What topics says of how long a resource is."""

    id: UUID
    kind: str
    length_minutes: int | None = None
    length_words: int | None = None
    length_pages: int | None = None


class Relationship(Struct, kw_only=True):
    relationship: str


class Person(Struct, kw_only=True):
    id: UUID


class PersonZone(Struct, kw_only=True):
    time_zone: str | None = None


class NamedPerson(Struct, kw_only=True):
    name: str


class Agreement(Struct, kw_only=True):
    """What two agreed on at an encounter. `until`: when they meet again; none: nobody has said."""

    assignment_ids: list[UUID]
    until: datetime | None = None
    time_zone: str = "UTC"
