"""Partners over HTTP."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import allow, signed_in
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_partner.access import KEEPERS
from gatehouse_partner.partner import queries
from gatehouse_partner.partner.structs import NewPartner, Partner, PartnerChange


class PartnerController(Controller):
    path = "/partners"
    tags = ("partners",)

    @get(
        operation_id="ListPartners",
        operation_class=queries.PARTNERS.operation,
        guards=[signed_in],
        summary="The partners whom the caller sees",
    )
    async def list_partners(self, request: Request[Any, Any, Any], actor: Actor) -> Page[Partner]:
        return await queries.PARTNERS.page(request.query_params, where=[queries.partners_of(actor)])

    @post(operation_id="CreatePartner", guards=[allow(*KEEPERS)], summary="Add a partner")
    async def create_partner(
        self,
        data: NewPartner,
        actor: Actor,
        once: Once,
    ) -> Response[Partner]:
        return await once(queries.create_partner, data, actor)

    @get("/{partner_id:uuid}", operation_id="GetPartner", guards=[signed_in], summary="One partner")
    async def get_partner(self, request: Request[Any, Any, Any], partner_id: UUID, actor: Actor) -> Response[Partner]:
        return versioned(await queries.PARTNER.get(partner_id, where=queries.partners_of(actor)), request)

    @patch("/{partner_id:uuid}", operation_id="ChangePartner", guards=[allow(*KEEPERS)], summary="Change a partner")
    async def change_partner(
        self, partner_id: UUID, data: PartnerChange, actor: Actor, if_match: IfMatch = None
    ) -> Response[Partner]:
        return versioned(await queries.change_partner(partner_id, required_version(if_match), data, actor))

    @post(
        "/{partner_id:uuid}/archive",
        operation_id="ArchivePartner",
        guards=[allow(*KEEPERS)],
        status_code=200,
        summary="Archive a partner with whom no agreement holds",
    )
    async def archive_partner(self, partner_id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[Partner]:
        return versioned(await queries.archive_partner(partner_id, required_version(if_match), actor))
