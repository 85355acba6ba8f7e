"""The board's figures, and the packs of its quarters: prepared by finance, frozen by a second person."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import ApiProblem
from gatehouse_portal.areas.finance import reading
from gatehouse_portal.areas.finance.board_structs import BoardFigures, BoardPack, ShownPack
from gatehouse_portal.areas.finance.files import pdf_of
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.structs import Page
from gatehouse_portal.shell.toast import Toast, see_with

SEEN_BY = ("board", "finance")
FINANCE = ("finance",)
FEW = 12


@get("/books/board", guards=[guards.pages_for(*SEEN_BY)], include_in_schema=False)
async def board(request: Request[Any, Any, Any], actor: Actor, peers: Peers) -> Template:
    return await _board(request, actor, peers)


async def _board(
    request: Request[Any, Any, Any], actor: Actor, peers: Peers, problem: ApiProblem | None = None
) -> Template:
    over = _last_quarter(datetime.now(UTC).date())
    figures, packs = await asyncio.gather(
        peers.get("ledger", "/api/ledger/board/figures", BoardFigures, as_of=over.isoformat()),
        peers.get("ledger", "/api/ledger/board/packs", Page[BoardPack], limit=FEW),
    )
    return page(
        request,
        "finance/board.html",
        status=problem.status if problem else 200,
        figures=figures,
        packs=packs.items,
        missing=all(one.ends_on != over for one in packs.items),
        writes=actor.has(*FINANCE),
        account=actor.account,
        problem=problem,
    )


@post("/books/board", guards=[guards.pages_for(*FINANCE)], include_in_schema=False)
async def prepare(request: Request[Any, Any, Any], actor: Actor, peers: Peers) -> Redirect | Template:
    form = await request.form()
    try:
        new = reading.new_pack(form)
        pack = await peers.ask("ledger", "POST", "/api/ledger/board/packs", BoardPack, json=new)
    except ApiProblem as problem:
        if problem.status not in (400, 409):
            raise
        return await _board(request, actor, peers, problem)
    return see_with(request, f"/books/board/{pack.id}", Toast("Prepared the pack. Another person freezes it now."))


@get("/books/board/{pack_id:uuid}", guards=[guards.pages_for(*SEEN_BY)], include_in_schema=False)
async def show_pack(request: Request[Any, Any, Any], actor: Actor, peers: Peers, pack_id: UUID) -> Template:
    return await _pack(request, actor, peers, pack_id)


async def _pack(
    request: Request[Any, Any, Any], actor: Actor, peers: Peers, pack_id: UUID, problem: ApiProblem | None = None
) -> Template:
    shown = await peers.get("ledger", f"/api/ledger/board/packs/{pack_id}", ShownPack)
    return page(
        request,
        "finance/pack.html",
        status=problem.status if problem else 200,
        shown=shown,
        pack=shown.pack,
        by_key={one.key: one for one in shown.figures.figures},
        account=actor.account,
        problem=problem,
    )


@post("/books/board/{pack_id:uuid}", guards=[guards.pages_for(*SEEN_BY)], include_in_schema=False)
async def freeze(request: Request[Any, Any, Any], actor: Actor, peers: Peers, pack_id: UUID) -> Redirect | Template:
    form = await request.form()
    try:
        path = f"/api/ledger/board/packs/{pack_id}/freeze"
        await peers.ask("ledger", "POST", path, BoardPack, version=reading.version(form))
    except ApiProblem as problem:
        if problem.status not in (403, 409, 412):
            raise
        return await _pack(request, actor, peers, pack_id, problem)
    return see_with(request, f"/books/board/{pack_id}", Toast("Froze the pack. It never changes from now on."))


@get("/books/board/{pack_id:uuid}/file", guards=[guards.pages_for(*SEEN_BY)], include_in_schema=False)
async def pack_file(peers: Peers, pack_id: UUID) -> Response[bytes]:
    return await pdf_of(peers, "GET", f"/api/ledger/board/packs/{pack_id}/file", name="board-pack")


def _last_quarter(today: date) -> date:
    """The last day of the last quarter that is over."""
    return date(today.year, (today.month - 1) // 3 * 3 + 1, 1) - timedelta(days=1)


ROUTES: tuple[ControllerRouterHandler, ...] = (board, prepare, show_pack, freeze, pack_file)
