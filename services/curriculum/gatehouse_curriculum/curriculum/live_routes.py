"""A socket on one curriculum: its page learns of what others change, and asks for the curriculum again."""

from typing import Any
from uuid import UUID

from litestar import Controller, WebSocket, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.guards import signed_in
from gatehouse_chassis.live.socket_layer import SocketRoute
from gatehouse_chassis.live.tickets import Ticket, Tickets
from gatehouse_curriculum.access import Access
from gatehouse_curriculum.curriculum import queries
from gatehouse_curriculum.live import CHANGES


class LiveController(Controller):
    path = "/curricula/{person_id:uuid}"
    tags = ("curricula",)

    @post(
        "/ticket",
        operation_id="IssueLiveTicket",
        summary="Get a ticket for the socket that says when this curriculum changes",
        guards=[signed_in],
        status_code=200,
    )
    async def issue_ticket(self, person_id: UUID, actor: Actor, access: Access, tickets: Tickets) -> Ticket:
        await access.require(actor, person_id, "read")
        return tickets.issue(actor.token, f"/api/curriculum/curricula/{person_id}/live")

    @SocketRoute("/live", guards=[signed_in])
    async def live(self, socket: WebSocket[Any, Any, Any], person_id: UUID, access: Access) -> None:
        async def may(actor: Actor) -> object:
            return await access.require(actor, person_id, "read")

        await CHANGES.follow(socket, person_id, may, queries.version_of)
