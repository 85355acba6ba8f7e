"""The year's tax forms over HTTP: prepared, never filed."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get
from litestar.params import QueryParameter

from gatehouse_chassis import Actor
from gatehouse_chassis.http.guards import allow
from gatehouse_ledger.access import FINANCE, READERS
from gatehouse_ledger.entry.rules import refuse_day
from gatehouse_ledger.tax import queries
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
