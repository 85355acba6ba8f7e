"""Donors over HTTP. Only finance sees who gave."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import allow
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_ledger.access import FINANCE
from gatehouse_ledger.donor import queries
from gatehouse_ledger.donor.structs import Donor, DonorChange, NewDonor


class DonorController(Controller):
    path = "/donors"
    tags = ("gifts",)

    @get(
        operation_id="ListDonors",
        operation_class=queries.DONORS.operation,
        guards=[allow(*FINANCE)],
        summary="Who gives",
    )
    async def list_donors(self, request: Request[Any, Any, Any]) -> Page[Donor]:
        return await queries.DONORS.page(request.query_params)

    @post(operation_id="CreateDonor", guards=[allow(*FINANCE)], summary="Add a donor")
    async def create_donor(self, data: NewDonor, actor: Actor, once: Once) -> Response[Donor]:
        return await once(queries.add_donor, data, actor)

    @get("/{donor_id:uuid}", operation_id="GetDonor", guards=[allow(*FINANCE)], summary="One donor")
    async def get_donor(self, request: Request[Any, Any, Any], donor_id: UUID) -> Response[Donor]:
        return versioned(await queries.DONOR.get(donor_id), request)

    @patch("/{donor_id:uuid}", operation_id="ChangeDonor", guards=[allow(*FINANCE)], summary="Change a donor")
    async def change_donor(
        self, donor_id: UUID, data: DonorChange, actor: Actor, if_match: IfMatch = None
    ) -> Response[Donor]:
        return versioned(await queries.change_donor(donor_id, required_version(if_match), data, actor))
