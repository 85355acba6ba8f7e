"""Certificates over HTTP for everybody: one by its link, and the lists of those that are revoked."""

import asyncio
import time
from typing import Any
from uuid import UUID

from litestar import Controller, Response, get
from litestar.datastructures import State

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import GoneForGood, NotFound
from gatehouse_chassis.http.guards import public, signed_in
from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_credential.access import MemberAccess
from gatehouse_credential.achievement.queries import ACHIEVEMENT
from gatehouse_credential.award import queries
from gatehouse_credential.award.document import stamp
from gatehouse_credential.award.files import badge, certificate
from gatehouse_credential.award.queries import AWARD
from gatehouse_credential.award.rules import standing_of
from gatehouse_credential.award.status import status_list
from gatehouse_credential.award.structs import AwardRow, CredentialJwt, PublicCredential
from gatehouse_credential.issuer.did import CertificateIssuer
from gatehouse_credential.issuer.key_ring import IssuerKeyRing
from gatehouse_credential.proof.data_integrity import signed
from gatehouse_credential.proof.jwt_form import as_jwt
from gatehouse_credential.tables import DB

LIST_SECONDS = 20
"""How old a list may be here, and again with whoever caches it: a revocation is in it within a minute."""
FILES = anonymous(per_minute=20, at_once=10)
PNG, PDF = "image/png", "application/pdf"
UNCACHED = {"Cache-Control": "no-store"}
GONE = "The member isn't known here any more, and with them their certificate is gone."


class SignedLists:
    """The lists as they were last signed. `issuer_keys` sign; a list is signed again after LIST_SECONDS."""

    def __init__(self, issuer: CertificateIssuer, issuer_keys: IssuerKeyRing) -> None:
        self._issuer, self._keys = issuer, issuer_keys
        self._signed: dict[int, tuple[float, dict[str, Any]]] = {}

    async def get(self, number: int) -> dict[str, Any]:
        """Raises NotFound for a list that isn't there."""
        known = self._signed.get(number)
        if known is not None and time.monotonic() - known[0] < LIST_SECONDS:
            return known[1]
        asked = time.monotonic()
        revoked = await queries.revoked_places(number)
        if revoked is None:
            raise NotFound("There is no such list.")
        signer, now = await self._keys.signer(), await DB.now()
        document = status_list(number, revoked, self._issuer, now)
        method = self._issuer.method(signer.kid)
        made = await asyncio.to_thread(signed, document, signer.private, method, stamp(now))
        self._signed[number] = (asked, made)
        return made


