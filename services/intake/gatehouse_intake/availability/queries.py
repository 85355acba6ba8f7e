"""All SQL about when people can meet."""

from collections.abc import Sequence
from uuid import UUID

from gatehouse_chassis import Actor
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import any_of, arg, columns_for
from gatehouse_intake import tables
from gatehouse_intake.availability.structs import Availability, NewAvailability
from gatehouse_intake.tables import DB

AVAILABILITY = Repository(tables.Availability, Availability)
_table = tables.Availability
_OF_PEOPLE = DB.prepare(
    _table.select(*columns_for(Availability, _table)).where(any_of(_table.person_id, arg(1))), Availability
)


async def availability_of(people: Sequence[UUID]) -> dict[UUID, Availability]:
    """Of those of them who said something."""
    return {one.person_id: one for one in await _OF_PEOPLE.all(list(people))}


async def put(person_id: UUID, new: NewAvailability, by: Actor) -> Availability:
    async with DB.transaction():
        await DB.advisory_lock(f"intake.availability.{person_id}")
        known = (await availability_of([person_id])).get(person_id)
        if known is None:
            return await AVAILABILITY.insert(new, by=by, person_id=person_id)
        return await AVAILABILITY.change(known.id, known.version, new, by=by)
