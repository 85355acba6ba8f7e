"""Contractors and what they were paid, for Form 1099-NEC; and payroll runs from the provider's register."""

import asyncio
import base64
import csv
import io
from datetime import UTC, datetime
from typing import Any

from litestar import Request, get, post
from litestar.datastructures import FormMultiDict, UploadFile
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.problems import ApiProblem, Invalid
from gatehouse_portal.areas.finance import reading
from gatehouse_portal.areas.finance.contractor_structs import (
    ContractorPayment,
    NewContractorPayment,
    NewPayee,
    NewPayrollRegister,
    Payee,
    PayeeChange,
    PayrollColumns,
    PayrollRegister,
)
from gatehouse_portal.areas.finance.structs import Fund, LedgerAccount, Program
from gatehouse_portal.enumerators import VALUES
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.structs import Page
from gatehouse_portal.shell.toast import Toast, see_with

FINANCE = ("finance",)
MOST, FEW = 200, 24
W9 = {"missing": "Missing", "on_file": "On file", "exempt": "On file, exempt"}
LARGEST_REGISTER = 2_000_000  # bytes
# How providers call the columns, the likeliest first; in small letters.
GUESSES: dict[str, tuple[str, ...]] = {
    "gross": ("gross", "gross pay", "gross wages", "gross earnings", "total gross"),
    "withheld": ("withheld", "taxes", "employee taxes", "taxes and deductions", "total deductions", "deductions"),
    "net": ("net", "net pay", "net wages"),
    "employer_cost": ("employer cost", "employer taxes", "employer tax", "employer contributions"),
    "function": ("function", "department", "class"),
}


