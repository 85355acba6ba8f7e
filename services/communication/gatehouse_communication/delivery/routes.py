"""Mails to people over HTTP: what became of them, for those who follow up."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import allow
from gatehouse_chassis.lists.listing import Page
from gatehouse_communication.access import DONOR_SENDERS, SENDERS
from gatehouse_communication.delivery import queries
from gatehouse_communication.delivery.queries import DELIVERIES, DELIVERY
from gatehouse_communication.delivery.structs import Delivery


class DeliveryController(Controller):
    path = "/deliveries"
    tags = ("deliveries",)
    guards = (allow(*SENDERS, *DONOR_SENDERS),)

    @get(operation_id="ListDeliveries", operation_class=DELIVERIES.operation, summary="Mails, the newest first")
    async def list_deliveries(self, request: Request[Any, Any, Any], actor: Actor) -> Page[Delivery]:
        return await DELIVERIES.page(request.query_params, where=[queries.shown_to(actor)])

    @get("/{id:uuid}", operation_id="GetDelivery", summary="One mail and what became of it")
    async def get_delivery(self, request: Request[Any, Any, Any], id: UUID, actor: Actor) -> Response[Delivery]:
        return versioned(await DELIVERY.get(id, where=queries.shown_to(actor)), request)

    @post(
        "/{id:uuid}/send-again",
        operation_id="SendAgain",
        status_code=200,
        summary="Send a mail again that failed, bounced, or may not have left",
    )
    async def send_again(self, id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[Delivery]:
        return versioned(await queries.send_again(id, required_version(if_match), actor))

    @post(
        "/{id:uuid}/settle",
        operation_id="SettleDelivery",
        status_code=200,
        summary="Say that a mail arrived of which that wasn't known",
    )
    async def settle(self, id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[Delivery]:
        return versioned(await queries.settle(id, required_version(if_match), actor))
