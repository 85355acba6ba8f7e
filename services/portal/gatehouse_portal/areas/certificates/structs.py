"""What credential answers about achievements and certificates. Fields that aren't named here are skipped."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct


class Achievement(Struct, frozen=True, kw_only=True):
    """One edition of it."""

    id: UUID
    version: int
    series_id: UUID
    edition: int
    name: str
    description: str
    criteria: str
    level: str | None
    specialty: str | None
    skills: list[str]
    valid_months: int | None


class Evidence(Struct, frozen=True, kw_only=True):
    kind: Literal["item", "encounter"]
    id: UUID
    name: str
    at: datetime


class EvidenceToChoose(Evidence, frozen=True, kw_only=True):
    """`fits`: whether it is about the achievement's skills."""

    fits: bool


class OfferedEvidence(Struct, frozen=True, kw_only=True):
    items: list[EvidenceToChoose]
    missing: list[str]


class Award(Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    person_id: UUID | None
    person_name: str | None
    achievement_id: UUID
    state: str
    visibility: str
    evidence: list[Evidence]
    note: str | None
    proposed_by: UUID
    proposed_at: datetime
    confirmed_by: UUID | None
    issued_at: datetime | None
    valid_until: datetime | None
    ended_at: datetime | None
    end_reason: str | None


class Credential(Struct, frozen=True, kw_only=True):
    """A certificate, as it is shown to whoever may see it."""

    id: UUID
    standing: Literal["proposed", "declined", "valid", "expired", "revoked"]
    visibility: str
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


class Verdict(Struct, frozen=True, kw_only=True):
    """Whether a certificate is good, and why not."""

    verdict: Literal["valid", "expired", "revoked", "not_yet_valid", "unconfirmed", "invalid"]
    reason: str
    words: str
    ours: bool = False
    id: UUID | None = None
    name: str | None = None
    issuer_id: str | None = None
    issuer_name: str | None = None
    recipient: str | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None


class NamedPerson(Struct, frozen=True, kw_only=True):
    """A person, as far as proposing goes."""

    id: UUID
    name: str


class AchievementForm(Struct, frozen=True, kw_only=True):
    """What a form says about an achievement."""

    name: str
    description: str
    criteria: str
    level: str | None
    specialty: str | None
    skills: list[str]
    valid_months: int | None


class CredentialJwt(Struct, frozen=True, kw_only=True):
    jwt: str
