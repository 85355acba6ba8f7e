"""The lists that callers may ask for: what they filter, sort and search by."""

from typing import get_args

from gatehouse_chassis.lists.filters import choices, integer, member, present, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_topics.structs import (
    Cost,
    Interest,
    Kind,
    Level,
    LinkStatus,
    PathInList,
    ResourceRow,
    SkillInList,
    TopicInList,
)
from gatehouse_topics.tables import Path, Resource, Skill, Topic

_OF_TOPIC = '"resource"."id" in (select resource_id from topic_resource where topic_id = any({}::uuid[]))'
_OF_PATH = (
    '"resource"."id" in (select tr.resource_id from path_module m join path_topic pt on pt.module_id = m.id '
    "join topic_resource tr on tr.topic_id = pt.topic_id where m.path_id = any({}::uuid[]))"
)
_RESOURCE_FILTERS = {
    "kind": choices(Resource.kind, get_args(Kind)),
    "cost": choices(Resource.cost, get_args(Cost)),
    "level": choices(Resource.level, get_args(Level)),
    "interest": member(Resource.interests, get_args(Interest)),
    "technology": member(Resource.technologies, help="The name of a skill; repeat it for any of several"),
    "link_status": choices(Resource.link_status, get_args(LinkStatus)),
    "topic": uuid(condition=_OF_TOPIC, help="Resources of these topics"),
    "path": uuid(condition=_OF_PATH, help="Resources of these paths"),
    "number": integer(Resource.number, minimum=1),
    "id": uuid(Resource.id, help="These resources, archived ones too; repeat it for up to 50"),
}
_RESOURCE_SORTS = {
    "name": Resource.sort_name,
    "number": Resource.number,
    "level": Resource.level_rank,
    "changed": Resource.changed_at,
}
RESOURCES = Listing(
    Resource,
    ResourceRow,
    filters=_RESOURCE_FILTERS,
    sorts=_RESOURCE_SORTS,
    search=[Resource.name],
    default_sort="name",
)
# Whoever asks for certain resources holds their ids from elsewhere, and needs the archived ones as well.
RESOURCES_BY_ID = Listing(
    Resource,
    ResourceRow,
    filters={**_RESOURCE_FILTERS, "archived": present(Resource.archived_at)},
    sorts=_RESOURCE_SORTS,
    search=[Resource.name],
    default_sort="name",
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

TOPICS = Listing(
    Topic,
    TopicInList,
    filters={
        "id": uuid(Topic.id),
        "resource": uuid(
            condition='"topic"."id" in (select topic_id from topic_resource where resource_id = any({}::uuid[]))',
            help="Topics with any of these resources",
        ),
        "path": uuid(
            condition='"topic"."id" in (select pt.topic_id from path_module m join path_topic pt '
            "on pt.module_id = m.id where m.path_id = any({}::uuid[]))",
            help="Topics of these paths",
        ),
    },
    columns={
        "resource_count": "(select count(*) from topic_resource tr join resource r on r.id = tr.resource_id "
        'where tr.topic_id = "topic"."id" and r.archived_at is null)'
    },
    sorts={"name": Topic.sort_name, "changed": Topic.changed_at},
    search=[Topic.name],
    default_sort="name",
)

# Counted in one go for all paths, which are few: counting path by path costs ten times as much.
_COUNTS = """
    left join (
        select m.path_id, count(distinct m.id) as modules, count(distinct (m.id, t.id)) filter (where t.id is not null)
            as topics, count(distinct r.id) as resources
        from path_module m
        left join path_topic pt on pt.module_id = m.id
        left join topic t on t.id = pt.topic_id and t.archived_at is null
        left join topic_resource tr on tr.topic_id = t.id
        left join resource r on r.id = tr.resource_id and r.archived_at is null
        group by m.path_id
    ) counts on counts.path_id = "path"."id"
"""
PATHS = Listing(
    Path,
    PathInList,
    filters={
        "id": uuid(Path.id),
        "interest": member(Path.interests, get_args(Interest)),
        "topic": uuid(
            condition='"path"."id" in (select m.path_id from path_module m join path_topic pt on pt.module_id = m.id '
            "where pt.topic_id = any({}::uuid[]))",
            help="Paths with any of these topics",
        ),
    },
    columns={
        "module_count": "coalesce(counts.modules, 0)",
        "topic_count": "coalesce(counts.topics, 0)",
        "resource_count": "coalesce(counts.resources, 0)",
    },
    joins=_COUNTS,
    sorts={"name": Path.sort_name, "changed": Path.changed_at},
    search=[Path.name],
    default_sort="name",
)
