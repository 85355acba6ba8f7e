"""The doors over HTTP: Squarespace's notifications, the sheet's script, files, and the switches of coordinators."""

from typing import Any

import msgspec
from litestar import Controller, Request, get, post, put
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Invalid, NotFound, Unauthenticated
from gatehouse_chassis.http.guards import allow, guard, recently
from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_intake.access import COORDINATORS
from gatehouse_intake.door import queries, rules
from gatehouse_intake.door.orders import Orders
from gatehouse_intake.door.structs import (
    DoorChange,
    ImportedFile,
    ImportedRows,
    Notification,
    OrderNotice,
    ScriptToken,
    SheetRow,
    SheetRowState,
    ShownDoor,
)
from gatehouse_intake.enumerators import SignUpSource
from gatehouse_intake.sign_up.queries import receive, stand_of
from gatehouse_intake.sign_up.structs import Received
from gatehouse_intake.tables import DB

ORDERS = ("order.create", "order.update")


@guard("the sheet's script")
async def by_script(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
    """The script that sends the rows of the sheet, by the token that a coordinator gave it."""
    sent = next((value for name, value in connection.scope["headers"] if name == b"authorization"), b"")
    if not await queries.is_script(sent.decode("latin-1").partition(" ")[2]):
        raise Unauthenticated("Send the token that a coordinator made for the script.")


class ArrivalController(Controller):
    """For programs that act for strangers."""

    tags = ("doors",)

    @post(
        "/webhooks/squarespace",
        operation_id="TakeOrder",
        guards=[anonymous(per_minute=600, at_once=100)],
        status_code=202,
        summary="What Squarespace tells about orders, signed by it",
    )
    async def take_order(self, request: Request[Any, Any, Any], state: State) -> Received:
        orders: Orders = state.orders
        if not orders.secret:
            raise NotFound
        raw = await request.body()
        if not rules.is_signed(orders.secret, raw, request.headers.get("squarespace-signature", "")):
            raise Unauthenticated("The signature isn't right.")
        await queries.refuse_closed("squarespace_order")
        try:
            notification = msgspec.json.decode(raw, type=Notification)
            if notification.topic in ORDERS:
                order = msgspec.json.decode(notification.data, type=OrderNotice)
                async with DB.transaction():
                    await receive(rules.of_order(order.orderId))
        except msgspec.MsgspecError as error:
            raise Invalid({"body": str(error)}) from None
        return Received(received=True)

    @post("/sheet-rows", operation_id="TakeSheetRow", guards=[by_script], status_code=200, summary="A row of the sheet")
    async def take_row(self, data: SheetRow) -> SheetRowState:
        """The same row again is the same sign-up, and the answer says how it stands."""
        await queries.refuse_closed("sheet_row")
        async with DB.transaction():
            await receive(rules.of_row(data))
            row = await stand_of("sheet_row", data.row_id)
        return SheetRowState(row_id=data.row_id, state=row.state, problem=row.problem)


class DoorController(Controller):
    tags = ("doors",)
    guards = (allow(*COORDINATORS),)

    @get("/doors", operation_id="ListDoors", summary="By which ways people come")
    async def list_doors(self, state: State) -> list[ShownDoor]:
        orders: Orders = state.orders
        return await queries.all_doors({"squarespace_order": orders.is_ready})

    @put("/doors/{source:str}", operation_id="TurnDoor", summary="Open or close a way by which people come")
    async def turn(self, source: SignUpSource, data: DoorChange, actor: Actor, state: State) -> list[ShownDoor]:
        await queries.turn(source, actor, is_open=data.state == "open")
        return await self.list_doors.fn(self, state)

    @post(
        "/doors/sheet_row/token",
        operation_id="MakeScriptToken",
        guards=[recently(allow(*COORDINATORS))],
        status_code=201,
        summary="A new token for the sheet's script; the previous one no longer works",
    )
    async def make_token(self, actor: Actor) -> ScriptToken:
        return ScriptToken(await queries.new_token(actor))

    @post("/imports", operation_id="ImportSignUps", status_code=200, summary="Sign-ups of a CSV file: all, or none")
    async def import_file(self, data: ImportedFile, actor: Actor) -> ImportedRows:
        await queries.refuse_closed("csv")
        found = rules.of_file(data.content)
        async with DB.transaction():
            new = [await receive(one, by=actor) for one in found].count(True)
        return ImportedRows(new=new, known=len(found) - new)
