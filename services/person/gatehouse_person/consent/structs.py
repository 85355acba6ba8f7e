"""What callers send and get about consents."""

from datetime import datetime
from uuid import UUID

import msgspec

from gatehouse_chassis.base.fields import Word
from gatehouse_person.enumerators import ConsentKind


class Consent(msgspec.Struct, frozen=True):
    id: UUID
    version: int
    person_id: UUID
    kind: ConsentKind
    document_version: str
    given_at: datetime
    withdrawn_at: datetime | None
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None


class NewConsent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: ConsentKind
    document_version: Word
