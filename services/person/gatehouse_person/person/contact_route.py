"""Where people are written to, for other services of the platform that act for no caller: communication."""

from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler

from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.http.guards import Guard
from gatehouse_person.person import queries
from gatehouse_person.person.structs import PersonContact


def contact_route(guard: Guard) -> HTTPRouteHandler:
    """GET /contacts/ID, for who passes `guard`: other services, never people."""

    @get(
        "/contacts/{person_id:uuid}",
        operation_id="GetPersonContact",
        guards=[guard],
        summary="Where a person is written to; for other services, with a token that they sign themselves",
        tags=["people"],
    )
    async def get_contact(person_id: UUID) -> PersonContact:
        found = await queries.CONTACT.one(person_id)
        if found is None:
            raise NotFound(f"There is no person {person_id}.")
        return found

    return get_contact
