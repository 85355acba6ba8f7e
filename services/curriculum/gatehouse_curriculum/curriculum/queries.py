"""All SQL about curricula, but for changes of what is in one: those are commands (commands.py)."""

# ruff: noqa: S608 - states come from the code; what callers send goes as parameters

from collections.abc import Iterable
from uuid import UUID

import msgspec
from msgspec import structs

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_chassis.lists.filters import uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_curriculum import tables
from gatehouse_curriculum.curriculum import rules
from gatehouse_curriculum.curriculum.rules import Assignments
from gatehouse_curriculum.curriculum.structs import (
    Assignment,
    Curriculum,
    CurriculumInList,
    CurriculumRow,
)
from gatehouse_curriculum.participant.queries import people_of
from gatehouse_curriculum.participant.structs import Participant
from gatehouse_curriculum.period.queries import commitments_of, last_period
from gatehouse_curriculum.period.rules import planning_of
from gatehouse_curriculum.period.structs import Planning
from gatehouse_curriculum.tables import DB


class _Figures(msgspec.Struct):
    members: int
    completed: int


CURRICULUM = Repository(
    tables.Curriculum,
    CurriculumRow,
    unique={"person_id_unique": {"person_id": "has a curriculum already; an archived one can be restored"}},
)


def _count(state: str) -> str:
    return (
        'select count(*) from assignment a where a.curriculum_id = "curriculum"."id" and a.withdrawn_at is null '
        f"and a.state = '{state}'"
    )


CURRICULA = Listing(
    tables.Curriculum,
    CurriculumInList,
    filters={"person": uuid(tables.Curriculum.person_id, help="The curricula of these people")},
    columns={f"{state}_count": f"({_count(state)})" for state in rules.STATES},
    sorts={"changed": tables.Curriculum.changed_at, "created": tables.Curriculum.created_at},
    default_sort="-changed",
)

ROW_COLUMNS = columns_for(CurriculumRow, tables.Curriculum)
ASSIGNMENT_COLUMNS = columns_for(Assignment, tables.Assignment)
_FIND = DB.prepare(tables.Curriculum.select(*ROW_COLUMNS).where(tables.Curriculum.person_id == arg(1)), CurriculumRow)
_ASSIGNMENTS = DB.prepare(
    tables.Assignment.select(*ASSIGNMENT_COLUMNS)
    .where((tables.Assignment.curriculum_id == arg(1)) & tables.Assignment.withdrawn_at.is_null())
    .order_by(tables.Assignment.state, tables.Assignment.position),
    Assignment,
)
# By hand: Piccolo has no filter of an aggregate.
_FIGURES = DB.prepare_sql(
    """
    select count(distinct curriculum_id) as members, count(*) filter (where completed_at > now() - interval '30 days')
        as completed
    from assignment where changed_at > now() - interval '30 days' and withdrawn_at is null
    """,
    _Figures,
)


async def find(person: UUID) -> CurriculumRow:
    row = await _FIND.one(person)
    if row is None:
        raise NotFound("This person has no curriculum.")
    return row


async def version_of(person: UUID) -> int:
    return (await find(person)).version


async def read(row: CurriculumRow) -> Curriculum:
    """With its assignments. They may be newer than the row, never older, so a version never hides a change."""
    return await as_shown(row, await assignments_of(row.id), await people_of(row.id))


async def as_shown(row: CurriculumRow, assignments: Assignments, people: Iterable[Participant]) -> Curriculum:
    planning = planning_of(await commitments_of(row.id), await last_period(row.id))
    return with_assignments(row, assignments, planning, people)


def with_assignments(
    row: CurriculumRow,
    assignments: Assignments,
    planning: Planning | None = None,
    people: Iterable[Participant] = (),
) -> Curriculum:
    states = rules.by_state(assignments)
    planning = planning or planning_of([], None)
    return Curriculum(**structs.asdict(row), **states, planning=planning, people=list(people))


async def create(person: UUID, actor: Actor) -> Curriculum:
    """Inside a transaction. Raises Conflict when the person has one."""
    row = await CURRICULUM.insert({"person_id": person}, by=actor)
    return with_assignments(row, ())


async def archive(person: UUID, version: int, actor: Actor) -> Curriculum:
    row = await find(person)
    return await read(await CURRICULUM.archive(row.id, version, by=actor))


async def restore(person: UUID, version: int, actor: Actor) -> Curriculum:
    row = await find(person)
    if row.archived_at is None:
        raise Conflict("This curriculum isn't archived.")
    return await read(await CURRICULUM.change(row.id, version, {"archived_at": None}, by=actor))


async def figures() -> dict[str, float]:
    """What the institute counts, of the last 30 days: members whose curriculum changed, and resources completed."""
    found = await _FIGURES.one()
    return {} if found is None else {"members_active": found.members, "resources_completed": found.completed}


async def assignments_of(id: UUID) -> Assignments:
    return tuple(rules.settled(one) for one in await _ASSIGNMENTS.all(id))
