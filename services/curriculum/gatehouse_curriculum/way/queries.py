"""All SQL about a member's way. Each statement reads one curriculum by its index, however long the plan is."""

from datetime import UTC, date
from uuid import UUID

import msgspec
from piccolo.query.functions import Count

from gatehouse_chassis.data.statements import arg
from gatehouse_curriculum import tables
from gatehouse_curriculum.curriculum.queries import ASSIGNMENT_COLUMNS, find
from gatehouse_curriculum.curriculum.rules import STATES
from gatehouse_curriculum.curriculum.structs import Assignment
from gatehouse_curriculum.goal.queries import goals_of
from gatehouse_curriculum.participant.queries import people_of
from gatehouse_curriculum.period.queries import commitments_of, last_period
from gatehouse_curriculum.period.rules import planning_of
from gatehouse_curriculum.tables import DB
from gatehouse_curriculum.way.rules import WEEKS, expected
from gatehouse_curriculum.way.structs import MemberWay, MonthCount, Pace, Part, SkillCount

# As many as one looks at; the page of the whole plan shows all.
MOST_NOW, MOST_NEXT, MOST_COMPLETED = 20, 8, 10

_COLUMNS = ", ".join(field.name for field in msgspec.structs.fields(Assignment))
_OF = "from assignment where curriculum_id = $1 and withdrawn_at is null"
_AHEAD = DB.prepare(
    tables.Assignment.select(*ASSIGNMENT_COLUMNS)
    .where((tables.Assignment.curriculum_id == arg(1)) & tables.Assignment.withdrawn_at.is_null())
    .where(tables.Assignment.state == arg(2), tables.Assignment.position <= arg(3))
    .order_by(tables.Assignment.position),
    Assignment,
)
# By hand: ordered by the later of two columns.
_TOUCHED = DB.prepare_sql(
    f"select {_COLUMNS} {_OF} and state <> 'completed' and started_at is not null "
    "order by greatest(last_used_at, started_at) desc, id limit 1",
    Assignment,
)
# By hand: filters that may be left out, of a list and of a month.
_COMPLETED = DB.prepare_sql(
    f"select {_COLUMNS} {_OF} and state = 'completed' and ($2::text is null or $2 = any(skills)) "
    "and ($3::date is null or (completed_at at time zone 'UTC')::date >= $3 "
    "and (completed_at at time zone 'UTC')::date < $3 + interval '1 month') "
    "and ($4::integer is null or position < $4) order by position desc limit $5",
    Assignment,
)
# By hand: counts with filters.
_PARTS = DB.prepare_sql(
    "select path_id, max(path_name) as path_name, topic_id, max(topic_name) as topic_name, "  # noqa: S608 - our states
    "min(started_at) as started_at, "
    + ", ".join(
        f"(count(*) filter (where state = '{state}' and withdrawn_at is null))::integer as {state}" for state in STATES
    )
    + " from assignment where curriculum_id = $1 group by path_id, topic_id "
    "having bool_or(withdrawn_at is null) "
    "order by min(array_position(array['now', 'next', 'later', 'completed'], state)), min(position), path_id, topic_id",
    Part,
)
# By hand: grouped by what is computed.
_MONTHS = DB.prepare_sql(
    "select to_char(completed_at at time zone 'UTC', 'YYYY-MM') as month, count(*)::integer as count "
    f"{_OF} and state = 'completed' group by 1 order by 1 desc",
    MonthCount,
)
# By hand: a list taken apart.
_SKILLS = DB.prepare_sql(
    "select skill, count(*)::integer as count from assignment, unnest(skills) as skill "
    "where curriculum_id = $1 and withdrawn_at is null and state = 'completed' group by 1 order by 2 desc, 1",
    SkillCount,
)
# By hand: counted from the database's own clock.
_LATELY = DB.prepare_sql(
    f"select count(*)::integer {_OF} and state = 'completed' and completed_at > now() - make_interval(weeks => $2)"
)
_STOPPED = DB.prepare(
    tables.Assignment.select(Count()).where(
        (tables.Assignment.curriculum_id == arg(1)) & tables.Assignment.stopped_at.is_not_null()
    )
)


async def way_of(person: UUID, *, skill: str | None, month: date | None, before: int | None) -> MemberWay:
    """Raises NotFound where the person has no curriculum. `before`: completed ones below that position."""
    row = await find(person)
    now, following = await _AHEAD.all(row.id, "now", MOST_NOW), await _AHEAD.all(row.id, "next", MOST_NEXT)
    completed = await _COMPLETED.all(row.id, skill, month, before, MOST_COMPLETED + 1)
    parts = await _PARTS.all(row.id)
    counts: dict[str, int] = {state: sum(getattr(part, state) for part in parts) for state in STATES}
    lately = await _LATELY.value(row.id, WEEKS) or 0
    touched = await _TOUCHED.one(row.id)
    return MemberWay(
        person_id=row.person_id,
        version=row.version,
        archived_at=row.archived_at,
        changed_at=row.changed_at,
        goes_on=touched or next(iter((*now, *following)), None),
        now=now,
        next=following,
        completed=completed[:MOST_COMPLETED],
        more=len(completed) > MOST_COMPLETED,
        counts=counts,
        stopped=await _STOPPED.value(row.id) or 0,
        parts=parts,
        months=await _MONTHS.all(row.id),
        skills=await _SKILLS.all(row.id),
        pace=Pace(completed=lately, weeks=WEEKS),
        expected=expected(counts, lately, (await DB.now()).astimezone(UTC).date()),
        planning=planning_of(await commitments_of(row.id), await last_period(row.id)),
        people=await people_of(row.id),
        goals=list(await goals_of(row.id)),
    )
