"""The books: bank files are dropped and looked at, lines reconciled one by one, months closed by a second person."""

import asyncio
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.datastructures import FormMultiDict, UploadFile
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import ApiProblem, Invalid
from gatehouse_portal.areas.finance import home, reading
from gatehouse_portal.areas.finance.bank_structs import (
    BankFile,
    ImportedStatement,
    ImportOutcome,
    ImportRequest,
    LineQueue,
    MatchRecord,
    NewBankFile,
    Reconciliation,
)
from gatehouse_portal.areas.finance.files import patient_peers
from gatehouse_portal.areas.finance.format import month
from gatehouse_portal.areas.finance.structs import (
    AccountingPeriod,
    Fund,
    LedgerAccount,
    Program,
)
from gatehouse_portal.enumerators import VALUES
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page, see, wants_part
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.structs import Page
from gatehouse_portal.shell.toast import Toast, Undo, see_with

SEEN_BY = ("board", "finance")
FINANCE = ("finance",)
MOST = 200
LARGEST_FILE = 64_000_000  # bytes, as ledger reads
STEPS = {
    "prepare": "Prepared {month}. Another person closes it now.",
    "reopen": "Opened {month} again.",
    "close": "Closed {month}.",
}


@get("/books", guards=[guards.pages_for(*SEEN_BY)], include_in_schema=False)
async def books(request: Request[Any, Any, Any], actor: Actor, peers: Peers) -> Template:
    return await _books(request, actor, peers)


async def _books(
    request: Request[Any, Any, Any], actor: Actor, peers: Peers, problem: ApiProblem | None = None
) -> Template:
    banks, months, closed = await asyncio.gather(
        peers.get("ledger", "/api/ledger/reconciliations", list[Reconciliation]),
        home.unclosed(peers),
        peers.get("ledger", "/api/ledger/periods", Page[AccountingPeriod], state="closed", limit=1),
    )
    statements: list[ImportedStatement] = []
    if actor.has(*FINANCE):
        statements = (await peers.get("ledger", "/api/ledger/statements", Page[ImportedStatement], limit=12)).items
    return page(
        request,
        "finance/books.html",
        status=problem.status if problem else 200,
        banks=banks,
        names={bank.account_id: bank for bank in banks},
        months=months,
        closed=closed.items,
        statements=statements,
        writes=actor.has(*FINANCE),
        account=actor.account,
        problem=problem,
    )


@post(
    "/books/files",
    guards=[guards.pages_for(*FINANCE)],
    request_max_body_size=LARGEST_FILE + 1_000_000,
    include_in_schema=False,
)
async def drop_file(request: Request[Any, Any, Any], actor: Actor, peers: Peers) -> Redirect | Template:
    form = await request.form()
    file = form.get("file")
    try:
        if not isinstance(file, UploadFile) or not file.filename:
            raise Invalid({"file": "choose the file that the bank gave you"})
        new = NewBankFile(
            account_id=reading.an_id(form, "account"),
            name=reading.file_name(file.filename),
            content=await file.read(),
        )
        staged = await patient_peers(request).ask("ledger", "POST", "/api/ledger/bank-files", BankFile, json=new)
    except Invalid as problem:
        return await _books(request, actor, peers, problem)
    return see(f"/books/files/{staged.id}")


