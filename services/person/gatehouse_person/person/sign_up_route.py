"""Who an e-mail address belongs to, or somebody new: for intake, which acts for nobody when people sign up."""

from litestar import post
from litestar.handlers import HTTPRouteHandler

from gatehouse_chassis.http.guards import Guard
from gatehouse_person.consent.queries import give_missing
from gatehouse_person.person import queries
from gatehouse_person.person.structs import KnownPerson, SignedUpPerson
from gatehouse_person.tables import DB


def sign_up_route(guard: Guard) -> HTTPRouteHandler:
    """POST /people/of-sign-ups, for who passes `guard`: other services, never people."""

    @post(
        "/people/of-sign-ups",
        operation_id="FindOrAddPerson",
        guards=[guard],
        status_code=200,
        summary="The person with this address, added where there is none; the same again changes nothing",
        tags=["people"],
    )
    async def find_or_add(data: SignedUpPerson) -> KnownPerson:
        async with DB.transaction():
            person = await queries.find_or_add(data)
            await give_missing(person.id, data.consents)
            return person

    return find_or_add
