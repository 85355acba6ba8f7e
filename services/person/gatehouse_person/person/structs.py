"""What callers send and get about people. The values of the enumerators are those of database/enumerators."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatehouse_chassis.base.fields import Email, Moment, Phone, Sentence, TimeZone, Word
from gatehouse_person.consent.structs import NewConsent
from gatehouse_person.enumerators import Mastery, PersonStatus, Specialty
from gatehouse_person.relationships import Relationship


class Person(msgspec.Struct, frozen=True):
    """A person. Whoever sees only the public part (`view` says so) gets null for what follows `created_at`."""

    id: UUID
    version: int
    view: Literal["full", "public"]
    name: str
    preferred_name: str | None
    mastery: Mastery
    specialty: Specialty
    time_zone: str | None
    joined_on: date | None
    created_at: datetime
    email: str | None
    phone: str | None
    location: str | None
    status: PersonStatus | None
    status_changed_at: datetime | None
    status_reason: str | None
    mentor_id: UUID | None
    intro_reminder_at: datetime | None
    intro_scheduled_for: datetime | None
    intro_held_at: datetime | None
    archived_at: datetime | None
    created_by: UUID | None
    changed_at: datetime | None
    changed_by: UUID | None


PRIVATE = Person.__struct_fields__[Person.__struct_fields__.index("created_at") + 1 :]


class PersonContact(msgspec.Struct, frozen=True, kw_only=True):
    """Where a person is written to, and how they are called."""

    id: UUID
    name: str
    preferred_name: str | None
    email: str
    archived_at: datetime | None
    time_zone: str | None
    intro_scheduled_for: datetime | None


class SignedUpPerson(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who signed up, as another service read it. `status`: of somebody new; a mentor is active at once.

    `consents`: given for them, as far as they haven't given them before.
    """

    name: Word
    email: Email
    time_zone: TimeZone | None = None
    status: Literal["pending", "active"] = "pending"
    consents: Annotated[list[NewConsent], Meta(max_length=10)] = []


class PlannedIntroduction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When it is; null: it has no time any more."""

    at: Moment | None


class KnownPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Whom an address belongs to, and how they stand."""

    id: UUID
    status: PersonStatus


class PersonRecord(msgspec.Struct, frozen=True):
    """What the rules look at before a person is changed."""

    id: UUID
    version: int
    status: PersonStatus
    status_changed_at: datetime
    intro_scheduled_for: datetime | None
    intro_reminder_at: datetime | None = None
    changed_at: datetime | None = None
    changed_by: UUID | None = None


class NewPerson(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Begins as `pending`."""

    name: Word
    email: Email
    preferred_name: Word | UnsetType | None = UNSET
    phone: Phone | UnsetType | None = UNSET
    mastery: Mastery | UnsetType = UNSET
    specialty: Specialty | UnsetType = UNSET
    location: Word | UnsetType | None = UNSET
    time_zone: TimeZone | UnsetType | None = UNSET
    joined_on: date | UnsetType | None = UNSET
    intro_scheduled_for: Moment | UnsetType | None = UNSET


class PersonChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only what is given changes; null empties a field. The status has its own command."""

    name: Word | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    preferred_name: Word | UnsetType | None = UNSET
    phone: Phone | UnsetType | None = UNSET
    mastery: Mastery | UnsetType = UNSET
    specialty: Specialty | UnsetType = UNSET
    location: Word | UnsetType | None = UNSET
    time_zone: TimeZone | UnsetType | None = UNSET
    joined_on: date | UnsetType | None = UNSET
    intro_scheduled_for: Moment | UnsetType | None = UNSET
    intro_held_at: Moment | UnsetType | None = UNSET


class StatusChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    status: PersonStatus
    reason: Sentence | None = None


class RelationshipAnswer(msgspec.Struct, frozen=True):
    """How the caller relates to the person. Whoever doesn't relate at all gets a 404."""

    person_id: UUID
    relationship: Relationship


class ReadOfPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody read a person's private data. `what`: by which operation. `why`: what let them."""

    at: datetime
    what: str
    why: str
    actor_id: UUID
    reader_id: UUID | None
    reader_name: str | None
