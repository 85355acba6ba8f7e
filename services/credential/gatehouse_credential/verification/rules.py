"""What a certificate has to be, apart from its signature. Pure functions: no database, no HTTP."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gatehouse_credential.linked_data.pinned import FILES, OPEN_BADGES
from gatehouse_credential.verification.structs import VerdictReason

V2 = "https://www.w3.org/ns/credentials/v2"
V1 = "https://www.w3.org/2018/credentials/v1"
BADGES = frozenset(address for address in FILES if "/ob/v3p0/context" in address)
BADGE_TYPES = frozenset({"OpenBadgeCredential", "AchievementCredential"})
assert OPEN_BADGES in BADGES


class RefusedCredential(Exception):
    """`reason`, and words for people."""

    def __init__(self, reason: VerdictReason, words: str) -> None:
        super().__init__(words)
        self.reason: VerdictReason = reason
        self.words = words


def refuse_malformed(document: Mapping[str, Any]) -> None:
    """Raises RefusedCredential for what is no Open Badge 3.0, whoever signed it."""
    contexts = listed(document.get("@context"))
    if not contexts or contexts[0] not in (V1, V2) or "VerifiableCredential" not in listed(document.get("type")):
        raise RefusedCredential("not_a_credential", "This is no verifiable credential.")
    if not BADGES.intersection(one for one in contexts if isinstance(one, str)):
        raise RefusedCredential("not_an_open_badge", "This is a credential, but no Open Badge 3.0.")
    if not BADGE_TYPES.intersection(one for one in listed(document.get("type")) if isinstance(one, str)):
        raise RefusedCredential("not_an_open_badge", "This is a credential, but no Open Badge 3.0.")
    if issuer_of(document) is None:
        raise RefusedCredential("not_an_open_badge", "It doesn't say who issued it.")
    subject = document.get("credentialSubject")
    if not isinstance(subject, dict) or subject.keys().isdisjoint({"id", "identifier", "name"}):
        raise RefusedCredential("not_an_open_badge", "It doesn't say whose it is.")
    achievement = subject.get("achievement")
    if not isinstance(achievement, dict) or not _is_whole(achievement):
        raise RefusedCredential(
            "not_an_open_badge", "It doesn't say what was achieved: id, name, description and criteria."
        )
    for name in ("validFrom", "validUntil", "issuanceDate", "expirationDate"):
        if name in document and moment(document[name]) is None:
            raise RefusedCredential("not_an_open_badge", f"Its {name} is no moment.")
    if ("validFrom" if contexts[0] == V2 else "issuanceDate") not in document and "validFrom" not in document:
        raise RefusedCredential("not_an_open_badge", "It doesn't say since when it is good.")


def _is_whole(achievement: Mapping[str, Any]) -> bool:
    texts = all(isinstance(achievement.get(name), str) for name in ("id", "name", "description"))
    return texts and isinstance(achievement.get("criteria"), dict) and "Achievement" in listed(achievement.get("type"))


def refuse_by_date(document: Mapping[str, Any], now: datetime) -> None:
    """Raises RefusedCredential for what isn't good yet, or any more."""
    begins, ends = validity(document)
    if begins is not None and begins > now:
        raise RefusedCredential("not_yet_valid", f"It isn't good yet: it begins on {begins:%d %B %Y}.")
    if ends is not None and ends <= now:
        raise RefusedCredential("expired", f"It was good until {ends:%d %B %Y}.")


def refuse_recipient(document: Mapping[str, Any], recipient: str | None) -> None:
    """Raises RefusedCredential for somebody else's."""
    if recipient is None:
        return
    wanted = recipient.casefold().strip()
    if not any(name.casefold().strip() in (wanted, f"mailto:{wanted}") for name in names_of(document)):
        raise RefusedCredential("another_recipient", "It is good, but somebody else's.")


def validity(document: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    begins = moment(document.get("validFrom", document.get("issuanceDate")))
    return begins, moment(document.get("validUntil", document.get("expirationDate")))


def issuer_of(document: Mapping[str, Any]) -> str | None:
    """The address of who says that they issued it."""
    issuer = document.get("issuer")
    found = issuer.get("id") if isinstance(issuer, dict) else issuer
    return found if isinstance(found, str) and found else None


def names_of(document: Mapping[str, Any]) -> list[str]:
    """What the certificate calls its recipient; hashed identifiers can't be compared."""
    subject = document.get("credentialSubject")
    if not isinstance(subject, dict):
        return []
    given = [subject.get("id"), subject.get("name")]
    given += [
        one.get("identityHash")
        for one in listed(subject.get("identifier"))
        if isinstance(one, dict) and one.get("hashed") is False
    ]
    return [one for one in given if isinstance(one, str)]


def moment(value: Any) -> datetime | None:
    """Of RFC 3339 with a zone; None for anything else."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
