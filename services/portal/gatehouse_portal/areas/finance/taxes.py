"""What the year's tax forms ask: the lines of the 990, each down to its postings, and who gets a 1099 or is named."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

from litestar import Request, Response, get
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_portal.areas.finance.files import sheet_of
from gatehouse_portal.areas.finance.tax_structs import (
    FigurePosting,
    Form990Workbook,
    Form1099List,
    FunctionalExpenses,
    ScheduleB,
)
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers

SEEN_BY = ("board", "finance")
FINANCE = ("finance",)
# What a line says of the end of the year, not of what happened in it.
AT_THE_END = ("22", "24", "26")
MOST_POSTINGS = 5_000
"""As many as ledger lists: of more, the sum would be wrong."""


def _year(request: Request[Any, Any, Any]) -> tuple[int, list[int]]:
    """The year that is asked for, the last one unless said, and those that can be."""
    this = datetime.now(UTC).year
    years = list(range(this, this - 5, -1))
    asked = request.query_params.get("year", "")
    return int(asked) if asked in map(str, years) else this - 1, years


@get("/books/taxes", guards=[guards.pages_for(*SEEN_BY)], include_in_schema=False)
async def taxes(request: Request[Any, Any, Any], actor: Actor, peers: Peers) -> Template:
    year, years = _year(request)
    form, functional = await asyncio.gather(
        peers.get("ledger", "/api/ledger/taxes/form-990", Form990Workbook, year=year),
        peers.get(
            "ledger",
            "/api/ledger/reports/functional-expenses",
            FunctionalExpenses,
            from_on=f"{year}-01-01",
            to_on=f"{year}-12-31",
        ),
    )
    contractors: Form1099List | None = None
    donors: ScheduleB | None = None
    if actor.has(*FINANCE):
        contractors, donors = await asyncio.gather(
            peers.get("ledger", "/api/ledger/taxes/form-1099", Form1099List, year=year),
            peers.get("ledger", "/api/ledger/taxes/schedule-b", ScheduleB, year=year),
        )
    return page(
        request,
        "finance/taxes.html",
        form=form,
        functional=functional,
        contractors=contractors,
        donors=donors,
        year=year,
        years=years,
    )


@get("/books/taxes/{line:str}", guards=[guards.pages_for(*SEEN_BY)], include_in_schema=False)
async def figure(request: Request[Any, Any, Any], peers: Peers, line: str) -> Template:
    year, _ = _year(request)
    form = await peers.get("ledger", "/api/ledger/taxes/form-990", Form990Workbook, year=year)
    shown = next((one for one in form.lines if one.line == line and one.account_ids), None)
    if shown is None:
        raise NotFound
    begins = "2000-01-01" if line in AT_THE_END else date(year, 1, 1).isoformat()
    postings = await peers.get(
        "ledger",
        "/api/ledger/taxes/postings",
        list[FigurePosting],
        account=[str(one) for one in shown.account_ids],
        from_on=begins,
        to_on=date(year, 12, 31).isoformat(),
    )
    whole = len(postings) < MOST_POSTINGS
    return page(request, "finance/figure.html", line=shown, postings=postings, whole=whole, year=year)


@get("/books/taxes/file/{form:str}/{format:str}", guards=[guards.pages_for(*SEEN_BY)], include_in_schema=False)
async def tax_file(
    request: Request[Any, Any, Any], actor: Actor, peers: Peers, form: str, format: str
) -> Response[bytes]:
    year, _ = _year(request)
    if form == "form-990":
        path = "/api/ledger/taxes/files/form-990"
    elif form == "form-990-postings" and format == "csv":
        path = "/api/ledger/taxes/files/form-990-postings"
    elif form == "form-1099" and actor.has(*FINANCE):
        path = "/api/ledger/taxes/files/form-1099"
    elif form == "schedule-b" and actor.has(*FINANCE):
        path = "/api/ledger/taxes/files/schedule-b"
    else:
        raise NotFound
    return await sheet_of(peers, path, format, f"{form}-{year}", year=str(year))


ROUTES: tuple[ControllerRouterHandler, ...] = (taxes, figure, tax_file)