@get("/books/contractors", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def contractors(request: Request[Any, Any, Any], peers: Peers) -> Template:
    return await _contractors(request, peers)


async def _contractors(
    request: Request[Any, Any, Any], peers: Peers, problem: ApiProblem | None = None, given: Any = None
) -> Template:
    payees, payments = await asyncio.gather(
        peers.get("ledger", "/api/ledger/payees", Page[Payee], limit=MOST),
        peers.get("ledger", "/api/ledger/contractor-payments", Page[ContractorPayment], limit=MOST),
    )
    return page(
        request,
        "finance/contractors.html",
        status=problem.status if problem else 200,
        payees=payees.items,
        payments=payments.items,
        names={one.id: one.name for one in payees.items},
        methods=VALUES["ledger"]["payment_method"],
        w9=W9,
        today=datetime.now(UTC).date(),
        problem=problem,
        given=given or {},
    )


@post("/books/contractors", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def change_contractors(request: Request[Any, Any, Any], peers: Peers) -> Redirect | Template:
    """Adds a contractor or a payment, says what a W-9 says, or withdraws a payment: as the button says."""
    form = await request.form()
    try:
        words = await _change(peers, form, str(form.get("step", "")))
    except ApiProblem as problem:
        if problem.status not in (400, 409, 412):
            raise
        return await _contractors(request, peers, problem, form)
    return see_with(request, "/books/contractors", Toast(words))


async def _change(peers: Peers, form: FormMultiDict, step: str) -> str:
    if step == "add":
        new = NewPayee(name=reading.needed(form, "name"), w9=_w9(form))
        made = await peers.ask("ledger", "POST", "/api/ledger/payees", Payee, json=new)
        return f"Added {made.name}."
    if step == "w9":
        of = reading.an_id(form, "payee")
        change = PayeeChange(w9=_w9(form))
        version = reading.version(form)
        await peers.ask("ledger", "PATCH", f"/api/ledger/payees/{of}", Payee, json=change, version=version)
        return "Said what their W-9 says."
    if step == "pay":
        paid = NewContractorPayment(
            payee_id=reading.an_id(form, "payee"),
            paid_on=reading.a_day(form, "paid_on"),
            amount=reading.cents(form, "amount"),
            method=str(form.get("method", "")),
        )
        await peers.ask("ledger", "POST", "/api/ledger/contractor-payments", ContractorPayment, json=paid)
        return "Recorded the payment."
    if step == "withdraw":
        payment = f"/api/ledger/contractor-payments/{reading.an_id(form, 'payment')}/withdraw"
        await peers.ask("ledger", "POST", payment, ContractorPayment, version=reading.version(form))
        return "The payment counts no more."
    raise Invalid({"step": "open the page again"})


def _w9(form: FormMultiDict) -> str:
    said = str(form.get("w9", ""))
    if said not in W9:
        raise Invalid({"w9": "choose what their W-9 says"})
    return said


@get("/books/payroll", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def payroll(request: Request[Any, Any, Any], peers: Peers) -> Template:
    return await _payroll(request, peers)


async def _payroll(
    request: Request[Any, Any, Any], peers: Peers, problem: ApiProblem | None = None, given: Any = None
) -> Template:
    runs, accounts, funds, programs = await asyncio.gather(
        peers.get("ledger", "/api/ledger/payroll-registers", Page[PayrollRegister], limit=FEW),
        peers.get("ledger", "/api/ledger/accounts", Page[LedgerAccount], limit=MOST),
        peers.get("ledger", "/api/ledger/funds", Page[Fund], limit=MOST),
        peers.get("ledger", "/api/ledger/programs", Page[Program], limit=MOST),
    )
    return page(
        request,
        "finance/payroll.html",
        status=problem.status if problem else 200,
        runs=runs.items,
        banks=[one for one in accounts.items if one.type == "asset"],
        funds=funds.items,
        programs=programs.items,
        functions=[one for one in VALUES["ledger"]["expense_function"] if one != "none"],
        guesses=GUESSES,
        today=datetime.now(UTC).date(),
        problem=problem,
        given=given or {},
    )


@post("/books/payroll", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def book_payroll(request: Request[Any, Any, Any], peers: Peers) -> Redirect | Template:
    form = await request.form()
    try:
        content = await _content(form)
        path = "/api/ledger/payroll-registers"
        made = await peers.ask("ledger", "POST", path, PayrollRegister, json=_register(form, content))
    except ApiProblem as problem:
        if problem.status not in (400, 409):
            raise
        return await _payroll(request, peers, problem, form)
    people = "1 person" if made.rows == 1 else f"{made.rows} people"
    return see_with(request, "/books/payroll", Toast(f"Booked the pay of {people} as one entry."))


async def _content(form: FormMultiDict) -> bytes:
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise Invalid({"file": "choose the register as CSV"})
    content = await file.read(LARGEST_REGISTER + 1)
    if not content or len(content) > LARGEST_REGISTER:
        raise Invalid({"file": "is empty, or larger than 2 MB; choose the register of one run as CSV"})
    return content


def _register(form: FormMultiDict, content: bytes) -> NewPayrollRegister:
    """The columns are those that the form names, or else those that providers usually call so."""
    header = _header(content)
    found = {field: reading.line(form, f"column_{field}") or _guessed(header, field) for field in GUESSES}
    unknown = [field for field, name in found.items() if name is None and field != "function"]
    if unknown:
        raise Invalid(
            {f"column_{field}": f"name the column; the file has {', '.join(header[:20])}" for field in unknown}
        )
    program = form.get("program")
    return NewPayrollRegister(
        paid_on=reading.a_day(form, "paid_on"),
        content=base64.b64encode(content).decode(),
        columns=PayrollColumns(**{field: name for field, name in found.items() if name}),
        otherwise=str(form.get("otherwise", "program")),
        bank_account_id=reading.an_id(form, "bank"),
        fund_id=reading.an_id(form, "fund"),
        program_id=reading.an_id(form, "program") if program else None,
    )


def _header(content: bytes) -> list[str]:
    text = content[:20_000].decode("utf-8-sig", errors="replace")
    try:
        return next(csv.reader(io.StringIO(text)), [])
    except csv.Error:
        return []


def _guessed(header: list[str], field: str) -> str | None:
    by_name = {name.strip().lower(): name for name in header}
    return next((by_name[guess] for guess in GUESSES[field] if guess in by_name), None)


ROUTES: tuple[ControllerRouterHandler, ...] = (contractors, change_contractors, payroll, book_payroll)
