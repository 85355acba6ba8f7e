"""The SQL of the mission's figures: counts of all quarters in one statement."""

from collections.abc import Sequence
from datetime import date

from gatehouse_ledger.mission.structs import QuarterMission
from gatehouse_ledger.tables import DB

# By hand: counts of several kinds and periods over one table. A pair learns together while it has begun more often than
# it has ended.
_QUARTERS = DB.prepare_sql(
    "with pairs as (select member_id, mentor_id, happened_on, case kind when 'mentoring_started' then 1 else -1 end "
    "as change from ledger.mission_event where kind in ('mentoring_started', 'mentoring_ended')), "
    "firsts as (select s.member_id, min(s.happened_on) as began, "
    "(select min(j.happened_on) from ledger.mission_event j where j.kind = 'joined' and j.member_id = s.member_id) "
    "as joined from ledger.mission_event s where s.kind = 'mentoring_started' group by s.member_id) "
    "select q.ends as ends_on, c.*, "
    "(select count(*)::int from firsts f where f.began between q.begins and q.ends and f.joined <= f.began) as waited, "
    "(select percentile_disc(0.5) within group (order by f.began - f.joined) from firsts f "
    "where f.began between q.begins and q.ends and f.joined <= f.began) as days_to_mentor, "
    "t.mentored, t.mentors from unnest($1::date[], $2::date[]) as q(begins, ends), lateral (select "
    "count(*) filter (where e.kind = 'joined')::int as joined, "
    "count(*) filter (where e.kind = 'mentoring_started')::int as started, "
    "count(distinct e.member_id) filter (where e.kind = 'mentoring_started')::int as started_members, "
    "count(*) filter (where e.kind = 'mentoring_ended')::int as ended, "
    "count(distinct e.member_id) filter (where e.kind = 'mentoring_ended')::int as ended_members, "
    "count(*) filter (where e.kind = 'encounter_held')::int as held, "
    "count(distinct e.member_id) filter (where e.kind = 'encounter_held')::int as held_members, "
    "count(*) filter (where e.kind = 'no_show')::int as missed, "
    "count(distinct e.member_id) filter (where e.kind = 'no_show')::int as missed_members, "
    "count(distinct e.member_id) filter (where e.kind in ('learned', 'completed', 'encounter_held') "
    "and e.happened_on > q.ends - 30)::int as active, "
    "count(*) filter (where e.kind = 'completed')::int as completions, "
    "count(distinct e.member_id) filter (where e.kind = 'completed')::int as completed_members "
    "from ledger.mission_event e where e.happened_on between q.begins and q.ends) c, "
    "lateral (select count(distinct p.member_id)::int as mentored, count(distinct p.mentor_id)::int as mentors from "
    "(select member_id, mentor_id from pairs where happened_on <= q.ends group by 1, 2 having sum(change) > 0) p) t",
    QuarterMission,
)


async def of_quarters(quarters: Sequence[tuple[date, date]]) -> dict[date, QuarterMission]:
    """`quarters`: the first and last day of each."""
    found = await _QUARTERS.all([begins for begins, _ in quarters], [ends for _, ends in quarters])
    return {one.ends_on: one for one in found}
