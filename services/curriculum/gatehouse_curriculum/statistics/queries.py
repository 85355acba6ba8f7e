"""All SQL about statistics of resources. Nothing is kept: what is counted can't be wrong for longer than its rows."""

from uuid import UUID

from gatehouse_curriculum.statistics.structs import ResourceStatistics
from gatehouse_curriculum.tables import DB

# With fewer, a median would be one person's own time.
FEWEST = 3

# By hand: ordered aggregates with filters. Unknown times are null, and so in none of them.
_OF = DB.prepare_sql(
    """
    with counted as (
        select count(*) filter (where state = 'completed')::integer as completed,
            count(*) filter (where stopped_at is not null)::integer as stopped,
            count(minutes) filter (where state = 'completed')::integer as stated,
            percentile_cont(array[0.5, 0.25, 0.75]) within group (order by minutes)
                filter (where state = 'completed') as minutes
        from assignment where resource_id = $1
    )
    select $1::uuid as resource_id, completed, stopped, stated,
        case when stated >= $2 then round(minutes[1])::integer end as median_minutes,
        case when stated >= $2 then round(minutes[2])::integer end as quarter_minutes,
        case when stated >= $2 then round(minutes[3])::integer end as three_quarters_minutes
    from counted
    """,
    ResourceStatistics,
)


async def statistics_of(resource: UUID) -> ResourceStatistics:
    """Zeros for a resource that nobody has in their plan."""
    found = await _OF.one(resource, FEWEST)
    assert found is not None
    return found
