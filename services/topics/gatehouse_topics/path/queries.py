"""All SQL about paths. A path's modules and their topics are read and replaced as a whole."""

# ruff: noqa: S608 - lists of columns come from the code; what callers send goes as parameters

from collections.abc import Sequence
from typing import Any, get_args
from uuid import UUID

from msgspec import UNSET, structs
from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import arg
from gatehouse_chassis.lists.filters import member, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_topics.enumerators import Interest
from gatehouse_topics.events import OUTBOX
from gatehouse_topics.order import once_each
from gatehouse_topics.path import rules
from gatehouse_topics.path.structs import Branch, ModulePlan, NewPath, PathChange, PathInList, PathRow, PathTree
from gatehouse_topics.resource.queries import IN_ORDER
from gatehouse_topics.tables import DB, Path, PathModule, PathTopic
from gatehouse_topics.topic.queries import current_topics

PATH = Repository(
    Path, PathRow, unique={"one_current_name": {"name": "there is a path of this name already; give another name"}}
)

# Counted at once for all paths, which are few: counting path by path costs ten times as much.
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

# By hand: joins of tables between which Piccolo knows no foreign keys.
_BRANCHES = DB.prepare_sql(
    f"select m.id as module_id, m.name as module_name, t.id as topic_id, t.name as topic_name, {IN_ORDER} "
    "from path_module m left join (path_topic pt join topic t on t.id = pt.topic_id and t.archived_at is null) "
    "on pt.module_id = m.id left join (topic_resource tr join resource r on r.id = tr.resource_id and "
    "r.archived_at is null) on tr.topic_id = t.id where m.path_id = $1 order by m.position, pt.position, tr.position",
    Branch,
)
_OF_PATH = PathModule.select(PathModule.id).where(PathModule.path_id == arg(1))
_MODULES = DB.prepare(_OF_PATH)
_CLEAR_TOPICS = DB.prepare(PathTopic.delete().where(PathTopic.module_id.is_in(_OF_PATH)))
_CLEAR_MODULES = DB.prepare(PathModule.delete().where(PathModule.path_id == arg(1)))
# By hand, as the next: any number of rows in one statement, with their order.
_ADD_MODULES = DB.prepare_sql(
    "insert into path_module (path_id, id, name, position) select $1, given.id, given.name, given.position "
    "from unnest($2::uuid[], $3::text[]) with ordinality as given(id, name, position)"
)
# By hand: see _ADD_MODULES.
_ADD_TOPICS = DB.prepare_sql(
    "insert into path_topic (module_id, topic_id, position) select given.module, given.topic, given.position "
    "from unnest($1::uuid[], $2::uuid[], $3::integer[]) as given(module, topic, position)"
)
# By hand: one aggregate over joined tables.
_PATH_SETTLED = DB.prepare_sql(
    "select coalesce(greatest(max(t.changed_at), max(r.changed_at)) + interval '1 minute' < p.changed_at, true) "
    "from path p left join path_module m on m.path_id = p.id left join path_topic pt on pt.module_id = m.id "
    "left join topic t on t.id = pt.topic_id left join topic_resource tr on tr.topic_id = t.id "
    "left join resource r on r.id = tr.resource_id where p.id = $1 group by p.changed_at"
)


async def path_settled(id: UUID) -> bool:
    """Whether the path's version stands for all that is shown of it; see topic/queries.py."""
    return bool(await _PATH_SETTLED.value(id))


async def path_tree(row: PathRow) -> PathTree:
    return PathTree(**structs.asdict(row), modules=rules.tree(await _BRANCHES.all(row.id)))


async def create_path(new: NewPath, actor: Actor) -> PathTree:
    """Inside a transaction. Raises Invalid for topics that aren't there."""
    await _check_modules(new.modules, ())
    values = {"name": new.name, "description": new.description, "interests": once_each(new.interests)}
    row = await PATH.insert(values, by=actor)
    await _add_modules(row.id, new.modules)
    await OUTBOX.publish("topics.path.changed", row, by=actor)
    return await path_tree(row)


async def change_path(id: UUID, version: int, change: PathChange, actor: Actor) -> PathTree:
    async with DB.transaction():
        current = await PATH.get(id, lock=True, version=version)
        values: dict[str, Any] = {"name": change.name, "description": change.description}
        if change.interests is not UNSET:
            values["interests"] = once_each(change.interests)
        if change.modules is not UNSET:
            await _check_modules(change.modules, await _module_ids(id))
            values["name"] = current.name if change.name is UNSET else change.name
        row = await PATH.change(id, version, values, by=actor)
        if change.modules is not UNSET:
            await _CLEAR_TOPICS.execute(id)
            await _CLEAR_MODULES.execute(id)
            await _add_modules(id, change.modules)
        if row.version != version:
            await OUTBOX.publish("topics.path.changed", row, by=actor)
        return await path_tree(row)


async def archive_path(id: UUID, version: int, actor: Actor) -> PathRow:
    async with DB.transaction():
        row = await PATH.archive(id, version, by=actor)
        await OUTBOX.publish("topics.path.changed", row, by=actor)
        return row


async def _check_modules(modules: Sequence[ModulePlan], own: Sequence[UUID]) -> None:
    topics = [topic for module in modules for topic in module.topics]
    rules.check_modules(modules, await current_topics(topics), own)


async def _add_modules(path: UUID, modules: Sequence[ModulePlan]) -> None:
    ids = [uuid7() if module.id is UNSET else module.id for module in modules]
    await _ADD_MODULES.execute(path, ids, [module.name for module in modules])
    places = [
        (id, topic, position)
        for id, module in zip(ids, modules, strict=True)
        for position, topic in enumerate(module.topics, 1)
    ]
    await _ADD_TOPICS.execute(*([list(column) for column in zip(*places, strict=True)] if places else [[], [], []]))


async def _module_ids(path: UUID) -> list[UUID]:
    return await _MODULES.values(path)
