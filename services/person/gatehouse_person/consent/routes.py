"""What people consented to, over HTTP. Consents are given and withdrawn, never changed."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import signed_in
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_chassis.lists.listing import Page
from gatehouse_person.consent import queries, rules
from gatehouse_person.consent.documents import ConsentDocument, current_documents, refuse_other_versions
from gatehouse_person.consent.structs import Consent, NewConsent
from gatehouse_person.reads import note_reads
from gatehouse_person.relationships import facts_for


@get(
    "/consent-documents",
    operation_id="ListConsentDocuments",
    guards=[anonymous(per_minute=60, at_once=60)],
    summary="The texts that one can consent to, as they are now",
    tags=["consents"],
)
async def consent_documents() -> list[ConsentDocument]:
    return list(current_documents().values())


class ConsentController(Controller):
    path = "/people/{person_id:uuid}/consents"
    tags = ("consents",)

    @get(
        operation_id="ListConsents",
        operation_class=queries.CONSENTS.operation,
        guards=[signed_in],
        summary="What a person has consented to, now and before",
    )
    async def list_consents(self, request: Request[Any, Any, Any], person_id: UUID, actor: Actor) -> Page[Consent]:
        await refuse_others(actor, person_id, "ListConsents")
        return await queries.CONSENTS.page(request.query_params, where=[("person_id = {}", person_id)])

    @post(
        operation_id="GiveConsent",
        guards=[signed_in],
        summary="Consent for oneself, or as staff record what a person consented to",
    )
    async def give_consent(
        self,
        person_id: UUID,
        data: NewConsent,
        actor: Actor,
        once: Once,
    ) -> Response[Consent]:
        await refuse_others(actor, person_id)
        if actor.is_person(person_id):
            refuse_other_versions(data.kind, data.document_version)
        return await once(queries.give_consent, person_id, data, actor)

    @get("/{consent_id:uuid}", operation_id="GetConsent", guards=[signed_in], summary="One consent")
    async def get_consent(
        self, request: Request[Any, Any, Any], person_id: UUID, consent_id: UUID, actor: Actor
    ) -> Response[Consent]:
        await refuse_others(actor, person_id, "GetConsent")
        consent = await queries.CONSENT.get(consent_id, where=("person_id = {}", person_id))
        return versioned(consent, request)

    @post(
        "/{consent_id:uuid}/withdraw",
        operation_id="WithdrawConsent",
        guards=[signed_in],
        status_code=200,
        summary="Withdraw a consent",
    )
    async def withdraw_consent(
        self, person_id: UUID, consent_id: UUID, actor: Actor, if_match: IfMatch = None
    ) -> Response[Consent]:
        await refuse_others(actor, person_id)
        version = required_version(if_match)
        return versioned(await queries.withdraw_consent(person_id, consent_id, version, actor))


async def refuse_others(actor: Actor, person_id: UUID, reading: str = "") -> None:
    """`reading`: the operation that gives somebody's consents away, which is noted."""
    facts, _ = await facts_for(actor, person_id)
    if not rules.sees_consents(actor, facts):
        raise NotFound
    if reading:
        await note_reads(actor, [facts], reading)
