"""Addresses that nothing is sent to, over HTTP."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import allow
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_communication.access import SENDERS
from gatehouse_communication.suppression import queries
from gatehouse_communication.suppression.queries import SUPPRESSION, SUPPRESSIONS
from gatehouse_communication.suppression.structs import NewSuppression, Suppression


class SuppressionController(Controller):
    path = "/suppressions"
    tags = ("suppressions",)
    guards = (allow(*SENDERS),)

    @get(
        operation_id="ListSuppressions",
        operation_class=SUPPRESSIONS.operation,
        summary="Addresses that nothing is sent to, the newest first",
    )
    async def list_suppressions(self, request: Request[Any, Any, Any]) -> Page[Suppression]:
        return await SUPPRESSIONS.page(request.query_params)

    @post(operation_id="CreateSuppression", summary="Send nothing to an address from now on")
    async def create_suppression(self, data: NewSuppression, actor: Actor, once: Once) -> Response[Suppression]:
        return await once(queries.suppress, data, actor)

    @get("/{id:uuid}", operation_id="GetSuppression", summary="One suppression")
    async def get_suppression(self, request: Request[Any, Any, Any], id: UUID) -> Response[Suppression]:
        return versioned(await SUPPRESSION.get(id), request)

    @post("/{id:uuid}/lift", operation_id="LiftSuppression", status_code=200, summary="Send to an address again")
    async def lift(self, id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[Suppression]:
        return versioned(await queries.lift(id, required_version(if_match), actor))