class CredentialController(Controller):
    tags = ("certificates",)

    @get(
        "/credentials/{id:uuid}",
        operation_id="GetCredential",
        guards=[public],
        summary="A certificate that its member shows, and whether it is good",
        description="410 where the member was erased.",
    )
    async def get_credential(self, id: UUID, state: State) -> Response[PublicCredential]:
        return Response(await _shown_to_all(id, state.issuer), headers={"Cache-Control": "public, max-age=20"})

    @get(
        "/credentials/{id:uuid}/badge",
        operation_id="GetBadge",
        guards=[FILES],
        media_type=PNG,
        summary="A certificate that its member shows, as a PNG that holds it",
    )
    async def get_badge(self, id: UUID, state: State) -> Response[bytes]:
        return Response(await badge(await _shown_to_all(id, state.issuer)), media_type=PNG, headers=UNCACHED)

    @get(
        "/credentials/{id:uuid}/certificate",
        operation_id="GetCertificate",
        guards=[FILES],
        media_type=PDF,
        summary="A certificate that its member shows, as a PDF",
    )
    async def get_certificate(self, id: UUID, state: State) -> Response[bytes]:
        found = await _shown_to_all(id, state.issuer)
        return Response(await certificate(found, state.issuer), media_type=PDF, headers=UNCACHED)

    @get(
        "/awards/{id:uuid}/credential",
        operation_id="GetOwnCredential",
        guards=[signed_in],
        summary="A certificate, for the member, their mentor, coordinators and staff: also while others don't see it",
    )
    async def own_credential(self, id: UUID, actor: Actor, state: State) -> PublicCredential:
        return await _shown_to_own(id, actor, state)

    @get(
        "/awards/{id:uuid}/jwt",
        operation_id="GetOwnJwt",
        guards=[signed_in],
        summary="A certificate as a JWT, for wallets that take no other, for those who see it",
    )
    async def own_jwt(self, id: UUID, actor: Actor, state: State) -> Response[CredentialJwt]:
        found = await _shown_to_own(id, actor, state)
        signer = await state.issuer_keys.signer()
        method = state.issuer.method(signer.kid)
        return Response(CredentialJwt(jwt=as_jwt(found.document, signer.private, method)), headers=UNCACHED)

    @get(
        "/awards/{id:uuid}/badge",
        operation_id="GetOwnBadge",
        guards=[signed_in],
        media_type=PNG,
        summary="A certificate as a PNG that holds it, for those who see it",
    )
    async def own_badge(self, id: UUID, actor: Actor, state: State) -> Response[bytes]:
        return Response(await badge(await _shown_to_own(id, actor, state)), media_type=PNG, headers=UNCACHED)

    @get(
        "/awards/{id:uuid}/certificate",
        operation_id="GetOwnCertificate",
        guards=[signed_in],
        media_type=PDF,
        summary="A certificate as a PDF, for those who see it",
    )
    async def own_certificate(self, id: UUID, actor: Actor, state: State) -> Response[bytes]:
        found = await _shown_to_own(id, actor, state)
        return Response(await certificate(found, state.issuer), media_type=PDF, headers=UNCACHED)

    @get(
        "/status-lists/{number:int}",
        operation_id="GetStatusList",
        guards=[public],
        summary="Which certificates are revoked: a Bitstring Status List, signed",
    )
    async def get_list(self, number: int, state: State) -> Response[dict[str, Any]]:
        document = await state.signed_lists.get(number)
        return Response(document, headers={"Cache-Control": f"public, max-age={LIST_SECONDS}"})


async def _shown_to_all(id: UUID, issuer: CertificateIssuer) -> PublicCredential:
    """Raises NotFound for what its member doesn't show, GoneForGood for somebody who was erased."""
    row = await AWARD.find(id)
    if row is None or row.issued_at is None or (row.person_id is not None and row.visibility == "private"):
        raise NotFound("There is no certificate here, or it isn't shown to others.")
    return await shown(row, issuer)


async def _shown_to_own(id: UUID, actor: Actor, state: State) -> PublicCredential:
    """Raises NotFound for who is nothing to it."""
    row = await AWARD.get(id, where=queries.OF_PEOPLE)
    access: MemberAccess = state.member_access
    if row.person_id is None or row.issued_at is None:
        raise NotFound("There is no certificate here.")
    await access.require_reader(actor, row.person_id)
    return await shown(row, state.issuer)


async def shown(row: AwardRow, issuer: CertificateIssuer) -> PublicCredential:
    """Raises GoneForGood for somebody who was erased."""
    document = await queries.document_of(row.id)
    if row.person_id is None or document is None or row.issued_at is None:
        raise GoneForGood(GONE)
    achievement = await ACHIEVEMENT.get(row.achievement_id)
    return PublicCredential(
        id=row.id,
        standing=standing_of(row, await DB.now()),
        visibility=row.visibility,
        person_name=row.person_name or "",
        achievement=achievement.name,
        edition=achievement.edition,
        description=achievement.description,
        criteria=achievement.criteria,
        level=achievement.level,
        specialty=achievement.specialty,
        skills=achievement.skills,
        evidence=row.evidence,
        issuer=issuer.name,
        issued_at=row.issued_at,
        valid_until=row.valid_until,
        revoked_at=row.ended_at,
        reason=row.end_reason,
        document=document,
    )
