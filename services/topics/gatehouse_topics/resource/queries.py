"""All SQL about resources."""

from collections.abc import Sequence
from typing import Any, get_args
from uuid import UUID

from msgspec import UNSET, structs
from piccolo.query.functions import Max

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import any_of, arg, columns_for
from gatehouse_chassis.lists.filters import choices, integer, member, present, uuid
from gatehouse_chassis.lists.listing import Listing, Sort
from gatehouse_topics.enumerators import Cost, Interest, Level, LinkStatus, ResourceKind
from gatehouse_topics.events import OUTBOX, ResourceIds
from gatehouse_topics.order import once_each
from gatehouse_topics.resource import keys, rules
from gatehouse_topics.resource.guess import guess_of
from gatehouse_topics.resource.structs import (
    ImportLinks,
    ImportResult,
    NewResource,
    RatedResource,
    ResourceChange,
    ResourceInOrder,
    ResourceLength,
    ResourceRow,
    Twins,
)
from gatehouse_topics.skill.queries import skill_names
from gatehouse_topics.tables import DB, LinkCheck, Resource

RESOURCE = Repository(
    Resource,
    ResourceRow,
    unique={"one_current_url": {"url": "a resource with this address is there already; use that one"}},
)

_OF_TOPIC = '"resource"."id" in (select resource_id from topic_resource where topic_id = any({}::uuid[]))'
_OF_PATH = (
    '"resource"."id" in (select tr.resource_id from path_module m join path_topic pt on pt.module_id = m.id '
    "join topic_resource tr on tr.topic_id = pt.topic_id where m.path_id = any({}::uuid[]))"
)
_RESOURCE_FILTERS = {
    "kind": choices(Resource.kind, get_args(ResourceKind)),
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
# By hand: each an aggregate of its own, over an index. Shrunken, so that one person's five stars aren't the best of
# all: five ratings of three stars are added to what was given.
_OF_RATINGS = '(select {} from topics.rating where rating.resource_id = "resource"."id")'
_RATED = {
    "ratings": _OF_RATINGS.format("count(*)::int"),
    "stars": _OF_RATINGS.format("round(avg(rating.stars), 2)::float8"),
}
_SHRUNKEN = _OF_RATINGS.format("((coalesce(sum(rating.stars), 0) + 3 * 5)::float8 / (count(*) + 5))")
_RESOURCE_SORTS = {
    "name": Resource.sort_name,
    "number": Resource.number,
    "level": Resource.level_rank,
    "changed": Resource.changed_at,
    "rating": Sort(_SHRUNKEN, float, nullable=False),
}
RESOURCES = Listing(
    Resource,
    RatedResource,
    filters=_RESOURCE_FILTERS,
    columns=_RATED,
    sorts=_RESOURCE_SORTS,
    search=[Resource.name],
    default_sort="name",
)
# Callers that ask for resources by id got the ids elsewhere, and need archived ones as well.
RESOURCES_BY_ID = Listing(
    Resource,
    RatedResource,
    columns=_RATED,
    filters={**_RESOURCE_FILTERS, "archived": present(Resource.archived_at)},
    sorts=_RESOURCE_SORTS,
    search=[Resource.name],
    default_sort="name",
)

# One a day for the longest that failures are compared over, and some by hand.
MOST_CHECKS = 12

# The columns of ResourceInOrder.
IN_ORDER = "r.id, r.number, r.name, r.url, r.kind, r.cost, r.level, r.link_status, r.technologies"

_CURRENT_RESOURCES = DB.prepare(
    Resource.select(Resource.id).where(any_of(Resource.id, arg(1)), Resource.archived_at.is_null())
)
# Of the address that the resource has; checks of an earlier one say nothing about it.
_NEWEST_CHECKS = DB.prepare(
    LinkCheck.select(LinkCheck.result, LinkCheck.checked_at, LinkCheck.recorded_by)
    .where((LinkCheck.resource_id == arg(1)) & (LinkCheck.url == arg(2)) & LinkCheck.withdrawn_at.is_null())
    .order_by(LinkCheck.checked_at, LinkCheck.id, ascending=False)
    .limit(MOST_CHECKS),
    rules.SeenCheck,
)
_CURRENT = DB.prepare(
    Resource.select(*columns_for(ResourceInOrder, Resource))
    .where(Resource.archived_at.is_null())
    .order_by(Resource.number),
    ResourceInOrder,
)
_LENGTH_COLUMNS = columns_for(ResourceLength, Resource)
_LENGTHS = DB.prepare(Resource.select(*_LENGTH_COLUMNS).order_by(Resource.number), ResourceLength)
_LENGTH = DB.prepare(Resource.select(*_LENGTH_COLUMNS).where(Resource.id == arg(1)), ResourceLength)
_LAST_NUMBER = DB.prepare(Resource.select(Max(Resource.number)))


async def create_resource(new: NewResource, actor: Actor) -> ResourceRow:
    """Inside a transaction. Raises Invalid for a technology that is no skill."""
    await _check_technologies(new.technologies)
    # One at a time, or two resources made at once would get the same number, or be the same page.
    await DB.advisory_lock("topics.resource.number")
    await _refuse_twin(new.url)
    values = _without_repeats(new) | {"length_source": rules.length_source(structs.asdict(new), {})}
    row = await RESOURCE.insert(values, by=actor, number=(await _LAST_NUMBER.value() or 0) + 1)
    await OUTBOX.publish("topics.resource.created", row, by=actor, ids=ResourceIds(row.link_status))
    return row


async def import_links(new: ImportLinks, actor: Actor) -> ImportResult:
    """Inside a transaction: each link that leads nowhere where a resource leads; a list sent again adds nothing."""
    await DB.advisory_lock("topics.resource.number")
    known = {keys.key_of(one.url) for one in await _CURRENT.all()}
    number, added = await _LAST_NUMBER.value() or 0, []
    for link in new.links:
        key = keys.key_of(link.url)
        if key in known:
            continue
        known.add(key)
        guess = guess_of(link.url)
        values = {"url": link.url, "name": link.name or guess.name, "kind": link.kind or guess.kind, "level": new.level}
        row = await RESOURCE.insert(values, by=actor, number=number + len(added) + 1)
        await OUTBOX.publish("topics.resource.created", row, by=actor, ids=ResourceIds(row.link_status))
        added.append(row.id)
    return ImportResult(added=added, known=len(new.links) - len(added))


async def change_resource(id: UUID, version: int, change: ResourceChange, actor: Actor) -> ResourceRow:
    """Raises Invalid for a technology that is no skill, and for a source of lengths that are none."""
    if change.technologies is not UNSET:
        await _check_technologies(change.technologies)
    values = {name: value for name, value in _without_repeats(change).items() if value is not UNSET}
    async with DB.transaction():
        before = await RESOURCE.get(id, lock=True, version=version)
        if not values.keys().isdisjoint({*rules.LENGTHS, "length_source"}):
            values["length_source"] = rules.length_source(values, structs.asdict(before))
        if values.get("url", before.url) != before.url:
            await DB.advisory_lock("topics.resource.number")
            await _refuse_twin(values["url"], but=id)
            values["link_status"] = await link_status_of(id, values["url"])
        row = await RESOURCE.change(id, version, values, by=actor)
        if row.version != version:
            await OUTBOX.publish("topics.resource.changed", row, by=actor, ids=ResourceIds(row.link_status))
        return row


async def archive_resource(id: UUID, version: int, actor: Actor) -> ResourceRow:
    async with DB.transaction():
        row = await RESOURCE.archive(id, version, by=actor)
        await OUTBOX.publish("topics.resource.archived", row, by=actor)
        return row


async def resources_at(url: str) -> list[ResourceRow]:
    """The current resource that the address leads to, however it is written; none where there is none."""
    found = await _at(url)
    return [] if found is None else [await RESOURCE.get(found.id)]


async def twins() -> list[Twins]:
    current = await _CURRENT.all()
    return [
        Twins(key=keys.key_of(group[0].url), resources=group)
        for group in keys.twins((resource, resource.url) for resource in current)
    ]


async def link_status_of(id: UUID, url: str) -> LinkStatus:
    """What the newest checks of that address say."""
    return rules.link_status(rules.newest_result(await _NEWEST_CHECKS.all(id, url)))


async def lengths(id: UUID | None) -> Sequence[ResourceLength]:
    """Of all resources, archived ones too, or of one."""
    return await _LENGTHS.all() if id is None else await _LENGTH.all(id)


async def current_resources(ids: Sequence[UUID]) -> list[UUID]:
    """Those of the ids that belong to a resource which isn't archived."""
    return await _CURRENT_RESOURCES.values(ids)


async def _at(url: str, but: UUID | None = None) -> ResourceInOrder | None:
    wanted = keys.key_of(url)
    current = (one for one in await _CURRENT.all() if one.id != but)
    return next((one for one in current if keys.key_of(one.url) == wanted), None)


async def _refuse_twin(url: str, but: UUID | None = None) -> None:
    """Raises Conflict where another current resource is the same page under another spelling."""
    twin = await _at(url, but)
    # The same spelling is the database's to refuse, in its own words.
    if twin is not None and twin.url != url:
        message = f"leads to the same page as resource {twin.number}, “{twin.name}”; use that one"
        raise Conflict(f"url: {message}", errors={"url": message})


async def _check_technologies(technologies: Sequence[str]) -> None:
    if technologies:
        rules.check_skills(technologies, await skill_names())


def _without_repeats(resource: NewResource | ResourceChange) -> dict[str, Any]:
    values = structs.asdict(resource)
    for field in ("interests", "technologies"):
        if values[field] is not UNSET:
            values[field] = once_each(values[field])
    return values
