"""A certificate as a picture that holds it, and as a document for the wall. Both say what the signed text says."""

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from gatehouse_chassis.documents.pdf import render, render_png
from gatehouse_credential.award.document import PAGE
from gatehouse_credential.award.structs import PublicCredential
from gatehouse_credential.issuer.did import CertificateIssuer
from gatehouse_credential.proof.baking import baked

MOST_EVIDENCE = 8


async def badge(found: PublicCredential) -> bytes:
    """A PNG with the certificate baked in."""
    level = None if found.level is None else found.level.capitalize()
    values = {"name": found.achievement, "level": level, "issuer": found.issuer, "size": _size(found.achievement)}
    return baked(await render_png(_template("badge.typ"), values), msgspec.json.encode(found.document).decode())


async def certificate(found: PublicCredential, issuer: CertificateIssuer) -> bytes:
    """A PDF."""
    made = await render(_template("certificate.typ"), _said(found, issuer), at=found.issued_at)
    return made.content


def _said(found: PublicCredential, issuer: CertificateIssuer) -> dict[str, Any]:
    facts = [("Issued", f"{found.issued_at:%d %B %Y}")]
    if found.valid_until is not None:
        facts.append(("Good until", f"{found.valid_until:%d %B %Y}"))
    if found.level is not None:
        facts.append(("Level", found.level.capitalize()))
    if found.skills:
        facts.append(("Skills", ", ".join(found.skills)))
    evidence = [one.name for one in found.evidence[:MOST_EVIDENCE]]
    if len(found.evidence) > MOST_EVIDENCE:
        evidence.append(f"and {len(found.evidence) - MOST_EVIDENCE} more")
    standing = {"revoked": "This certificate was revoked.", "expired": "This certificate has expired."}
    return {
        "title": f"{found.achievement}: {found.person_name}",
        "name": found.achievement,
        "person": found.person_name,
        "description": found.description,
        "criteria": found.criteria,
        "evidence": evidence,
        "facts": [{"label": label, "value": value} for label, value in facts],
        "issuer": issuer.name,
        "link": f"{issuer.url}{PAGE}/{found.id}",
        "number": str(found.id),
        "standing": standing.get(found.standing),
    }


def _size(name: str) -> float:
    """In points: so that the longest word fits into the picture, and all of it."""
    longest = max(map(len, name.split()), default=1)
    return max(6.0, min(24.0, 360 / longest, 700 / (len(name) ** 0.5 * 6)))


@cache
def _template(name: str) -> bytes:
    return files("gatehouse_credential.award").joinpath(name).read_bytes()
