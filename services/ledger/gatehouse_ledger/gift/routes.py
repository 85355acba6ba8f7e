"""Gifts over HTTP. Only finance sees who gave what."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post
from litestar.types import ControllerRouterHandler

from gatehouse_chassis import Actor, ServiceContext
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import Guard, allow
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_ledger.access import FINANCE
from gatehouse_ledger.document.rules import issuer
from gatehouse_ledger.gift import queries
from gatehouse_ledger.gift.structs import Gift, GiftChange, GiftMail, GiftRefund, ListedGift, NewGift, UnrecordedIncome


class GiftController(Controller):
    path = "/gifts"
    tags = ("gifts",)

    @get(
        operation_id="ListGifts",
        operation_class=queries.GIFTS.operation,
        guards=[allow(*FINANCE)],
        summary="What was given, by whom",
    )
    async def list_gifts(self, request: Request[Any, Any, Any]) -> Page[ListedGift]:
        return await queries.GIFTS.page(request.query_params)

    @post(operation_id="RecordGift", guards=[allow(*FINANCE)], summary="Record a gift, and book it where it isn't yet")
    async def record_gift(self, data: NewGift, actor: Actor, once: Once, service: ServiceContext) -> Response[Gift]:
        return await once(queries.record_gift, data, issuer(service.settings), actor)

    @get("/{gift_id:uuid}", operation_id="GetGift", guards=[allow(*FINANCE)], summary="One gift")
    async def get_gift(self, request: Request[Any, Any, Any], gift_id: UUID) -> Response[Gift]:
        return versioned(await queries.GIFT.get(gift_id), request)

    @patch("/{gift_id:uuid}", operation_id="ChangeGift", guards=[allow(*FINANCE)], summary="Change a gift")
    async def change_gift(
        self, gift_id: UUID, data: GiftChange, actor: Actor, if_match: IfMatch = None
    ) -> Response[Gift]:
        return versioned(await queries.change_gift(gift_id, required_version(if_match), data, actor))

    @post(
        "/{gift_id:uuid}/refund",
        operation_id="RefundGift",
        guards=[allow(*FINANCE)],
        status_code=200,
        summary="Say that a gift was given back",
    )
    async def refund_gift(
        self, gift_id: UUID, data: GiftRefund, actor: Actor, if_match: IfMatch = None
    ) -> Response[Gift]:
        return versioned(await queries.refund_gift(gift_id, required_version(if_match), data, actor))


class UnrecordedIncomeController(Controller):
    path = "/unrecorded-income"
    tags = ("gifts",)

    @get(
        operation_id="ListUnrecordedIncome",
        guards=[allow(*FINANCE)],
        summary="Entries of the last 400 days that book gifts whose donors aren't recorded yet",
    )
    async def list_unrecorded(self) -> list[UnrecordedIncome]:
        return await queries.unrecorded_income()


def gift_service_routes(guard: Guard) -> list[ControllerRouterHandler]:
    """What communication asks, who passes `guard`: never people."""

    @post(
        "/gifts/{gift_id:uuid}/mail",
        operation_id="GetGiftMail",
        guards=[guard],
        status_code=200,
        tags=["gifts"],
        summary="Whom to thank for a gift, and whether that is still due",
    )
    async def gift_mail(gift_id: UUID) -> GiftMail:
        return await queries.mail_of(gift_id)

    return [gift_mail]
