"""Reports over HTTP, and the books as a plain-text journal."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Literal

import msgspec
from litestar import Controller, Response, get
from litestar.params import QueryParameter
from litestar.response import Stream

from gatehouse_chassis import Actor, ServiceContext
from gatehouse_chassis.base.fields import CURRENCY
from gatehouse_chassis.http.guards import allow
from gatehouse_ledger.access import FINANCE, READERS
from gatehouse_ledger.document.files import PDF, AsFormat, SheetOperation, sheet_file
from gatehouse_ledger.document.rules import issuer
from gatehouse_ledger.entry.rules import EARLIEST, refuse_day
from gatehouse_ledger.report import queries, rules, sheets
from gatehouse_ledger.report.journal import journal
from gatehouse_ledger.report.structs import (
    FunctionalExpenses,
    StatementOfActivities,
    StatementOfPosition,
    TrialBalance,
)
from gatehouse_ledger.tables import DB

Day = Annotated[date, QueryParameter(description="A day, such as 2026-05-31")]
ReportName = Literal["activities", "functional-expenses", "position"]
Currency = Annotated[str, QueryParameter(pattern=CURRENCY, description="ISO 4217 code")]


class ReportController(Controller):
    path = "/reports"
    tags = ("reports",)

    @get(
        "/trial-balance",
        operation_id="GetTrialBalance",
        guards=[allow(*READERS)],
        summary="What each account has in each fund on a day",
    )
    async def trial_balance(self, as_of: Day, currency: Currency = "USD") -> TrialBalance:
        return rules.trial_balance(await queries.sums(EARLIEST, as_of, currency, end="as_of"), as_of, currency)

    @get(
        "/activities",
        operation_id="GetStatementOfActivities",
        guards=[allow(*READERS)],
        summary="Income and expenses of some days, by restriction",
    )
    async def activities(self, from_on: Day, to_on: Day, currency: Currency = "USD") -> StatementOfActivities:
        return rules.activities(await queries.sums(from_on, to_on, currency), from_on, to_on, currency)

    @get(
        "/position",
        operation_id="GetStatementOfPosition",
        guards=[allow(*READERS)],
        summary="Assets, liabilities and net assets on a day, by restriction",
    )
    async def position(self, as_of: Day, currency: Currency = "USD") -> StatementOfPosition:
        return rules.position(await queries.sums(EARLIEST, as_of, currency, end="as_of"), as_of, currency)

    @get(
        "/functional-expenses",
        operation_id="GetFunctionalExpenses",
        guards=[allow(*READERS)],
        summary="Expenses of some days by nature and function",
    )
    async def functional_expenses(self, from_on: Day, to_on: Day, currency: Currency = "USD") -> FunctionalExpenses:
        return rules.functional_expenses(await queries.sums(from_on, to_on, currency), from_on, to_on, currency)

    @get(
        "/files/{report:str}",
        operation_id="GetReportFile",
        operation_class=SheetOperation,
        guards=[allow(*READERS)],
        media_type=PDF,
        summary="A report as CSV or PDF: activities, functional-expenses, or position on the last day",
    )
    async def report_file(
        self,
        report: ReportName,
        from_on: Day,
        to_on: Day,
        service: ServiceContext,
        format: AsFormat = "csv",
        currency: Currency = "USD",
    ) -> Response[bytes]:
        sums = await queries.sums(from_on, to_on, currency)
        match report:
            case "activities":
                sheet = sheets.activities(rules.activities(sums, from_on, to_on, currency))
            case "functional-expenses":
                sheet = sheets.functional_expenses(rules.functional_expenses(sums, from_on, to_on, currency))
            case "position":
                sheet = sheets.position(rules.position(sums, to_on, currency))
        return await sheet_file(sheet, format, issuer(service.settings), await DB.now())

    @get(
        "/journal",
        operation_id="ExportJournal",
        guards=[allow(*READERS)],
        media_type="text/plain",
        summary="The books until a day as a plain-text journal for hledger or Ledger",
    )
    async def export_journal(self, to_on: Day, actor: Actor) -> Stream:
        refuse_day(to_on, "to_on")
        return Stream(_text(to_on, named=actor.has(*FINANCE)), media_type="text/plain; charset=utf-8")


async def _text(to_on: date, *, named: bool) -> AsyncIterator[str]:
    """`named`: with the memos, which may name people."""
    async for lines in queries.journal_lines(to_on):
        shown = lines if named else [msgspec.structs.replace(line, memo="") for line in lines]
        yield "".join(journal(shown))
