"""What callers send and get about awards: achievements of people, and their certificates."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from gatehouse_chassis.base.fields import Sentence
from gatehouse_credential.achievement.structs import Named
from gatehouse_credential.enumerators import AwardState, AwardVisibility

EvidenceKind = Literal["item", "encounter"]
Standing = Literal["proposed", "declined", "valid", "expired", "revoked"]
"""What an award is now: `state`, and whether it has run out."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was completed, or a meeting that was held, as it was called then."""

    kind: EvidenceKind
    id: UUID
    name: str
    at: datetime


class OfferedEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """`fits`: whether it is about the skills of the achievement, so that it is chosen unless somebody unchooses it."""

    kind: EvidenceKind
    id: UUID
    name: str
    at: datetime
    fits: bool


class OfferedEvidenceList(msgspec.Struct, frozen=True, kw_only=True):
    """The newest first. `missing`: services that didn't answer, so that there may be more."""

    items: list[OfferedEvidence]
    missing: list[str]


class ChosenEvidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: EvidenceKind
    id: UUID


class NewAward(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A proposal. `note`: for whoever confirms; the certificate doesn't have it."""

    person_id: UUID
    achievement_id: UUID
    evidence: Annotated[list[ChosenEvidence], Meta(max_length=50)] = []
    note: Sentence | None = None


class Confirmation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`mastery`: the person's new level, where this raises it; coordinators and staff decide that."""

    mastery: Named | None = None


class EndReason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Sentence


class VisibilityChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    visibility: AwardVisibility


class AwardRow(msgspec.Struct, frozen=True, kw_only=True):
    """As the table has it. `person_id` null: of somebody who was erased."""

    id: UUID
    version: int
    person_id: UUID | None
    person_name: str | None
    achievement_id: UUID
    state: AwardState
    visibility: AwardVisibility
    evidence: list[Evidence]
    note: str | None
    proposed_by: UUID
    proposed_at: datetime
    confirmed_by: UUID | None
    issued_at: datetime | None
    valid_until: datetime | None
    ended_by: UUID | None
    ended_at: datetime | None
    end_reason: str | None
    status_list: int | None
    status_index: int | None
    created_at: datetime
    created_by: UUID | None


class PublicCredential(msgspec.Struct, frozen=True, kw_only=True):
    """What anybody who has the link reads. `skills`: by their names."""

    id: UUID
    standing: Standing
    visibility: AwardVisibility
    person_name: str
    achievement: str
    edition: int
    description: str
    criteria: str
    level: str | None
    specialty: str | None
    skills: list[str]
    evidence: list[Evidence]
    issuer: str
    issued_at: datetime
    valid_until: datetime | None
    revoked_at: datetime | None
    reason: str | None
    document: dict[str, Any]


class CredentialJwt(msgspec.Struct, frozen=True):
    """A certificate in the form of VC-JOSE-COSE."""

    jwt: str
