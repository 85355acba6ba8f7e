"""The statements of a year, on a page and as files."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

from litestar import Request, Response, get
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.problems import NotFound
from gatehouse_portal.areas.finance.files import sheet_of
from gatehouse_portal.areas.finance.structs import StatementOfActivities, StatementOfPosition
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers

SEEN_BY = ("board", "finance")
FILES = ("activities", "position", "functional-expenses")


def _year(request: Request[Any, Any, Any]) -> tuple[int, list[int], date]:
    """The year that is asked for, this one unless said, those that can be, and the last day that is shown."""
    today = datetime.now(UTC).date()
    years = list(range(today.year, today.year - 5, -1))
    asked = request.query_params.get("year", "")
    year = int(asked) if asked in map(str, years) else today.year
    return year, years, min(date(year, 12, 31), today)


@get("/books/reports", guards=[guards.pages_for(*SEEN_BY)], include_in_schema=False)
async def reports(request: Request[Any, Any, Any], peers: Peers) -> Template:
    year, years, ends = _year(request)
    activities, position = await asyncio.gather(
        peers.get(
            "ledger",
            "/api/ledger/reports/activities",
            StatementOfActivities,
            from_on=f"{year}-01-01",
            to_on=ends.isoformat(),
        ),
        peers.get("ledger", "/api/ledger/reports/position", StatementOfPosition, as_of=ends.isoformat()),
    )
    return page(request, "finance/reports.html", activities=activities, position=position, years=years, year=year)


@get("/books/reports/file/{report:str}/{format:str}", guards=[guards.pages_for(*SEEN_BY)], include_in_schema=False)
async def report_file(request: Request[Any, Any, Any], peers: Peers, report: str, format: str) -> Response[bytes]:
    if report not in FILES:
        raise NotFound
    year, _, ends = _year(request)
    days = {"from_on": f"{year}-01-01", "to_on": ends.isoformat()}
    return await sheet_of(peers, f"/api/ledger/reports/files/{report}", format, f"{report}-{year}", **days)


ROUTES: tuple[ControllerRouterHandler, ...] = (reports, report_file)
