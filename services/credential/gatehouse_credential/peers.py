"""What other services answer, as far as it is used here. A test compares it with their OpenAPI."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class Relationship(Struct, kw_only=True, frozen=True):
    """What the caller is to a person."""

    relationship: str


class NamedPerson(Struct, kw_only=True, frozen=True):
    """A person, as far as a certificate goes."""

    id: UUID
    version: int
    name: str
    mastery: str


class CompletedItem(Struct, kw_only=True, frozen=True):
    """Something of somebody's curriculum. `skills`: those that it teaches, by name."""

    id: UUID
    resource_name: str | None = None
    skills: tuple[str, ...] = ()
    completed_at: datetime | None = None


class CompletedItems(Struct, kw_only=True, frozen=True):
    """A curriculum: what was completed, the last first."""

    completed: list[CompletedItem]


class HeldEncounter(Struct, kw_only=True, frozen=True):
    """A meeting of a member and a mentor."""

    id: UUID
    script_name: str
    held_from: datetime | None = None


class HeldEncounters(Struct, kw_only=True, frozen=True):
    """A page of them."""

    items: list[HeldEncounter]
