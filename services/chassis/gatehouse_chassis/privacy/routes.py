"""`/privacy`, at the root of a service's port: one person's data here, and its erasure.

For administrators; `gate privacy` asks every service. `account` is repeated for each account that the person has.
"""

import contextlib
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec
from litestar import Router, get, post
from litestar.params import QueryParameter
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.http.guards import allow
from gatehouse_chassis.privacy.history import ChangeEntry, History
from gatehouse_chassis.privacy.people import Erasure, ExportedCollection, PeopleData
from gatehouse_chassis.privacy.person_keys import PersonKeys
from gatehouse_chassis.privacy.reads import ReadLog

administrators = allow("admin")


class ErasureRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    accounts: Annotated[list[UUID], Meta(max_length=100, description="The accounts that the person has")] = []


class PersonExport(msgspec.Struct, frozen=True):
    """All that the service keeps about a person, and what changed of it that is personal."""

    collections: list[ExportedCollection]
    history: list[ChangeEntry]


def privacy_routes(
    people: PeopleData, history: History | None, keys: PersonKeys | None, reads: ReadLog | None
) -> Router:
    """Of a service with a read log (`reads`), who exports somebody's data stands in it."""

    @get("/people/{person_id:uuid}", operation_id="ExportPerson", summary="All that is declared to be about a person")
    async def export_person(
        person_id: UUID, actor: Actor, account: Annotated[list[UUID] | None, QueryParameter(max_items=100)] = None
    ) -> PersonExport:
        ids = [person_id, *(account or [])]
        found = PersonExport(await people.export(ids), [] if history is None else await history.about(ids))
        if reads is not None and found.collections:
            # An account's id, or that of somebody who is gone, is in what others did: there is nobody to tell.
            with contextlib.suppress(asyncpg.ForeignKeyViolationError):
                await reads.note(actor, [person_id], what="ExportPerson", why="admin")
        return found

    @post(
        "/people/{person_id:uuid}/erase",
        operation_id="ErasePerson",
        status_code=200,
        summary="Erase a person; what is kept is listed, with the ground",
        description="It can't be undone. Done again, it erases what came since.",
    )
    async def erase_person(person_id: UUID, data: ErasureRequest) -> Erasure:
        ids = [person_id, *data.accounts]
        erased = await people.erase(ids)
        if keys is not None:
            await keys.destroy(ids)
        return erased

    handlers: list[ControllerRouterHandler] = [export_person, erase_person]
    if history is not None:

        @get(
            "/history/{collection:str}/{row_id:uuid}",
            operation_id="GetHistory",
            summary="Who changed a row from what to what, the newest change first",
        )
        async def get_history(collection: str, row_id: UUID) -> list[ChangeEntry]:
            if not history.keeps(collection):
                raise NotFound(f"No history of {collection} is kept.")
            return await history.of_row(collection, row_id)

        handlers.append(get_history)
    return Router(path="/privacy", route_handlers=handlers, guards=[administrators], tags=["platform"])
