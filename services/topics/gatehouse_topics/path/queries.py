"""All SQL of the service: lists, single rows, and what belongs to a topic or path, read and replaced as a whole."""
# ruff: noqa: S608 - lists of columns come from the code; what callers send goes as parameters

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import UNSET, structs
from uuid_utils.compat import uuid7

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.base.problems import StaleVersion
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.http.idempotency import Repeats
from gatehouse_topics import rules
from gatehouse_topics.structs import (
    Branch,
    ModulePlan,
    NewPath,
    NewResource,
    NewTopic,
    Opinion,
    PathChange,
    PathRow,
    PathTree,
    RatingRow,
    Ratings,
    ResourceChange,
    ResourceInOrder,
    ResourceRow,
    SkillRow,
    TopicChange,
    TopicRow,
    TopicWithResources,
)
from gatehouse_topics.tables import DB, Path, Resource, Skill, Topic

RESOURCE = Repository(Resource, ResourceRow)
SKILL = Repository(Skill, SkillRow)
TOPIC = Repository(Topic, TopicRow)
PATH = Repository(Path, PathRow)
REPEATS = Repeats(DB)

IN_ORDER = "r.id, r.number, r.name, r.url, r.kind, r.cost, r.level, r.link_status"

_CURRENT_RESOURCES = DB.prepare("select id from resource where id = any($1::uuid[]) and archived_at is null")
_CURRENT_TOPICS = DB.prepare("select id from topic where id = any($1::uuid[]) and archived_at is null")
_CURRENT_SKILLS = DB.prepare("select name from skill where archived_at is null order by sort_name")

# Resources

# One at a time, or two resources made at once would get the same number.
_LOCK_NUMBERS = DB.prepare("select pg_advisory_xact_lock(hashtextextended('topics.resource.number', 0))")
_NEXT_NUMBER = DB.prepare("select coalesce(max(number), 0) + 1 from resource")


async def create_resource(new: NewResource, actor: Actor) -> ResourceRow:
    """Inside a transaction. Raises Invalid for a technology that is no skill."""
    await _check_technologies(new.technologies)
    await _LOCK_NUMBERS.value()
    return await RESOURCE.insert(_without_repeats(new), by=actor, number=await _NEXT_NUMBER.value())


async def change_resource(id: UUID, version: int, change: ResourceChange, actor: Actor) -> ResourceRow:
    if change.technologies is not UNSET:
        await _check_technologies(change.technologies)
    return await RESOURCE.change(id, version, _without_repeats(change), by=actor)


async def _check_technologies(technologies: Sequence[str]) -> None:
    if technologies:
        rules.check_skills(technologies, await _column(_CURRENT_SKILLS.sql))


def _without_repeats(resource: NewResource | ResourceChange) -> dict[str, Any]:
    values = structs.asdict(resource)
    for field in ("interests", "technologies"):
        if values[field] is not UNSET:
            values[field] = rules.once_each(values[field])
    return values


# Ratings

_RATING = "id, version, resource_id, person_id, stars, note, created_at, changed_at"
_MINE = DB.prepare(f"select {_RATING} from rating where resource_id = $1 and person_id = $2", RatingRow)
_COUNTS = DB.prepare("select stars, count(*) from rating where resource_id = $1 group by stars")
_RATE = DB.prepare(
    "insert into rating (resource_id, person_id, stars, note, created_by, created_request, changed_by, "
    "changed_request, id) values ($1, $2, $3, $4, $5, $6, $5, $6, $7) "
    "on conflict (resource_id, person_id) do update set stars = $3, note = $4, changed_at = now(), changed_by = $5, "
    f"changed_request = $6, version = rating.version + 1 returning {_RATING}",
    RatingRow,
)
_RATE_AGAIN = DB.prepare(
    "update rating set stars = $3, note = $4, changed_at = now(), changed_by = $5, changed_request = $6, "
    f"version = version + 1 where resource_id = $1 and person_id = $2 and version = $7 returning {_RATING}",
    RatingRow,
)


async def rate(resource: UUID, opinion: Opinion, actor: Actor, version: int | None) -> RatingRow:
    """The caller's rating, new or changed. With a version, only that one is changed (StaleVersion otherwise)."""
    await RESOURCE.get(resource)
    given = (resource, actor.person, opinion.stars, opinion.note, actor.account, request_id())
    row = await (_RATE.one(*given, uuid7()) if version is None else _RATE_AGAIN.one(*given, version))
    if row is None:
        raise StaleVersion(f"Your rating of this resource isn't version {version}. Read it again.")
    return row


async def ratings(resource: UUID, person: UUID | None) -> Ratings:
    await RESOURCE.get(resource)
    stars = [0, 0, 0, 0, 0]
    for value, count in await DB.fetch(_COUNTS.sql, resource):
        stars[value - 1] = count
    total = sum(stars)
    weighted = sum(value * count for value, count in enumerate(stars, 1))
    return Ratings(
        resource_id=resource,
        count=total,
        average=round(weighted / total, 2) if total else None,
        stars=stars,
        mine=await _MINE.one(resource, person) if person else None,
    )


# Topics

