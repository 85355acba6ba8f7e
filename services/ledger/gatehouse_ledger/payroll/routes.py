"""Payroll registers over HTTP."""

from typing import Any

from litestar import Controller, Request, Response, get, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.guards import allow
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_ledger.access import FINANCE
from gatehouse_ledger.payroll import queries
from gatehouse_ledger.payroll.structs import NewPayrollRegister, PayrollRegister

LARGEST_BODY = 3_000_000


class PayrollController(Controller):
    path = "/payroll-registers"
    tags = ("taxes",)

    @get(
        operation_id="ListPayrollRegisters",
        operation_class=queries.REGISTERS.operation,
        guards=[allow(*FINANCE)],
        summary="Payroll runs, with what they cost",
    )
    async def list_registers(self, request: Request[Any, Any, Any]) -> Page[PayrollRegister]:
        return await queries.REGISTERS.page(request.query_params)

    @post(
        operation_id="BookPayrollRegister",
        guards=[allow(*FINANCE)],
        request_max_body_size=LARGEST_BODY,
        summary="Book a payroll run as one entry, from the provider's register",
    )
    async def book_register(self, data: NewPayrollRegister, actor: Actor, once: Once) -> Response[PayrollRegister]:
        return await once(queries.book, data, actor)
