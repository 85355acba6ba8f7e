"""All SQL about curricula. A curriculum is locked, read, changed by a rule and written back in one transaction."""

# ruff: noqa: S608 - states come from the code; what callers send goes as parameters

from collections.abc import Callable, Sequence
from typing import Any, Literal
from uuid import UUID

import asyncpg
from msgspec import structs
from piccolo.querystring import QueryString
from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import NOW, any_of, arg, columns_for
from gatehouse_chassis.lists.filters import uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_curriculum import tables
from gatehouse_curriculum.curriculum import rules
from gatehouse_curriculum.curriculum.rules import Assignments, Stamp
from gatehouse_curriculum.curriculum.structs import (
    Assignment,
    Curriculum,
    CurriculumAfterAssigning,
    CurriculumInList,
    CurriculumRow,
    Proposal,
)
from gatehouse_curriculum.tables import DB

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

_ROW = columns_for(CurriculumRow, tables.Curriculum)
_ASSIGNMENT = columns_for(Assignment, tables.Assignment)
_FIND = DB.prepare(tables.Curriculum.select(*_ROW).where(tables.Curriculum.person_id == arg(1)), CurriculumRow)
_LOCK = DB.prepare(
    tables.Curriculum.select(*_ROW).where(tables.Curriculum.person_id == arg(1)).lock_rows("UPDATE"), CurriculumRow
)
_ASSIGNMENTS = DB.prepare(
    tables.Assignment.select(*_ASSIGNMENT)
    .where((tables.Assignment.curriculum_id == arg(1)) & tables.Assignment.withdrawn_at.is_null())
    .order_by(tables.Assignment.state, tables.Assignment.position),
    Assignment,
)
_TOUCH = DB.prepare(
    tables.Curriculum.update(
        {
            tables.Curriculum.version: QueryString("version + 1"),
            tables.Curriculum.changed_at: NOW,
            tables.Curriculum.changed_by: arg(2),
            tables.Curriculum.changed_request: arg(3),
        }
    )
    .where(tables.Curriculum.id == arg(1))
    .returning(*_ROW),
    CurriculumRow,
)
# By hand, as the next: any number of rows in one statement.
_ADD = DB.prepare_sql(
    "insert into assignment (curriculum_id, id, resource_id, topic_id, path_id, state, position, note, assigned_at, "
    "assigned_by, assigned_request, changed_by, changed_request) select $1, given.*, $9, $10, $11, $10, $11 "
    "from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::integer[], $8::text[]) as given"
)
# By hand: see _ADD.
_CHANGE = DB.prepare_sql(
    "update assignment set state = given.state, position = given.position, started_at = given.started_at, "
    "started_by = given.started_by, completed_at = given.completed_at, completed_by = given.completed_by, "
    "changed_at = now(), changed_by = $8, changed_request = $9 "
    "from unnest($1::uuid[], $2::text[], $3::integer[], $4::timestamptz[], $5::uuid[], $6::timestamptz[], $7::uuid[]) "
    "as given(id, state, position, started_at, started_by, completed_at, completed_by) where assignment.id = given.id"
)
_RESTORE = DB.prepare(
    tables.Assignment.update(
        {
            tables.Assignment.withdrawn_at: None,
            tables.Assignment.withdrawn_by: None,
            tables.Assignment.changed_at: NOW,
            tables.Assignment.changed_by: arg(3),
            tables.Assignment.changed_request: arg(4),
        }
    )
    .where(
        (tables.Assignment.curriculum_id == arg(1))
        & (tables.Assignment.id == arg(2))
        & tables.Assignment.withdrawn_at.is_not_null()
    )
    .returning(*_ASSIGNMENT),
    Assignment,
)
_WITHDRAW = DB.prepare(
    tables.Assignment.update(
        {
            tables.Assignment.withdrawn_at: NOW,
            tables.Assignment.withdrawn_by: arg(2),
            tables.Assignment.changed_at: NOW,
            tables.Assignment.changed_by: arg(2),
            tables.Assignment.changed_request: arg(3),
        }
    ).where(any_of(tables.Assignment.id, arg(1)))
)


async def find(person: UUID) -> CurriculumRow:
    row = await _FIND.one(person)
    if row is None:
        raise NotFound("This person has no curriculum.")
    return row


