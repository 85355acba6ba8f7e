"""All SQL about profiles: each person has one, from the moment they are added."""

from uuid import UUID

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_person import tables
from gatehouse_person.profile import structs
from gatehouse_person.tables import DB

PROFILE = Repository(tables.Profile, structs.Profile)
_profile = DB.prepare(
    tables.Profile.select(*columns_for(structs.Profile, tables.Profile)).where(tables.Profile.person_id == arg(1)),
    structs.Profile,
)


async def read_profile(person_id: UUID) -> structs.Profile:
    profile = await _profile.one(person_id)
    if profile is None:
        raise NotFound(f"There is no profile of a person {person_id}.")
    return profile


async def change_profile(person_id: UUID, version: int, change: structs.ProfileChange, by: Actor) -> structs.Profile:
    async with DB.transaction():
        profile = await read_profile(person_id)
        return await PROFILE.change(profile.id, version, change, by=by)