_RESOURCES_OF_TOPIC = DB.prepare(
    f"select {IN_ORDER} from topic_resource tr join resource r on r.id = tr.resource_id "
    "where tr.topic_id = $1 and r.archived_at is null order by tr.position",
    ResourceInOrder,
)
_CLEAR_TOPIC = DB.prepare("delete from topic_resource where topic_id = $1")
_FILL_TOPIC = DB.prepare(
    "insert into topic_resource (topic_id, resource_id, position) "
    "select $1, given.id, given.position from unnest($2::uuid[]) with ordinality as given(id, position)"
)
# A version says only what the topic itself has; its resources' names change by themselves. So "you have that already"
# is right only when all of them are older than the version. A minute more, because a change is dated when its
# transaction begins, and seen when it ends.
_TOPIC_SETTLED = DB.prepare(
    "select coalesce(max(r.changed_at) + interval '1 minute' < t.changed_at, true) from topic t "
    "left join topic_resource tr on tr.topic_id = t.id left join resource r on r.id = tr.resource_id "
    "where t.id = $1 group by t.changed_at"
)


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
        current = await TOPIC.get(id, lock=True)
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


async def _check_resources(ids: Sequence[UUID]) -> None:
    rules.check_order("resources", ids, await _column(_CURRENT_RESOURCES.sql, ids), "resource")


# Paths

_BRANCHES = DB.prepare(
    f"select m.id as module_id, m.name as module_name, t.id as topic_id, t.name as topic_name, {IN_ORDER} "
    "from path_module m left join (path_topic pt join topic t on t.id = pt.topic_id and t.archived_at is null) "
    "on pt.module_id = m.id left join (topic_resource tr join resource r on r.id = tr.resource_id and "
    "r.archived_at is null) on tr.topic_id = t.id where m.path_id = $1 order by m.position, pt.position, tr.position",
    Branch,
)
_MODULES = DB.prepare("select id from path_module where path_id = $1")
_CLEAR_TOPICS = DB.prepare("delete from path_topic where module_id in (select id from path_module where path_id = $1)")
_CLEAR_MODULES = DB.prepare("delete from path_module where path_id = $1")
_ADD_MODULES = DB.prepare(
    "insert into path_module (path_id, id, name, position) select $1, given.id, given.name, given.position "
    "from unnest($2::uuid[], $3::text[]) with ordinality as given(id, name, position)"
)
_ADD_TOPICS = DB.prepare(
    "insert into path_topic (module_id, topic_id, position) select given.module, given.topic, given.position "
    "from unnest($1::uuid[], $2::uuid[], $3::integer[]) as given(module, topic, position)"
)
_PATH_SETTLED = DB.prepare(
    "select coalesce(greatest(max(t.changed_at), max(r.changed_at)) + interval '1 minute' < p.changed_at, true) "
    "from path p left join path_module m on m.path_id = p.id left join path_topic pt on pt.module_id = m.id "
    "left join topic t on t.id = pt.topic_id left join topic_resource tr on tr.topic_id = t.id "
    "left join resource r on r.id = tr.resource_id where p.id = $1 group by p.changed_at"
)


async def path_settled(id: UUID) -> bool:
    """Whether the path's version stands for all that is shown of it; see _TOPIC_SETTLED."""
    return bool(await _PATH_SETTLED.value(id))


async def path_tree(row: PathRow) -> PathTree:
    return PathTree(**structs.asdict(row), modules=rules.tree(await _BRANCHES.all(row.id)))


async def create_path(new: NewPath, actor: Actor) -> PathTree:
    """Inside a transaction. Raises Invalid for topics that aren't there."""
    await _check_modules(new.modules, ())
    values = {"name": new.name, "description": new.description, "interests": rules.once_each(new.interests)}
    row = await PATH.insert(values, by=actor)
    await _add_modules(row.id, new.modules)
    return await path_tree(row)


async def change_path(id: UUID, version: int, change: PathChange, actor: Actor) -> PathTree:
    async with DB.transaction():
        current = await PATH.get(id, lock=True)
        values: dict[str, Any] = {"name": change.name, "description": change.description}
        if change.interests is not UNSET:
            values["interests"] = rules.once_each(change.interests)
        if change.modules is not UNSET:
            await _check_modules(change.modules, await _column(_MODULES.sql, id))
            values["name"] = current.name if change.name is UNSET else change.name
        row = await PATH.change(id, version, values, by=actor)
        if change.modules is not UNSET:
            await _CLEAR_TOPICS.execute(id)
            await _CLEAR_MODULES.execute(id)
            await _add_modules(id, change.modules)
        return await path_tree(row)


async def _check_modules(modules: Sequence[ModulePlan], own: Sequence[UUID]) -> None:
    topics = [topic for module in modules for topic in module.topics]
    rules.check_modules(modules, set(await _column(_CURRENT_TOPICS.sql, topics)), own)


async def _add_modules(path: UUID, modules: Sequence[ModulePlan]) -> None:
    ids = [uuid7() if module.id is UNSET else module.id for module in modules]
    await _ADD_MODULES.execute(path, ids, [module.name for module in modules])
    places = [
        (id, topic, position)
        for id, module in zip(ids, modules, strict=True)
        for position, topic in enumerate(module.topics, 1)
    ]
    await _ADD_TOPICS.execute(*([list(column) for column in zip(*places, strict=True)] if places else [[], [], []]))


async def _column(sql: str, *args: Any) -> list[Any]:
    return [record[0] for record in await DB.fetch(sql, *args)]
