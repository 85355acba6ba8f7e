"""Budgets over HTTP: finance sets them, the board compares."""

from typing import Annotated

from litestar import Controller, Response, get, put
from litestar.params import QueryParameter

from gatehouse_chassis import Actor, ServiceContext
from gatehouse_chassis.http.guards import allow
from gatehouse_ledger.access import FINANCE, READERS
from gatehouse_ledger.budget import queries, rules
from gatehouse_ledger.budget.structs import BudgetLineSetting, BudgetReport
from gatehouse_ledger.document.files import PDF, AsFormat, SheetOperation, sheet_file
from gatehouse_ledger.document.rules import issuer
from gatehouse_ledger.tables import DB

OfYear = Annotated[int, QueryParameter(ge=2000, le=2199, description="Such as 2026")]


class BudgetController(Controller):
    path = "/budget"
    tags = ("reports",)

    @get(operation_id="GetBudget", guards=[allow(*READERS)], summary="A year's budget against what was booked")
    async def get_budget(self, year: OfYear) -> BudgetReport:
        return await queries.budget_report(year)

    @put(
        operation_id="SetBudgetLine",
        guards=[allow(*FINANCE)],
        summary="Say what an account should come to in a year, for a program or for none",
    )
    async def set_line(self, year: OfYear, data: BudgetLineSetting, actor: Actor) -> BudgetReport:
        return await queries.set_line(year, data, actor)

    @get(
        "/file",
        operation_id="GetBudgetFile",
        operation_class=SheetOperation,
        guards=[allow(*READERS)],
        media_type=PDF,
        summary="A budget and what was booked, as CSV or PDF",
    )
    async def budget_file(self, year: OfYear, service: ServiceContext, format: AsFormat = "csv") -> Response[bytes]:
        sheet = rules.sheet(await queries.budget_report(year))
        return await sheet_file(sheet, format, issuer(service.settings), await DB.now())