@get("/books/files/{file_id:uuid}", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def look_at_file(request: Request[Any, Any, Any], peers: Peers, file_id: UUID) -> Template:
    file = await patient_peers(request).get("ledger", f"/api/ledger/bank-files/{file_id}", BankFile)
    return await _looked_at(request, peers, file)


@post("/books/files/{file_id:uuid}/columns", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def say_columns(request: Request[Any, Any, Any], peers: Peers, file_id: UUID) -> Template:
    body = ImportRequest(reading.mapping(await request.form()))
    path = f"/api/ledger/bank-files/{file_id}/preview"
    return await _looked_at(
        request, peers, await patient_peers(request).ask("ledger", "POST", path, BankFile, json=body)
    )


async def _looked_at(request: Request[Any, Any, Any], peers: Peers, file: BankFile) -> Template:
    account = await peers.get("ledger", f"/api/ledger/accounts/{file.account_id}", LedgerAccount)
    new = sum(statement.new_lines for statement in file.statements if statement.state != "quarantined")
    return page(request, "finance/file.html", file=file, account=account, new_lines=new)


@post("/books/files/{file_id:uuid}/import", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def import_file(request: Request[Any, Any, Any], file_id: UUID) -> Redirect:
    form = await request.form()
    body = ImportRequest(reading.mapping(form) if form.get("day") else None)
    path = f"/api/ledger/bank-files/{file_id}/import"
    done = await patient_peers(request).ask("ledger", "POST", path, ImportOutcome, json=body)
    return see_with(request, f"/books/queue/{done.account_id}", Toast(reading.imported(done)))


@post("/books/files/{file_id:uuid}/remove", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def remove_file(request: Request[Any, Any, Any], peers: Peers, file_id: UUID) -> Redirect:
    await peers.ask("ledger", "DELETE", f"/api/ledger/bank-files/{file_id}", type(None))
    return see_with(request, "/books", Toast("Put the file away. Nothing was imported."))


@get("/books/queue/{account_id:uuid}", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def queue(request: Request[Any, Any, Any], peers: Peers, account_id: UUID) -> Template:
    return await _queue(request, peers, account_id)


async def _queue(
    request: Request[Any, Any, Any],
    peers: Peers,
    account_id: UUID,
    problem: ApiProblem | None = None,
    answer: Toast | None = None,
) -> Template:
    waiting, banks, accounts, funds, programs = await asyncio.gather(
        peers.get("ledger", f"/api/ledger/queues/{account_id}", LineQueue),
        peers.get("ledger", "/api/ledger/reconciliations", list[Reconciliation]),
        peers.get("ledger", "/api/ledger/accounts", Page[LedgerAccount], limit=MOST),
        peers.get("ledger", "/api/ledger/funds", Page[Fund], limit=MOST),
        peers.get("ledger", "/api/ledger/programs", Page[Program], limit=MOST),
    )
    return page(
        request,
        "finance/queue_changed.html" if wants_part(request) else "finance/queue.html",
        status=problem.status if problem else 200,
        queue=waiting,
        bank=next((bank for bank in banks if bank.account_id == account_id), None),
        account_id=account_id,
        accounts={one.id: one for one in accounts.items},
        funds={one.id: one.name for one in funds.items},
        programs={one.id: one.name for one in programs.items},
        functions=VALUES["ledger"]["expense_function"],
        problem=problem,
        answer=answer,
    )


@post("/books/queue/{account_id:uuid}", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def accept(request: Request[Any, Any, Any], peers: Peers, account_id: UUID) -> Redirect | Template:
    form = await request.form()
    try:
        new = reading.new_match(form, account_id)
        match = await peers.ask("ledger", "POST", "/api/ledger/matches", MatchRecord, json=new)
    except ApiProblem as problem:
        if problem.status not in (400, 409):
            raise
        return await _queue(request, peers, account_id, problem)
    undo = Undo(
        path=f"/books/queue/{account_id}/undo",
        fields={"match": str(match.id), "version": str(match.version)},
        target="queue",
        then=(f"accept-{new.line_ids[0]}", f"book-{new.line_ids[0]}"),
    )
    text = "Booked the line." if new.booking and not new.posting_ids else "Matched the line."
    return see_with(request, f"/books/queue/{account_id}", Toast(text, undo))


@post("/books/queue/{account_id:uuid}/undo", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def undo(request: Request[Any, Any, Any], peers: Peers, account_id: UUID) -> Redirect | Template:
    form = await request.form()
    path = f"/api/ledger/matches/{reading.an_id(form, 'match')}/undo"
    await peers.ask("ledger", "POST", path, MatchRecord, version=reading.version(form))
    answer = Toast("Undone: the line waits again.")
    if wants_part(request):
        return await _queue(request, peers, account_id, answer=answer)
    return see_with(request, f"/books/queue/{account_id}", answer)


@post("/books/months/{period_id:uuid}", guards=[guards.pages_for(*SEEN_BY)], include_in_schema=False)
async def step_month(
    request: Request[Any, Any, Any], actor: Actor, peers: Peers, period_id: UUID
) -> Redirect | Template:
    form: FormMultiDict = await request.form()
    step = str(form.get("step", ""))
    if step not in STEPS:
        raise Invalid({"step": f"one of {', '.join(STEPS)}"})
    try:
        path = f"/api/ledger/periods/{period_id}/{step}"
        period = await peers.ask("ledger", "POST", path, AccountingPeriod, version=reading.version(form))
    except ApiProblem as problem:
        if problem.status not in (403, 409, 412):
            raise
        return await _books(request, actor, peers, problem)
    return see_with(request, "/books", Toast(STEPS[step].format(month=month(period.starts_on))))


ROUTES: tuple[ControllerRouterHandler, ...] = (
    books,
    drop_file,
    look_at_file,
    say_columns,
    import_file,
    remove_file,
    queue,
    accept,
    undo,
    step_month,
)
