"""The prose of a plan over HTTP and by a socket: stock Yjs clients write it together; a form writes one text.

y-websocket asks for the address of its server and the name of a room: `.../curricula/{person}/documents` and the
document's id. Its ticket is the second subprotocol, as for every socket (gatehouse_chassis.live).
"""

from typing import Any
from uuid import UUID

from litestar import Controller, WebSocket, get, post, put

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, Invalid, NotFound
from gatehouse_chassis.http.guards import signed_in
from gatehouse_chassis.live.socket_layer import SocketRoute
from gatehouse_chassis.live.tickets import Ticket, Tickets
from gatehouse_curriculum.access import Access
from gatehouse_curriculum.curriculum.queries import find
from gatehouse_curriculum.document import queries
from gatehouse_curriculum.document.rooms import ROOMS
from gatehouse_curriculum.document.structs import PlanText, PlanTexts, WriteText
from gatehouse_curriculum.document.texts import digest_of, put_together, texts_of
from gatehouse_curriculum.document.update_format import TEXT_NAME

ARCHIVED = "This curriculum is archived; a coordinator can restore it."


class DocumentController(Controller):
    path = "/curricula/{person_id:uuid}"
    tags = ("documents",)

    @get("/texts", operation_id="GetPlanTexts", summary="Read the prose of a plan", guards=[signed_in])
    async def get_texts(self, person_id: UUID, actor: Actor, access: Access) -> PlanTexts:
        await access.require(actor, person_id, "read")
        row = await queries.of_curriculum((await find(person_id)).id)
        if row is None:
            return PlanTexts({})
        found = await queries.stored(row.id)
        return _shown(texts_of(put_together(found.state, found.updates)))

    @put(
        "/texts/{name:str}",
        operation_id="WritePlanText",
        summary="Write one text of a plan: `goals`, `notes`, or `reason:` with the id of an assignment",
        description="What others write at the same time by a socket is kept; a text that isn't the one seen is a 412.",
        guards=[signed_in],
    )
    async def write_text(self, person_id: UUID, name: str, data: WriteText, actor: Actor, access: Access) -> PlanTexts:
        await access.require(actor, person_id, "write_texts")
        if TEXT_NAME.fullmatch(name) is None:
            raise Invalid({"name": "must be goals, notes, or reason: and the id of an assignment"})
        curriculum = await find(person_id)
        if curriculum.archived_at is not None:
            raise Conflict(ARCHIVED)
        row = await queries.begun(curriculum.id)
        return _shown(await queries.write(row.id, name, data.text, data.seen, actor.account))

    @post(
        "/texts/ticket",
        operation_id="IssueTextsTicket",
        summary="Get a ticket for the socket by which Yjs clients write the prose of this plan together",
        guards=[signed_in],
        status_code=200,
    )
    async def issue_texts_ticket(self, person_id: UUID, actor: Actor, access: Access, tickets: Tickets) -> Ticket:
        await access.require(actor, person_id, "write_texts")
        curriculum = await find(person_id)
        if curriculum.archived_at is not None:
            raise Conflict(ARCHIVED)
        row = await queries.begun(curriculum.id)
        return tickets.issue(actor.token, f"/api/curriculum/curricula/{person_id}/documents/{row.id}")

    @SocketRoute("/documents/{document_id:uuid}", guards=[signed_in])
    async def documents(
        self, socket: WebSocket[Any, Any, Any], person_id: UUID, document_id: UUID, access: Access
    ) -> None:
        async def may(actor: Actor) -> None:
            await access.require(actor, person_id, "write_texts")

        async def may_begin(actor: Actor) -> None:
            await may(actor)
            row = await queries.of_curriculum((await find(person_id)).id)
            if row is None or row.id != document_id:
                raise NotFound("There is no such document.")

        await ROOMS.follow(socket, document_id, person_id, may_begin, may)


def _shown(texts: dict[str, str]) -> PlanTexts:
    return PlanTexts({name: PlanText(text, digest_of(text)) for name, text in texts.items()})
