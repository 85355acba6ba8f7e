"""All SQL about checks of addresses. Recording one, or taking one back, says anew how the resource's link is."""

from datetime import datetime
from typing import get_args
from uuid import UUID

from msgspec import Struct, structs
from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import NOW, arg, columns_for
from gatehouse_chassis.lists.filters import choices
from gatehouse_chassis.lists.listing import Listing
from gatehouse_topics.enumerators import LinkResult
from gatehouse_topics.events import OUTBOX, ResourceIds
from gatehouse_topics.link_check import rules
from gatehouse_topics.link_check.structs import LinkCheckRow, NewLinkCheck, ResourceAfterCheck
from gatehouse_topics.resource.queries import RESOURCE, link_status_of
from gatehouse_topics.resource.structs import ResourceRow
from gatehouse_topics.tables import DB, LinkCheck


class DueRow(Struct, frozen=True):
    id: UUID
    url: str


CHECKS = Listing(
    LinkCheck,
    LinkCheckRow,
    filters={"result": choices(LinkCheck.result, get_args(LinkResult))},
    sorts={"checked": LinkCheck.checked_at},
    default_sort="-checked",
)

_FIND = DB.prepare(
    LinkCheck.select(*columns_for(LinkCheckRow, LinkCheck)).where(
        (LinkCheck.resource_id == arg(1)) & (LinkCheck.id == arg(2))
    ),
    LinkCheckRow,
)
_RECORD = DB.prepare(
    InsertOf(
        {
            LinkCheck.id: arg(1),
            LinkCheck.resource_id: arg(2),
            LinkCheck.url: arg(3),
            LinkCheck.checked_at: arg(4),
            LinkCheck.result: arg(5),
            LinkCheck.http_status: arg(6),
            LinkCheck.final_url: arg(7),
            LinkCheck.milliseconds: arg(8),
            LinkCheck.note: arg(9),
            LinkCheck.recorded_by: arg(10),
            LinkCheck.recorded_request: arg(11),
        }
    )
)
# By hand: the newest check of each resource's present address, beside the resource.
_DUE = DB.prepare_sql(
    "select r.id, r.url from resource r left join lateral (select checked_at, result from link_check c "
    "where c.resource_id = r.id and c.url = r.url and c.withdrawn_at is null order by checked_at desc, id desc limit 1"
    ") last on true where r.archived_at is null and (last.checked_at is null or last.checked_at < $1 "
    "or (last.result in ('gone', 'timeout') and last.checked_at < $2)) "
    "order by last.checked_at nulls first, r.number limit $3",
    DueRow,
)
_WITHDRAW = DB.prepare(
    LinkCheck.update({LinkCheck.withdrawn_at: NOW, LinkCheck.withdrawn_by: arg(2)}).where(LinkCheck.id == arg(1))
)


async def find(resource: UUID, check: UUID) -> LinkCheckRow:
    row = await _FIND.one(resource, check)
    if row is None:
        raise NotFound(f"There is no check {check} of this resource.")
    return row


async def record(resource: UUID, new: NewLinkCheck, actor: Actor) -> ResourceAfterCheck:
    """Inside a transaction. A check that is older than the newest one is kept, and changes nothing else."""
    # Locked: of two checks at once the newer one decides, whichever is written last.
    before = await RESOURCE.get(resource, lock=True)
    now, id = await DB.now(), uuid7()
    rules.refuse_odd(new, now)
    facts = (new.result, new.http_status, new.final_url, new.milliseconds, new.note)
    await _RECORD.execute(id, resource, before.url, new.checked_at or now, *facts, actor.account, request_id())
    return ResourceAfterCheck(**structs.asdict(await _settled(before, actor)), check_id=id)


async def due(usually: datetime, after_failure: datetime, most: int) -> list[DueRow]:
    """Links last looked at before `usually`, or before `after_failure` where that failed; the oldest look first."""
    return await _DUE.all(usually, after_failure, most)


async def record_found(resource: UUID, url: str, new: NewLinkCheck) -> None:
    """Inside a transaction: what a job found. Nothing where the resource has another address by now, or is archived."""
    before = await RESOURCE.get(resource, lock=True)
    if before.url != url or before.archived_at is not None:
        return
    now, facts = await DB.now(), (new.result, new.http_status, new.final_url, new.milliseconds, new.note)
    await _RECORD.execute(uuid7(), resource, url, now, *facts, None, None)
    await _settled(before, None)


async def withdraw(resource: UUID, check: UUID, actor: Actor) -> ResourceRow:
    """Takes back a check that was a mistake. Raises Conflict when it is taken back already."""
    async with DB.transaction():
        before = await RESOURCE.get(resource, lock=True)
        if (await find(resource, check)).withdrawn_at is not None:
            raise Conflict("This check is taken back already.")
        await _WITHDRAW.execute(check, actor.account)
        return await _settled(before, actor)


async def _settled(resource: ResourceRow, actor: Actor | None) -> ResourceRow:
    """The resource as the newest check of its address says. Its version changes only if its status does: a nightly
    check that finds what was known takes nobody's edit away."""
    status = await link_status_of(resource.id, resource.url)
    if status == resource.link_status:
        return resource
    changed = await RESOURCE.change(resource.id, resource.version, {"link_status": status}, by=actor)
    await OUTBOX.publish("topics.resource.changed", changed, by=actor, ids=ResourceIds(changed.link_status))
    return changed
