"""All SQL that reads how long things took: stated, or else the time that members were away with them.

What isn't finished counts as "at least so long", stopped or not; what somebody said is no measure counts for nothing.
"""

from datetime import datetime
from uuid import UUID

import msgspec
from piccolo.query.functions import Count

from gatehouse_chassis.data.statements import any_of, arg, columns_for
from gatehouse_curriculum import tables
from gatehouse_curriculum.forecast.structs import MOST_ITEMS
from gatehouse_curriculum.tables import DB

_TIMES = """
    select id, curriculum_id, resource_id, resource_name, unfinished, stated, not_typical_at, changed_at,
        greatest(seconds / 60.0, 0.5)::float8 as minutes
    from (
        select *, state <> 'completed' as unfinished, state = 'completed' and minutes is not null as stated,
            case when state = 'completed' and minutes is not null then minutes * 60
                else nullif(studied_seconds, 0) end as seconds
        from assignment where withdrawn_at is null or stopped_at is not null
    ) counted where seconds is not null
"""


class TimeRow(msgspec.Struct, frozen=True):
    curriculum_id: UUID
    resource_id: UUID
    minutes: float
    unfinished: bool


class ResourceTimes(msgspec.Struct, frozen=True):
    """Of a resource: how many finished times there are, and the sum of their logarithms less people's paces."""

    resource_id: UUID
    n: int
    total: float


class UnfinishedTime(msgspec.Struct, frozen=True):
    resource_id: UUID
    logarithm: float
    pace: float


class OwnTime(msgspec.Struct, frozen=True):
    """A time of one member. `level`: the resource's, as a logarithm; null where none is known."""

    id: UUID
    resource_id: UUID
    resource_name: str | None
    minutes: float
    unfinished: bool
    stated: bool
    level: float | None
    not_typical_at: datetime | None


class OpenItem(msgspec.Struct, frozen=True):
    id: UUID
    resource_id: UUID
    studied_seconds: int


# By hand: the time is computed from several columns.
EVERY_TIME = DB.prepare_sql(
    f"select curriculum_id, resource_id, minutes, unfinished from ({_TIMES}) t where not_typical_at is null "  # noqa: S608 - our SQL
    "order by id",
    TimeRow,
)
# By hand: the time is computed from several columns.
OF_RESOURCES = DB.prepare_sql(
    "select t.resource_id, count(*)::integer as n, sum(ln(t.minutes) - coalesce(p.mean, 0) / 1000.0)::float8 as total "  # noqa: S608 - our SQL
    f"from ({_TIMES}) t left join pace p on p.curriculum_id = t.curriculum_id "
    "where t.resource_id = any($1::uuid[]) and not t.unfinished and t.not_typical_at is null group by t.resource_id",
    ResourceTimes,
)
# By hand: the time is computed from several columns.
UNFINISHED_OF_RESOURCES = DB.prepare_sql(
    "select t.resource_id, ln(t.minutes)::float8 as logarithm, (coalesce(p.mean, 0) / 1000.0)::float8 as pace "  # noqa: S608 - our SQL
    f"from ({_TIMES}) t left join pace p on p.curriculum_id = t.curriculum_id "
    "where t.resource_id = any($1::uuid[]) and t.unfinished and t.not_typical_at is null",
    UnfinishedTime,
)
# By hand: the time is computed from several columns.
OF_MEMBER = DB.prepare_sql(
    "select t.id, t.resource_id, t.resource_name, t.minutes, t.unfinished, t.stated, "  # noqa: S608 - our SQL
    "(e.level / 1000.0)::float8 as level, t.not_typical_at "
    f"from ({_TIMES}) t left join effort e on e.resource_id = t.resource_id "
    f"where t.curriculum_id = $1 order by t.changed_at desc, t.id limit {MOST_ITEMS}",
    OwnTime,
)
# What is left of a list that is planned: what is completed takes no more.
OPEN = DB.prepare(
    tables.Assignment.select(*columns_for(OpenItem, tables.Assignment))
    .where(tables.Assignment.curriculum_id == arg(1), any_of(tables.Assignment.id, arg(2)))
    .where(tables.Assignment.withdrawn_at.is_null(), tables.Assignment.state != "completed"),
    OpenItem,
)
IN_PLAN = DB.prepare(
    tables.Assignment.select(Count()).where(
        tables.Assignment.curriculum_id == arg(1), any_of(tables.Assignment.id, arg(2))
    )
)
