"""All SQL about topics. A topic's resources are read and replaced as a whole."""

# ruff: noqa: S608 - lists of columns come from the code; what callers send goes as parameters

from collections.abc import Sequence
from uuid import UUID

from msgspec import UNSET, structs

from gatehouse_chassis import Actor
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import any_of, arg
from gatehouse_chassis.lists.filters import uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_topics.order import check_order
from gatehouse_topics.resource.queries import IN_ORDER, current_resources
from gatehouse_topics.resource.structs import ResourceInOrder
from gatehouse_topics.tables import DB, Topic, TopicResource
from gatehouse_topics.topic.structs import NewTopic, TopicChange, TopicInList, TopicRow, TopicWithResources

TOPIC = Repository(
    Topic, TopicRow, unique={"one_current_name": {"name": "there is a topic of this name already; give another name"}}
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

# By hand: a join of tables between which Piccolo knows no foreign key.
_RESOURCES_OF_TOPIC = DB.prepare_sql(
    f"select {IN_ORDER} from topic_resource tr join resource r on r.id = tr.resource_id "
    "where tr.topic_id = $1 and r.archived_at is null order by tr.position",
    ResourceInOrder,
)
_CLEAR_TOPIC = DB.prepare(TopicResource.delete().where(TopicResource.topic_id == arg(1)))
# By hand: any number of rows in one statement, with their order.
_FILL_TOPIC = DB.prepare_sql(
    "insert into topic_resource (topic_id, resource_id, position) "
    "select $1, given.id, given.position from unnest($2::uuid[]) with ordinality as given(id, position)"
)
# A version says only what the topic itself has; its resources' names change by themselves. So "you have that already"
# is right only when all of them are older than the version. A minute more, because a change is dated when its
# transaction begins, and seen when it ends.
# By hand: one aggregate over joined tables.
_TOPIC_SETTLED = DB.prepare_sql(
    "select coalesce(max(r.changed_at) + interval '1 minute' < t.changed_at, true) from topic t "
    "left join topic_resource tr on tr.topic_id = t.id left join resource r on r.id = tr.resource_id "
    "where t.id = $1 group by t.changed_at"
)

_CURRENT_TOPICS = DB.prepare(Topic.select(Topic.id).where(any_of(Topic.id, arg(1)), Topic.archived_at.is_null()))


async def topic_settled(id: UUID) -> bool:
    """Whether the topic's version stands for all that is shown of it."""
    return bool(await _TOPIC_SETTLED.value(id))


async def topic_with_resources(row: TopicRow) -> TopicWithResources:
    return TopicWithResources(**structs.asdict(row), resources=await _RESOURCES_OF_TOPIC.all(row.id))


async def create_topic(new: NewTopic, actor: Actor) -> TopicWithResources:
    """Inside a transaction. Raises Invalid for resources that aren't there."""
    await _check_resources(new.resources)
    row = await TOPIC.insert({"name": new.name, "description": new.description}, by=actor)
    await _FILL_TOPIC.execute(row.id, new.resources)
    return await topic_with_resources(row)


async def change_topic(id: UUID, version: int, change: TopicChange, actor: Actor) -> TopicWithResources:
    async with DB.transaction():
        current = await TOPIC.get(id, lock=True, version=version)
        values = {"name": change.name, "description": change.description}
        if change.resources is not UNSET:
            await _check_resources(change.resources)
            # The name is written too, so that new resources alone make a new version.
            values["name"] = current.name if change.name is UNSET else change.name
        row = await TOPIC.change(id, version, values, by=actor)
        if change.resources is not UNSET:
            await _CLEAR_TOPIC.execute(id)
            await _FILL_TOPIC.execute(id, change.resources)
        return await topic_with_resources(row)


async def current_topics(ids: Sequence[UUID]) -> set[UUID]:
    """Those of the ids that belong to a topic which isn't archived."""
    return set(await _CURRENT_TOPICS.values(ids))


async def _check_resources(ids: Sequence[UUID]) -> None:
    check_order("resources", ids, await current_resources(ids), "resource")
