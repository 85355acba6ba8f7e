"""What callers send and get about contacts."""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from gatehouse_chassis.base.fields import Email, Phone, Word


class Contact(msgspec.Struct, frozen=True):
    """Someone at a partner. Whoever is the person `person_id` may sign in and see this partner."""

    id: UUID
    version: int
    partner_id: UUID
    name: str
    email: str | None
    phone: str | None
    title: str | None
    person_id: UUID | None
    archived_at: datetime | None
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None


class NewContact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    partner_id: UUID
    name: Word
    email: Email | UnsetType | None = UNSET
    phone: Phone | UnsetType | None = UNSET
    title: Word | UnsetType | None = UNSET
    person_id: UUID | UnsetType | None = UNSET


class ContactChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only what is given changes; null empties a field. A contact stays with its partner."""

    name: Word | UnsetType = UNSET
    email: Email | UnsetType | None = UNSET
    phone: Phone | UnsetType | None = UNSET
    title: Word | UnsetType | None = UNSET
    person_id: UUID | UnsetType | None = UNSET
