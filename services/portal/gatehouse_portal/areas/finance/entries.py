"""An entry by hand: what no bank statement and no gift books."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from litestar import Request, get, post
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.problems import ApiProblem
from gatehouse_portal.areas.finance import reading
from gatehouse_portal.areas.finance.structs import Fund, JournalEntry, LedgerAccount, Program
from gatehouse_portal.enumerators import VALUES
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.structs import Page
from gatehouse_portal.shell.toast import Toast, see_with

FINANCE = ("finance",)
MOST = 200


@get("/books/entries/new", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def new_entry(request: Request[Any, Any, Any], peers: Peers) -> Template:
    return await _form(request, peers)


async def _form(
    request: Request[Any, Any, Any], peers: Peers, problem: ApiProblem | None = None, given: Any = None
) -> Template:
    accounts, funds, programs = await asyncio.gather(
        peers.get("ledger", "/api/ledger/accounts", Page[LedgerAccount], limit=MOST),
        peers.get("ledger", "/api/ledger/funds", Page[Fund], limit=MOST),
        peers.get("ledger", "/api/ledger/programs", Page[Program], limit=MOST),
    )
    return page(
        request,
        "finance/entry_form.html",
        status=problem.status if problem else 200,
        accounts=accounts.items,
        funds=funds.items,
        programs=programs.items,
        functions=VALUES["ledger"]["expense_function"],
        lines=range(reading.MOST_POSTINGS),
        today=datetime.now(UTC).date(),
        problem=problem,
        given=given or {},
    )


@post("/books/entries", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def post_entry(request: Request[Any, Any, Any], peers: Peers) -> Redirect | Template:
    form = await request.form()
    try:
        await peers.ask("ledger", "POST", "/api/ledger/entries", JournalEntry, json=reading.new_entry(form))
    except ApiProblem as problem:
        if problem.status not in (400, 409):
            raise
        return await _form(request, peers, problem, form)
    return see_with(request, "/books", Toast("Posted the entry."))


ROUTES: tuple[ControllerRouterHandler, ...] = (new_entry, post_entry)
