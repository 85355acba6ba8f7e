"""Agreements with partners, over HTTP."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import allow, signed_in
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_partner.access import SIGNERS
from gatehouse_partner.agreement import queries
from gatehouse_partner.agreement.structs import Agreement, AgreementChange, NewAgreement


class AgreementController(Controller):
    path = "/agreements"
    tags = ("agreements",)

    @get(
        operation_id="ListAgreements",
        operation_class=queries.AGREEMENTS.operation,
        guards=[signed_in],
        summary="The agreements that the caller sees",
    )
    async def list_agreements(self, request: Request[Any, Any, Any], actor: Actor) -> Page[Agreement]:
        where = [queries.agreements_of(actor)]
        return await queries.AGREEMENTS.page(request.query_params, where=where)

    @post(operation_id="CreateAgreement", guards=[allow(*SIGNERS)], summary="Add an agreement with a partner")
    async def create_agreement(
        self,
        data: NewAgreement,
        actor: Actor,
        once: Once,
    ) -> Response[Agreement]:
        return await once(queries.create_agreement, data, actor)

    @get("/{agreement_id:uuid}", operation_id="GetAgreement", guards=[signed_in], summary="One agreement")
    async def get_agreement(
        self, request: Request[Any, Any, Any], agreement_id: UUID, actor: Actor
    ) -> Response[Agreement]:
        return versioned(await queries.read_agreement(actor, agreement_id), request)

    @patch(
        "/{agreement_id:uuid}",
        operation_id="ChangeAgreement",
        guards=[allow(*SIGNERS)],
        summary="Change an agreement",
    )
    async def change_agreement(
        self, agreement_id: UUID, data: AgreementChange, actor: Actor, if_match: IfMatch = None
    ) -> Response[Agreement]:
        version = required_version(if_match)
        return versioned(await queries.change_agreement(agreement_id, version, data, actor))

    @post(
        "/{agreement_id:uuid}/archive",
        operation_id="ArchiveAgreement",
        guards=[allow(*SIGNERS)],
        status_code=200,
        summary="Archive an agreement",
    )
    async def archive_agreement(
        self, agreement_id: UUID, actor: Actor, if_match: IfMatch = None
    ) -> Response[Agreement]:
        version = required_version(if_match)
        return versioned(await queries.archive_agreement(agreement_id, version, actor))
