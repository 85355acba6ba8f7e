"""The certificate itself: an Open Badge 3.0 (https://www.imsglobal.org/spec/ob/v3p0/). Pure functions.

Nobody's e-mail address is in it; the name is, since it is what the certificate is for.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from gatehouse_credential.achievement.structs import Achievement
from gatehouse_credential.award.structs import Evidence
from gatehouse_credential.issuer.did import CertificateIssuer
from gatehouse_credential.linked_data.pinned import CREDENTIALS, OPEN_BADGES

PAGE = "/credentials"
"""Where the portal shows a certificate."""
LISTS = "/api/credential/status-lists"


class CredentialFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a certificate says. `status`: the number of its status list, and its place there."""

    id: UUID
    person_name: str
    achievement: Achievement
    evidence: Sequence[Evidence]
    issued_at: datetime
    valid_until: datetime | None
    status: tuple[int, int]


def stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def profile(issuer: CertificateIssuer) -> dict[str, Any]:
    return {"id": issuer.did, "type": ["Profile"], "name": issuer.name, "url": issuer.url}


def open_badge(facts: CredentialFacts, issuer: CertificateIssuer) -> dict[str, Any]:
    """Without its proof."""
    number, index = facts.status
    listed = f"{issuer.url}{LISTS}/{number}"
    document: dict[str, Any] = {
        "@context": [CREDENTIALS, OPEN_BADGES],
        "id": f"{issuer.url}{PAGE}/{facts.id}",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": facts.achievement.name,
        "issuer": profile(issuer),
        "validFrom": stamp(facts.issued_at),
        "credentialSubject": {
            "type": ["AchievementSubject"],
            "identifier": [
                {
                    "type": "IdentityObject",
                    "identityType": "name",
                    "hashed": False,
                    "identityHash": facts.person_name,
                }
            ],
            "achievement": _achievement(facts.achievement),
        },
        "credentialStatus": {
            "id": f"{listed}#{index}",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": str(index),
            "statusListCredential": listed,
        },
    }
    if facts.valid_until is not None:
        document["validUntil"] = stamp(facts.valid_until)
    if facts.evidence:
        document["evidence"] = [_evidence(one) for one in facts.evidence]
    return document


def _achievement(achievement: Achievement) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": f"urn:uuid:{achievement.id}",
        "type": ["Achievement"],
        "achievementType": "Competency",
        "name": achievement.name,
        "description": achievement.description,
        "criteria": {"narrative": achievement.criteria},
        "version": str(achievement.edition),
    }
    if achievement.specialty is not None:
        found["specialization"] = achievement.specialty
    if achievement.skills:
        found["tag"] = list(achievement.skills)
    return found


def _evidence(one: Evidence) -> dict[str, Any]:
    genre = "Completed" if one.kind == "item" else "Mentoring"
    return {"type": ["Evidence"], "name": one.name, "genre": genre, "narrative": f"{genre} on {one.at:%Y-%m-%d}"}
