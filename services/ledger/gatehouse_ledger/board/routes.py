"""The board's figures and packs over HTTP."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.params import QueryParameter

from gatehouse_chassis import Actor, ServiceContext
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import allow
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_ledger.access import CLOSERS, FINANCE, READERS
from gatehouse_ledger.board import queries, rules
from gatehouse_ledger.board.structs import BoardFigures, BoardPack, NewBoardPack, ShownPack
from gatehouse_ledger.document.files import PDF, pdf
from gatehouse_ledger.document.rules import issuer
from gatehouse_ledger.entry.rules import refuse_day

AsOf = Annotated[date, QueryParameter(description="A day of the quarter, such as 2026-09-30")]


class BoardController(Controller):
    path = "/board"
    tags = ("board",)

    @get(
        "/figures",
        operation_id="GetBoardFigures",
        guards=[allow(*READERS)],
        summary="The figures of a quarter and the seven before it, as the books have them now",
    )
    async def get_figures(self, as_of: AsOf) -> BoardFigures:
        refuse_day(as_of, "as_of")
        return await queries.figures(rules.quarter_ends(as_of))

    @get(
        "/packs",
        operation_id="ListBoardPacks",
        operation_class=queries.PACKS.operation,
        guards=[allow(*READERS)],
        summary="What the board was shown of each quarter",
    )
    async def list_packs(self, request: Request[Any, Any, Any]) -> Page[BoardPack]:
        return await queries.PACKS.page(request.query_params)

    @post("/packs", operation_id="PrepareBoardPack", guards=[allow(*FINANCE)], summary="Prepare the pack of a quarter")
    async def prepare_pack(self, data: NewBoardPack, actor: Actor, once: Once) -> Response[BoardPack]:
        return await once(queries.prepare, data, actor)

    @get("/packs/{pack_id:uuid}", operation_id="GetBoardPack", guards=[allow(*READERS)], summary="One pack")
    async def get_pack(self, pack_id: UUID) -> Response[ShownPack]:
        return versioned(await queries.show(pack_id))

    @post(
        "/packs/{pack_id:uuid}/freeze",
        operation_id="FreezeBoardPack",
        guards=[allow(*CLOSERS)],
        status_code=200,
        summary="Freeze a pack for good: by another person than who prepared it",
    )
    async def freeze_pack(
        self, pack_id: UUID, actor: Actor, service: ServiceContext, if_match: IfMatch = None
    ) -> Response[BoardPack]:
        version = required_version(if_match)
        return versioned(await queries.freeze(pack_id, version, issuer(service.settings), actor))

    @get(
        "/packs/{pack_id:uuid}/file",
        operation_id="GetBoardPackFile",
        guards=[allow(*READERS)],
        media_type=PDF,
        summary="The PDF of a frozen pack, always the same bytes",
    )
    async def get_pack_file(self, pack_id: UUID) -> Response[bytes]:
        return pdf(await queries.file_of(pack_id), "board-pack")
