"""All SQL about skills: the technologies that resources may name."""

from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.lists.listing import Listing
from gatehouse_topics.skill.structs import SkillInList, SkillRow
from gatehouse_topics.tables import DB, Skill

SKILL = Repository(
    Skill, SkillRow, unique={"one_spelling": {"name": "there is a skill of this name already, perhaps archived"}}
)

SKILLS = Listing(
    Skill,
    SkillInList,
    columns={
        "resource_count": '(select count(*) from resource r where r.technologies @> array["skill"."name"] '
        "and r.archived_at is null)"
    },
    sorts={"name": Skill.sort_name},
    search=[Skill.name],
    default_sort="name",
)

_CURRENT_SKILLS = DB.prepare(Skill.select(Skill.name).where(Skill.archived_at.is_null()).order_by(Skill.sort_name))


async def skill_names() -> list[str]:
    """The names of all skills that aren't archived."""
    return await _CURRENT_SKILLS.values()
