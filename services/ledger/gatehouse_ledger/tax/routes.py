"""The year's tax forms over HTTP: prepared, never filed."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, Response, get
from litestar.params import QueryParameter

from gatehouse_chassis import Actor, ServiceContext
from gatehouse_chassis.http.guards import allow
from gatehouse_ledger.access import FINANCE, READERS
from gatehouse_ledger.document.files import CSV, PDF, AsFormat, FileFormat, SheetOperation, sheet_file
from gatehouse_ledger.document.rules import issuer
from gatehouse_ledger.document.sheet import Sheet
from gatehouse_ledger.entry.rules import refuse_day
from gatehouse_ledger.tables import DB
from gatehouse_ledger.tax import queries, sheets
from gatehouse_ledger.tax.structs import FigurePosting, Form990Workbook, Form1099List, ScheduleB

OfYear = Annotated[int, QueryParameter(ge=2020, le=2199, description="Such as 2026")]
OfAccounts = Annotated[
    list[UUID], QueryParameter(min_items=1, max_items=50, description="Accounts that a figure adds up")
]
Day = Annotated[date, QueryParameter(description="A day, such as 2026-05-31")]


class TaxController(Controller):
    path = "/taxes"
    tags = ("taxes",)

    @get(
        "/form-990",
        operation_id="GetForm990Workbook",
        guards=[allow(*READERS)],
        summary="Which form of the 990 series a year takes, and the lines of Form 990-EZ",
    )
    async def form_990(self, year: OfYear) -> Form990Workbook:
        return await queries.form_990(year)

    @get(
        "/postings",
        operation_id="ListFigurePostings",
        guards=[allow(*READERS)],
        summary="The postings that a figure adds up",
    )
    async def list_postings(self, account: OfAccounts, from_on: Day, to_on: Day, actor: Actor) -> list[FigurePosting]:
        refuse_day(from_on, "from_on")
        refuse_day(to_on, "to_on")
        found = await queries.postings(account, from_on, to_on)
        return found if actor.has(*FINANCE) else [msgspec.structs.replace(one, memo="") for one in found]

    @get(
        "/form-1099",
        operation_id="GetForm1099List",
        guards=[allow(*FINANCE)],
        summary="Who gets a Form 1099-NEC for a year",
    )
    async def form_1099(self, year: OfYear) -> Form1099List:
        return await queries.form_1099(year)

    @get(
        "/schedule-b",
        operation_id="GetScheduleB",
        guards=[allow(*FINANCE)],
        summary="The donors whom Schedule B names; private",
    )
    async def schedule_b(self, year: OfYear) -> ScheduleB:
        return await queries.schedule_b(year)

    @get(
        "/files/form-990",
        operation_id="GetForm990File",
        operation_class=SheetOperation,
        guards=[allow(*READERS)],
        media_type=PDF,
        summary="The workbook of Form 990-EZ as CSV or PDF",
    )
    async def form_990_file(self, year: OfYear, service: ServiceContext, format: AsFormat = "csv") -> Response[bytes]:
        return await _file(sheets.form_990(await queries.form_990(year)), format, service)

    @get(
        "/files/form-990-postings",
        operation_id="GetForm990Postings",
        guards=[allow(*READERS)],
        media_type=CSV,
        summary="The postings of each line of the workbook as CSV",
    )
    async def form_990_postings(self, year: OfYear, actor: Actor, service: ServiceContext) -> Response[bytes]:
        found = await queries.form_990_postings(year, named=actor.has(*FINANCE))
        return await _file(sheets.form_990_postings(year, found), "csv", service)

    @get(
        "/files/form-1099",
        operation_id="GetForm1099File",
        operation_class=SheetOperation,
        guards=[allow(*FINANCE)],
        media_type=PDF,
        summary="The list of contractors as CSV or PDF",
    )
    async def form_1099_file(self, year: OfYear, service: ServiceContext, format: AsFormat = "csv") -> Response[bytes]:
        return await _file(sheets.form_1099(await queries.form_1099(year)), format, service)

    @get(
        "/files/schedule-b",
        operation_id="GetScheduleBFile",
        operation_class=SheetOperation,
        guards=[allow(*FINANCE)],
        media_type=PDF,
        summary="The donors whom Schedule B names as CSV or PDF; private",
    )
    async def schedule_b_file(self, year: OfYear, service: ServiceContext, format: AsFormat = "csv") -> Response[bytes]:
        return await _file(sheets.schedule_b(await queries.schedule_b(year)), format, service)


async def _file(sheet: Sheet, format: FileFormat, service: ServiceContext) -> Response[bytes]:
    return await sheet_file(sheet, format, issuer(service.settings), await DB.now())
