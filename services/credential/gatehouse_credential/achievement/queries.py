"""All SQL about achievements."""

from uuid import UUID

from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.lists.filters import uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_credential import tables
from gatehouse_credential.achievement import rules
from gatehouse_credential.achievement.structs import Achievement, AchievementChange, NewAchievement
from gatehouse_credential.tables import DB

_TAKEN = {"name": "there is an achievement of this name already; give another name"}
ACHIEVEMENT = Repository(tables.Achievement, Achievement, unique={"unique_name": _TAKEN})
ACHIEVEMENTS = Listing(
    tables.Achievement,
    Achievement,
    filters={"id": uuid(tables.Achievement.id), "series": uuid(tables.Achievement.series_id)},
    sorts={"name": tables.Achievement.sort_name, "created": tables.Achievement.created_at},
    search=[tables.Achievement.name],
    default_sort="name",
)
CURRENT = ("is_current",)


async def add(new: NewAchievement, *, by: Actor) -> Achievement:
    id = uuid7()
    return await ACHIEVEMENT.insert(new, by=by, id=id, series_id=id)


async def change(id: UUID, version: int, change: AchievementChange, by: Actor) -> Achievement:
    """The next edition, which is current from now on; the same one where it would say the same."""
    async with DB.transaction():
        row = await ACHIEVEMENT.get(id, lock=True, version=version)
        rules.refuse_change(row)
        values = rules.next_edition(row, change)
        if values is None:
            return row
        await ACHIEVEMENT.change(id, version, {"is_current": False}, by=by)
        return await ACHIEVEMENT.insert(values, by=by)