async def read(row: CurriculumRow) -> Curriculum:
    """With its assignments. They may be newer than the row, never older, so a version never hides a change."""
    return with_assignments(row, tuple(await _ASSIGNMENTS.all(row.id)))


def with_assignments(row: CurriculumRow, assignments: Assignments) -> Curriculum:
    return Curriculum(**structs.asdict(row), **rules.by_state(assignments))


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


async def change(
    person: UUID, version: int, actor: Actor, rule: Callable[[Assignments, Stamp], Assignments]
) -> Curriculum:
    """The curriculum after the rule. Whoever comes second from the same version gets StaleVersion, and nothing of the
    first is lost. A rule that changes nothing leaves the version."""
    async with DB.transaction():
        row, before, stamp = await _locked(person, version, actor)
        return await _written(row, before, rule(before, stamp), stamp)


async def assign(
    person: UUID,
    version: int,
    actor: Actor,
    proposals: Sequence[Proposal],
    *,
    state: Literal["later", "next"],
    note: str | None,
) -> CurriculumAfterAssigning:
    """As `change`, with what was assigned and what was skipped."""
    async with DB.transaction():
        row, before, stamp = await _locked(person, version, actor)
        after, assigned, skipped = rules.assign(before, proposals, stamp, state=state, note=note, new_id=uuid7)
        curriculum = await _written(row, before, after, stamp)
    return CurriculumAfterAssigning(**structs.asdict(curriculum), assigned=assigned, skipped=skipped)


async def _locked(person: UUID, version: int, actor: Actor) -> tuple[CurriculumRow, Assignments, Stamp]:
    """Nobody else changes the curriculum until the transaction ends."""
    row = _checked(await _LOCK.one(person), version)
    assignments = tuple(await _ASSIGNMENTS.all(row.id))
    return row, assignments, Stamp(await DB.now(), actor.account)


async def _written(row: CurriculumRow, before: Assignments, after: Assignments, stamp: Stamp) -> Curriculum:
    if after == before:
        return with_assignments(row, after)
    await _write(row.id, before, after, stamp)
    changed = await _TOUCH.one(row.id, stamp.by, request_id())
    assert changed is not None
    return with_assignments(changed, after)


async def restore_assignment(person: UUID, version: int, actor: Actor, id: UUID) -> Curriculum:
    """The curriculum with an assignment that was taken out. Raises NotFound when none of that id was."""
    async with DB.transaction():
        row = _checked(await _LOCK.one(person), version)
        before = tuple(await _ASSIGNMENTS.all(row.id))
        try:
            withdrawn = await _RESTORE.one(row.id, id, actor.account, request_id())
        except asyncpg.UniqueViolationError:
            raise Conflict("This resource has been assigned again since.") from None
        if withdrawn is None:
            raise NotFound(f"No assignment {id} was taken out of this curriculum.")
        after = rules.restore(before, withdrawn)
        stamp = Stamp(await DB.now(), actor.account)
        await _write(row.id, (*before, withdrawn), after, stamp)
        touched = await _TOUCH.one(row.id, actor.account, request_id())
        assert touched is not None
        return with_assignments(touched, after)


def _checked(row: CurriculumRow | None, version: int) -> CurriculumRow:
    """Raises NotFound, StaleVersion or Conflict when it can't be changed from that version."""
    if row is None:
        raise NotFound("This person has no curriculum.")
    CURRICULUM.refuse_stale(row, version)
    if row.archived_at is not None:
        raise Conflict("This curriculum is archived; a coordinator can restore it.")
    return row


async def _write(id: UUID, before: Assignments, after: Assignments, stamp: Stamp) -> None:
    new, changed, gone = rules.differing(before, after)
    who = (stamp.by, request_id())
    if gone:
        await _WITHDRAW.execute(gone, *who)
    if changed:
        fields = ("id", "state", "position", "started_at", "started_by", "completed_at", "completed_by")
        await _CHANGE.execute(*_columns(changed, fields), *who)
    if new:
        fields = ("id", "resource_id", "topic_id", "path_id", "state", "position", "note")
        await _ADD.execute(id, *_columns(new, fields), stamp.at, *who)


def _columns(assignments: list[Assignment], fields: tuple[str, ...]) -> list[list[Any]]:
    return [[getattr(one, field) for one in assignments] for field in fields]
