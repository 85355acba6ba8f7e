"""Contractors and what they were paid, over HTTP. Only finance sees them."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import allow
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_ledger.access import FINANCE
from gatehouse_ledger.payee import queries
from gatehouse_ledger.payee.structs import ContractorPayment, NewContractorPayment, NewPayee, Payee, PayeeChange


class PayeeController(Controller):
    path = "/payees"
    tags = ("taxes",)

    @get(
        operation_id="ListPayees",
        operation_class=queries.PAYEES.operation,
        guards=[allow(*FINANCE)],
        summary="Contractors",
    )
    async def list_payees(self, request: Request[Any, Any, Any]) -> Page[Payee]:
        return await queries.PAYEES.page(request.query_params)

    @post(operation_id="CreatePayee", guards=[allow(*FINANCE)], summary="Add a contractor")
    async def create_payee(self, data: NewPayee, actor: Actor, once: Once) -> Response[Payee]:
        return await once(queries.add_payee, data, actor)

    @get("/{payee_id:uuid}", operation_id="GetPayee", guards=[allow(*FINANCE)], summary="One contractor")
    async def get_payee(self, request: Request[Any, Any, Any], payee_id: UUID) -> Response[Payee]:
        return versioned(await queries.PAYEE.get(payee_id), request)

    @patch("/{payee_id:uuid}", operation_id="ChangePayee", guards=[allow(*FINANCE)], summary="Change a contractor")
    async def change_payee(
        self, payee_id: UUID, data: PayeeChange, actor: Actor, if_match: IfMatch = None
    ) -> Response[Payee]:
        return versioned(await queries.change_payee(payee_id, required_version(if_match), data, actor))


class ContractorPaymentController(Controller):
    path = "/contractor-payments"
    tags = ("taxes",)

    @get(
        operation_id="ListContractorPayments",
        operation_class=queries.PAYMENTS.operation,
        guards=[allow(*FINANCE)],
        summary="What contractors were paid",
    )
    async def list_payments(self, request: Request[Any, Any, Any]) -> Page[ContractorPayment]:
        return await queries.PAYMENTS.page(request.query_params)

    @post(operation_id="RecordContractorPayment", guards=[allow(*FINANCE)], summary="Record what one was paid")
    async def record_payment(self, data: NewContractorPayment, actor: Actor, once: Once) -> Response[ContractorPayment]:
        return await once(queries.add_payment, data, actor)

    @get(
        "/{payment_id:uuid}",
        operation_id="GetContractorPayment",
        guards=[allow(*FINANCE)],
        summary="One payment",
    )
    async def get_payment(self, request: Request[Any, Any, Any], payment_id: UUID) -> Response[ContractorPayment]:
        return versioned(await queries.PAYMENT.get(payment_id), request)

    @post(
        "/{payment_id:uuid}/withdraw",
        operation_id="WithdrawContractorPayment",
        guards=[allow(*FINANCE)],
        status_code=200,
        summary="Say that a payment was recorded in error",
    )
    async def withdraw_payment(
        self, payment_id: UUID, actor: Actor, if_match: IfMatch = None
    ) -> Response[ContractorPayment]:
        return versioned(await queries.withdraw_payment(payment_id, required_version(if_match), actor))
