"""Gifts and receipts: what was given is recorded, thanked for and, in January, added up for each donor."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.problems import ApiProblem, Invalid
from gatehouse_portal.areas.finance import reading
from gatehouse_portal.areas.finance.files import pdf_of
from gatehouse_portal.areas.finance.gift_structs import (
    Donor,
    Gift,
    IssuedDonorLink,
    ListedGift,
    Receipt,
    StatementsIssued,
    UnrecordedIncome,
    YearEnd,
)
from gatehouse_portal.areas.finance.structs import Fund, LedgerAccount
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.query import chosen
from gatehouse_portal.shell.structs import Page
from gatehouse_portal.shell.toast import Toast, see_with

FINANCE = ("finance",)
FEW, MOST = 40, 200
INCOME = ("4010", "4020", "4030", "4200")


@get("/books/gifts", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def gifts(request: Request[Any, Any, Any], peers: Peers) -> Template:
    query = chosen(request, "cursor")
    unrecorded, listed = await asyncio.gather(
        peers.get("ledger", "/api/ledger/unrecorded-income", list[UnrecordedIncome]),
        peers.get("ledger", "/api/ledger/gifts", Page[ListedGift], limit=FEW, total="true", **query),
    )
    return page(request, "finance/gifts.html", unrecorded=unrecorded, listed=listed, query=query, year=_last_year())


@get("/books/gifts/new", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def new_gift(request: Request[Any, Any, Any], peers: Peers) -> Template:
    return await _form(request, peers, request.query_params)


async def _form(
    request: Request[Any, Any, Any], peers: Peers, given: Mapping[str, Any], problem: ApiProblem | None = None
) -> Template:
    """`given`: what was filled in; an entry and a fund from the list of gifts that are booked already."""
    donors, funds, accounts, unrecorded = await asyncio.gather(
        peers.get("ledger", "/api/ledger/donors", Page[Donor], limit=MOST),
        peers.get("ledger", "/api/ledger/funds", Page[Fund], limit=MOST),
        peers.get("ledger", "/api/ledger/accounts", Page[LedgerAccount], limit=MOST),
        peers.get("ledger", "/api/ledger/unrecorded-income", list[UnrecordedIncome]),
    )
    part = (given.get("entry"), given.get("fund"))
    booked = next((one for one in unrecorded if (str(one.entry_id), str(one.fund_id)) == part), None)
    return page(
        request,
        "finance/gift_form.html",
        status=problem.status if problem else 200,
        donors=donors.items,
        funds=funds.items,
        assets=[one for one in accounts.items if one.type == "asset"],
        income=[one for one in accounts.items if one.code in INCOME],
        booked=booked,
        today=datetime.now(UTC).date(),
        problem=problem,
        given=given,
    )


@post("/books/gifts", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def record_gift(request: Request[Any, Any, Any], peers: Peers) -> Redirect | Template:
    form = await request.form()
    try:
        gift = await peers.ask("ledger", "POST", "/api/ledger/gifts", Gift, json=reading.new_gift(form))
    except ApiProblem as problem:
        if problem.status not in (400, 409):
            raise
        return await _form(request, peers, form, problem)
    return see_with(request, f"/books/gifts/{gift.id}", Toast("Recorded the gift."))


@get("/books/gifts/{gift_id:uuid}", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def show_gift(request: Request[Any, Any, Any], peers: Peers, gift_id: UUID) -> Template:
    return await _show(request, peers, gift_id)


async def _show(
    request: Request[Any, Any, Any],
    peers: Peers,
    gift_id: UUID,
    problem: ApiProblem | None = None,
    link: IssuedDonorLink | None = None,
) -> Template:
    gift = await peers.get("ledger", f"/api/ledger/gifts/{gift_id}", Gift)
    donor, fund, receipts = await asyncio.gather(
        peers.get("ledger", f"/api/ledger/donors/{gift.donor_id}", Donor),
        peers.get("ledger", f"/api/ledger/funds/{gift.fund_id}", Fund),
        peers.get("ledger", "/api/ledger/receipts", Page[Receipt], gift=str(gift_id), limit=MOST),
    )
    valid = next((one for one in receipts.items if one.id == gift.receipt_id), None)
    return page(
        request,
        "finance/gift.html",
        status=problem.status if problem else 200,
        gift=gift,
        donor=donor,
        fund=fund,
        receipts=receipts.items,
        valid=valid,
        link=link,
        problem=problem,
    )


@post("/books/gifts/{gift_id:uuid}/receipt", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def issue_receipt(request: Request[Any, Any, Any], peers: Peers, gift_id: UUID) -> Redirect | Template:
    """Issues one, or replaces or voids the one that is valid, as the button says."""
    form = await request.form()
    step = str(form.get("step", ""))
    try:
        if step == "issue":
            made = await peers.ask("ledger", "POST", f"/api/ledger/receipts/of-gifts/{gift_id}", Receipt)
            words = f"Issued receipt {made.number}."
        elif step in ("replace", "void"):
            path = f"/api/ledger/receipts/{reading.an_id(form, 'receipt')}/{step}"
            body = {"reason": reading.line(form, "reason") or ""} if step == "void" else None
            made = await peers.ask("ledger", "POST", path, Receipt, json=body, version=reading.version(form))
            words = f"Receipt {made.number} is void." if step == "void" else f"Issued receipt {made.number} instead."
        else:
            raise Invalid({"step": "open the page again"})
    except ApiProblem as problem:
        if problem.status not in (400, 409, 412):
            raise
        return await _show(request, peers, gift_id, problem)
    if made.substituted:
        words += f" No font has {made.substituted}: a square stands for it."
    return see_with(request, f"/books/gifts/{gift_id}", Toast(words))


@post("/books/gifts/{gift_id:uuid}/link", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def donor_link(request: Request[Any, Any, Any], peers: Peers, gift_id: UUID) -> Template:
    """The answer shows the link, once: it is in no address and in no log."""
    gift = await peers.get("ledger", f"/api/ledger/gifts/{gift_id}", Gift)
    link = await peers.ask("ledger", "POST", f"/api/ledger/donor-links/of-donors/{gift.donor_id}", IssuedDonorLink)
    return await _show(request, peers, gift_id, link=link)


@get("/books/receipts/{receipt_id:uuid}/file", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def receipt_file(peers: Peers, receipt_id: UUID) -> Response[bytes]:
    return await pdf_of(peers, "GET", f"/api/ledger/receipts/{receipt_id}/file")


@get("/books/receipts", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def year_end(request: Request[Any, Any, Any], peers: Peers) -> Template:
    this = datetime.now(UTC).year
    years = list(range(this, this - 5, -1))
    asked = request.query_params.get("year", "")
    year = int(asked) if asked in map(str, years) else _last_year()
    found = await peers.get("ledger", "/api/ledger/annual-statements", YearEnd, year=year)
    due = found.ready or any(one.outdated or (one.statement_id and one.open) for one in found.donors)
    return page(request, "finance/receipts.html", year_end=found, years=years, due=due)


@post("/books/receipts", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def issue_all(request: Request[Any, Any, Any], peers: Peers) -> Redirect:
    form = await request.form()
    year = str(form.get("year", ""))
    if not (year.isascii() and year.isdigit() and len(year) == 4):
        raise Invalid({"year": "open the page again"})
    done = await request.app.state.patient_peers.ask(
        "ledger", "POST", "/api/ledger/annual-statements", StatementsIssued, params={"year": year}
    )
    words = "1 statement" if done.issued == 1 else f"{done.issued:,} statements"
    return see_with(request, f"/books/receipts?year={year}", Toast(f"Issued {words} for {year}."))


def _last_year() -> int:
    return datetime.now(UTC).year - 1


ROUTES: tuple[ControllerRouterHandler, ...] = (
    gifts,
    new_gift,
    record_gift,
    show_gift,
    issue_receipt,
    donor_link,
    receipt_file,
    year_end,
    issue_all,
)
