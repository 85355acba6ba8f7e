"""When somebody can meet, over HTTP: everybody says it of themself, coordinators of anybody."""

from uuid import UUID

from litestar import Controller, Response, get, put

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.http.etags import versioned
from gatehouse_chassis.http.guards import signed_in
from gatehouse_intake.access import refuse_others
from gatehouse_intake.availability import queries, rules
from gatehouse_intake.availability.structs import Availability, NewAvailability


class AvailabilityController(Controller):
    path = "/availability/{person_id:uuid}"
    tags = ("matching",)
    guards = (signed_in,)

    @get(operation_id="GetAvailability", summary="When somebody can meet")
    async def get_availability(self, person_id: UUID, actor: Actor) -> Response[Availability]:
        refuse_others(actor, person_id)
        found = (await queries.availability_of([person_id])).get(person_id)
        if found is None:
            raise NotFound("They haven't said when they can meet.")
        return versioned(found)

    @put(operation_id="PutAvailability", summary="Say when somebody can meet, in place of what was said before")
    async def put_availability(self, person_id: UUID, data: NewAvailability, actor: Actor) -> Response[Availability]:
        refuse_others(actor, person_id)
        rules.refuse_windows(data)
        return versioned(await queries.put(person_id, data, actor))
