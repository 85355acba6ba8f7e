"""The verdict on a certificate, with the reason that comes first: its form, its proof, its dates, its status."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from gatehouse_credential.award import queries
from gatehouse_credential.issuer.did import CertificateIssuer
from gatehouse_credential.issuer.key_ring import IssuerKeyRing
from gatehouse_credential.linked_data.errors import TooComplex, Unreadable
from gatehouse_credential.verification import rules
from gatehouse_credential.verification.proofs import ProofChecks
from gatehouse_credential.verification.reading import found_in
from gatehouse_credential.verification.rules import RefusedCredential
from gatehouse_credential.verification.structs import CredentialVerdict, Verdict, VerdictReason

_VERDICTS: dict[VerdictReason, CredentialVerdict] = {
    "ok": "valid",
    "expired": "expired",
    "revoked": "revoked",
    "erased": "revoked",
    "not_yet_valid": "not_yet_valid",
    "unknown_key": "unconfirmed",
    "unbound_key": "unconfirmed",
    "unknown_status": "unconfirmed",
}
LONGEST_SHOWN = 200


class Verifier:
    def __init__(self, issuer: CertificateIssuer, keys: IssuerKeyRing) -> None:
        self._issuer = issuer
        self._proofs = ProofChecks(issuer, keys)

    async def verdict(self, sent: dict[str, Any] | str, recipient: str | None, now: datetime) -> Verdict:
        """Never raises for what was sent, whatever it is."""
        document: Mapping[str, Any] = {}
        try:
            found = found_in(sent)
            document = found if isinstance(found, dict) else await self._proofs.read_jwt(found)
            rules.refuse_malformed(document)
            if isinstance(found, dict):
                keys = await self._proofs.keys_of(document)
                await asyncio.to_thread(self._proofs.check, document, keys)
            rules.refuse_by_date(document, now)
            await self._refuse_status(document)
            rules.refuse_recipient(document, recipient)
        except RefusedCredential as refusal:
            return self._made(document, refusal.reason, refusal.words)
        except Unreadable as unreadable:
            return self._made(document, "unreadable", str(unreadable))
        except TooComplex as complex_:
            return self._made(document, "too_complex", str(complex_))
        except RecursionError:
            return self._made(document, "too_complex", "Its objects lie too deep in each other.")
        award = await self._award_of(document)
        made = self._made(document, "ok", self._good_words(document))
        return made if award is None else msgspec.structs.replace(made, id=award.id)

    def _good_words(self, document: Mapping[str, Any]) -> str:
        if rules.issuer_of(document) == self._issuer.did:
            return f"{self._issuer.name} issued it, nothing was changed, and it is good today."
        return (
            "Nothing was changed since its issuer signed it, and it is good today. Who that issuer is, look yourself."
        )

    async def _refuse_status(self, document: Mapping[str, Any]) -> None:
        """Raises RefusedCredential for what was taken back, or of which that can't be told."""
        if rules.issuer_of(document) == self._issuer.did:
            award = await self._award_of(document)
            if award is None:
                raise RefusedCredential("wrong_signature", "This institute has no record of it.")
            if award.person_id is None:
                raise RefusedCredential("erased", "Its member isn't known here any more, so nobody vouches for it.")
            if award.state == "revoked":
                raise RefusedCredential("revoked", f"It was revoked: {award.end_reason or 'without a reason'}")
        elif document.get("credentialStatus") is not None:
            raise RefusedCredential(
                "unknown_status", "The signature is right; whether its issuer revoked it, they have to say."
            )

    async def _award_of(self, document: Mapping[str, Any]) -> queries.FoundRow | None:
        """The award that one of ours belongs to."""
        if rules.issuer_of(document) != self._issuer.did:
            return None
        for proof in rules.listed(document.get("proof")):
            if isinstance(proof, dict) and isinstance(proof.get("proofValue"), str):
                return await queries.of_proof(proof["proofValue"])
        return await queries.of_address(str(document.get("id")), self._issuer.url)

    def _made(self, document: Mapping[str, Any], reason: VerdictReason, words: str) -> Verdict:
        begins, ends = rules.validity(document)
        issuer = document.get("issuer")
        names = rules.names_of(document)
        return Verdict(
            verdict=_VERDICTS.get(reason, "invalid"),
            reason=reason,
            words=words,
            ours=rules.issuer_of(document) == self._issuer.did and reason in _OF_OURS,
            name=_achievement_name(document),
            issuer_id=_short(rules.issuer_of(document)),
            issuer_name=_short(issuer.get("name")) if isinstance(issuer, dict) else None,
            recipient=_short(next((name for name in reversed(names)), None)),
            valid_from=begins,
            valid_until=ends,
        )


_OF_OURS = frozenset({"ok", "expired", "revoked", "erased", "not_yet_valid", "another_recipient"})
"""What is only said of a certificate whose signature fits."""


def _achievement_name(document: Mapping[str, Any]) -> str | None:
    subject = document.get("credentialSubject")
    achievement = subject.get("achievement") if isinstance(subject, dict) else None
    return _short(achievement.get("name")) if isinstance(achievement, dict) else None


def _short(value: Any) -> str | None:
    return value[:LONGEST_SHOWN] if isinstance(value, str) else None
