"""All SQL about series."""

from typing import Any
from uuid import UUID

from piccolo.querystring import QueryString

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict
from gatehouse_chassis.data.repository import By, Repository
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_chassis.lists.filters import present, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_encounter import tables
from gatehouse_encounter.series import rules, structs
from gatehouse_encounter.tables import DB

COMPUTED = {"local_time": "to_char(make_time(minute_of_day / 60, minute_of_day % 60, 0), 'HH24:MI')"}
SERIES = Repository(
    tables.Series,
    structs.SeriesRecord,
    unique={"one_a_pair": {"member_id": "these two have a series already; end that first"}},
)
ALL_SERIES = Listing(
    tables.Series,
    structs.Series,
    columns=COMPUTED,
    filters={
        "member": uuid(tables.Series.member_id),
        "mentor": uuid(tables.Series.mentor_id),
        "ended": present(tables.Series.ended_at),
    },
    sorts={"created": tables.Series.created_at},
    default_sort="-created",
)
_READ = DB.prepare(
    tables.Series.select(*columns_for(structs.Series, tables.Series, **COMPUTED)).where(tables.Series.id == arg(1)),
    structs.Series,
)
_OF_PAIR = DB.prepare(
    tables.Series.select(*columns_for(structs.SeriesRecord, tables.Series)).where(
        (tables.Series.member_id == arg(1)) & (tables.Series.mentor_id == arg(2)) & tables.Series.ended_at.is_null()
    ),
    structs.SeriesRecord,
)


def series_of(actor: Actor) -> tuple[Any, ...]:
    """A condition: coordinators see all, people their own."""
    if actor.has("coordinator"):
        return ("true",)
    if actor.person is None:
        return ("false",)
    return ("(member_id = {} or mentor_id = {})", actor.person, actor.person)


async def read_series(id: UUID) -> structs.Series:
    found = await _READ.one(id)
    assert found is not None
    return found


async def of_pair(member: UUID, mentor: UUID) -> structs.SeriesRecord | None:
    """The one that lasts."""
    return await _OF_PAIR.one(member, mentor)


async def create_series(new: structs.NewSeries, zone: str, by: Actor) -> structs.Series:
    """To be called in a transaction."""
    rules.refuse_series(new, zone)
    columns = {
        "member_id": new.member_id,
        "mentor_id": new.mentor_id,
        "rhythm": new.rhythm,
        "starts_on": new.starts_on,
        "minute_of_day": rules.minute_of_day(new.local_time),
        "minutes": new.minutes,
        "time_zone": zone,
    }
    return await read_series((await SERIES.insert(columns, by=by)).id)


async def end_series(id: UUID, version: int, by: By | None) -> structs.Series:
    async with DB.transaction():
        if (await SERIES.get(id, lock=True, version=version)).ended_at is not None:
            raise Conflict("This series has ended already.")
        await SERIES.change(id, version, {"ended_at": await DB.now()}, by=by)
        return await read_series(id)


_LASTING = DB.prepare(
    tables.Series.select(*columns_for(structs.SeriesRecord, tables.Series)).where(
        QueryString("(member_id = {} or mentor_id = {})", arg(1), arg(1)), tables.Series.ended_at.is_null()
    ),
    structs.SeriesRecord,
)


async def lasting_series(person: UUID) -> list[structs.SeriesRecord]:
    return await _LASTING.all(person)
