"""A year's budget against the books: finance sets its lines, the board compares."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import ApiProblem, Invalid
from gatehouse_portal.areas.finance import reading
from gatehouse_portal.areas.finance.board_structs import BudgetLineSetting, BudgetReport
from gatehouse_portal.areas.finance.files import sheet_of
from gatehouse_portal.areas.finance.structs import LedgerAccount, Program
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.structs import Page
from gatehouse_portal.shell.toast import Toast, see_with

SEEN_BY = ("board", "finance")
FINANCE = ("finance",)
MOST = 200


def _year(asked: object) -> tuple[int, list[int]]:
    """The year that is asked for, this one unless said, and those that can be: a budget is made before its year."""
    this = datetime.now(UTC).year
    years = list(range(this + 1, this - 4, -1))
    return (int(str(asked)) if str(asked) in map(str, years) else this), years


@get("/books/budget", guards=[guards.pages_for(*SEEN_BY)], include_in_schema=False)
async def budget(request: Request[Any, Any, Any], actor: Actor, peers: Peers) -> Template:
    return await _budget(request, actor, peers, _year(request.query_params.get("year")))


async def _budget(
    request: Request[Any, Any, Any],
    actor: Actor,
    peers: Peers,
    of: tuple[int, list[int]],
    problem: ApiProblem | None = None,
    given: Any = None,
) -> Template:
    year, years = of
    found, accounts, programs = await asyncio.gather(
        peers.get("ledger", "/api/ledger/budget", BudgetReport, year=year),
        peers.get("ledger", "/api/ledger/accounts", Page[LedgerAccount], limit=MOST),
        peers.get("ledger", "/api/ledger/programs", Page[Program], limit=MOST),
    )
    return page(
        request,
        "finance/budget.html",
        status=problem.status if problem else 200,
        budget=found,
        accounts=[one for one in accounts.items if one.type in ("income", "expense")],
        programs=programs.items,
        year=year,
        years=years,
        writes=actor.has(*FINANCE),
        problem=problem,
        given=given or {},
    )


@post("/books/budget", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def set_line(request: Request[Any, Any, Any], actor: Actor, peers: Peers) -> Redirect | Template:
    form = await request.form()
    year, years = _year(form.get("year"))
    try:
        setting = _setting(form)
        await peers.ask("ledger", "PUT", "/api/ledger/budget", BudgetReport, json=setting, params={"year": year})
    except ApiProblem as problem:
        if problem.status not in (400, 409):
            raise
        return await _budget(request, actor, peers, (year, years), problem, form)
    return see_with(request, f"/books/budget?year={year}", Toast("Set the line of the budget."))


def _setting(form: FormMultiDict) -> BudgetLineSetting:
    if not str(form.get("amount", "")).strip():
        raise Invalid({"amount": "an amount such as 12,000; 0 where nothing is meant"})
    program = reading.an_id(form, "program") if form.get("program") else None
    return BudgetLineSetting(
        account_id=reading.an_id(form, "account"), program_id=program, amount=reading.cents(form, "amount")
    )


@get("/books/budget/file/{format:str}", guards=[guards.pages_for(*SEEN_BY)], include_in_schema=False)
async def budget_file(request: Request[Any, Any, Any], peers: Peers, format: str) -> Response[bytes]:
    year, _ = _year(request.query_params.get("year"))
    return await sheet_of(peers, "/api/ledger/budget/file", format, f"budget-{year}", year=str(year))


ROUTES: tuple[ControllerRouterHandler, ...] = (budget, set_line, budget_file)
