"""All SQL that changes what is in a curriculum: it is locked, read, changed by a rule and written back in one
transaction.
"""

# ruff: noqa: S608 - columns come from the code; what callers send goes as parameters

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import asyncpg
import msgspec
from msgspec import structs
from piccolo.querystring import QueryString
from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_chassis.data.statements import NOW, any_of, arg
from gatehouse_curriculum import tables
from gatehouse_curriculum.curriculum import rules
from gatehouse_curriculum.curriculum.queries import (
    ASSIGNMENT_COLUMNS,
    CURRICULUM,
    ROW_COLUMNS,
    as_shown,
    assignments_of,
)
from gatehouse_curriculum.curriculum.rules import Assignments, Stamp
from gatehouse_curriculum.curriculum.structs import (
    Assignment,
    Curriculum,
    CurriculumAfterAssigning,
    CurriculumRow,
    ResourceToAssign,
)
from gatehouse_curriculum.enumerators import Standing
from gatehouse_curriculum.events import OUTBOX, AssignmentIds, AtVersion
from gatehouse_curriculum.live import CHANGES
from gatehouse_curriculum.participant.queries import joined, people_of
from gatehouse_curriculum.participant.structs import Participant
from gatehouse_curriculum.tables import DB


class _Out(msgspec.Struct):
    withdrawn_at: datetime | None
    stopped_by: UUID | None


_LOCK = DB.prepare(
    tables.Curriculum.select(*ROW_COLUMNS).where(tables.Curriculum.person_id == arg(1)).lock_rows("UPDATE"),
    CurriculumRow,
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
    .returning(*ROW_COLUMNS),
    CurriculumRow,
)
# By hand, as the next: any number of rows in one statement.
_ADD = DB.prepare_sql(
    "insert into assignment (curriculum_id, id, resource_id, topic_id, path_id, state, position, note, resource_name, "
    "topic_name, path_name, skills, assigned_at, assigned_by, assigned_request, changed_by, changed_request) "
    "select $1, id, resource_id, topic_id, path_id, state, position, note, resource_name, topic_name, path_name, "
    # unnest would take lists of skills apart, and they needn't be of one length.
    "array(select jsonb_array_elements_text(skills::jsonb)), $13, $14, $15, $14, $15 "
    "from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::integer[], $8::text[], $9::text[], "
    "$10::text[], $11::text[], $12::text[]) as given(id, resource_id, topic_id, path_id, state, position, note, "
    "resource_name, topic_name, path_name, skills)"
)
_CHANGED = {
    "id": "uuid",
    "state": "text",
    "position": "integer",
    "planned_at": "timestamptz",
    "planned_by": "uuid",
    "started_at": "timestamptz",
    "started_by": "uuid",
    "completed_at": "timestamptz",
    "completed_by": "uuid",
    "minutes": "integer",
    "proposed_change": "text",
    "proposed_at": "timestamptz",
    "proposed_by": "uuid",
}
_PLACES = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(_CHANGED.values(), 1))
# By hand: see _ADD.
_CHANGE = DB.prepare_sql(
    f"update assignment set {', '.join(f'{name} = given.{name}' for name in _CHANGED if name != 'id')}, "
    f"changed_at = now(), changed_by = ${len(_CHANGED) + 1}, changed_request = ${len(_CHANGED) + 2} "
    f"from unnest({_PLACES}) as given({', '.join(_CHANGED)}) where assignment.id = given.id"
)
_RESTORE = DB.prepare(
    tables.Assignment.update(
        {
            tables.Assignment.withdrawn_at: None,
            tables.Assignment.withdrawn_by: None,
            tables.Assignment.stopped_at: None,
            tables.Assignment.stopped_by: None,
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
    .returning(*ASSIGNMENT_COLUMNS),
    Assignment,
)
_OUT = DB.prepare(
    tables.Assignment.select(tables.Assignment.withdrawn_at, tables.Assignment.stopped_by).where(
        tables.Assignment.id == arg(1)
    ),
    _Out,
)
_STOP = DB.prepare(
    tables.Assignment.update({tables.Assignment.stopped_at: arg(2), tables.Assignment.stopped_by: arg(3)}).where(
        tables.Assignment.id == arg(1)
    )
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


class Change(NamedTuple):
    """A curriculum that is locked until the transaction ends, as it was before, and who changes it."""

    row: CurriculumRow
    before: Assignments
    people: tuple[Participant, ...]
    actor: Actor
    editor: Participant
    stamp: Stamp


async def change(
    person: UUID,
    version: int | None,
    actor: Actor,
    standing: Standing,
    rule: Callable[[Assignments, Stamp], Assignments],
) -> Curriculum:
    """The curriculum after the rule. Whoever comes second from the same version gets StaleVersion, and nothing of the
    first is lost; None: from whichever version it has. A rule that changes nothing leaves the version."""
    async with DB.transaction():
        begun = await locked(person, version, actor, standing)
        return await written(begun, rule(begun.before, begun.stamp))


async def assign(
    person: UUID,
    version: int,
    actor: Actor,
    standing: Standing,
    resources: Sequence[ResourceToAssign],
    *,
    state: Literal["later", "next"],
    note: str | None,
) -> CurriculumAfterAssigning:
    """As `change`, with what was assigned and what was skipped."""
    async with DB.transaction():
        begun = await locked(person, version, actor, standing)
        after, assigned, skipped = rules.assign(
            begun.before, resources, begun.stamp, state=state, note=note, new_id=uuid7
        )
        curriculum = await written(begun, after)
    return CurriculumAfterAssigning(**structs.asdict(curriculum), assigned=assigned, skipped=skipped)


async def locked(person: UUID, version: int | None, actor: Actor, standing: Standing) -> Change:
    """Inside a transaction: nobody else changes the curriculum until it ends.

    Raises NotFound, StaleVersion or Conflict when it can't be changed from that version; None: from whichever it has.
    """
    row = await _LOCK.one(person)
    if row is None:
        raise NotFound("This person has no curriculum.")
    if version is not None:
        CURRICULUM.refuse_stale(row, version)
    if row.archived_at is not None:
        raise Conflict("This curriculum is archived; a coordinator can restore it.")
    people = tuple(await people_of(row.id))
    editor = Participant(account_id=actor.account, person_id=actor.person, standing=standing)
    mine = None
    if standing == "self":
        mine = frozenset({actor.account, *(one.account_id for one in people if one.person_id == person)})
    stamp = Stamp(await DB.now(), actor.account, mine)
    return Change(row, await assignments_of(row.id), people, actor, editor, stamp)


async def written(begun: Change, after: Assignments, *, otherwise: bool = False) -> Curriculum:
    """Writes what differs, and the new version. `otherwise`: something else than its assignments was changed."""
    if after == begun.before and not otherwise:
        return await as_shown(begun.row, after, begun.people)
    who = (begun.stamp.by, request_id())
    await _write(begun, after, who)
    people = await joined(begun.row.id, begun.people, begun.editor)
    row = await _TOUCH.one(begun.row.id, *who)
    assert row is not None
    await _keep_history(begun, after, row.version)
    for what, one in rules.happened(begun.before, after):
        subject = AtVersion(one.id, row.version)
        ids = assignment_ids(row.person_id, one)
        await OUTBOX.publish(f"curriculum.assignment.{what}", subject, by=begun.actor, ids=ids)
    CHANGES.tell(row.person_id, version=row.version, by=begun.stamp.by)
    return await as_shown(row, after, people)


def assignment_ids(person: UUID, one: Assignment) -> AssignmentIds:
    return AssignmentIds(person, one.resource_id, one.topic_id, one.path_id)


async def _keep_history(begun: Change, after: Assignments, version: int) -> None:
    """What became of each assignment. That others moved up or down by it is no news of theirs."""
    if DB.history is None:
        return
    now = {one.id: one for one in after}
    names = [name for name in _CHANGED if name not in {"id", "position"}]
    for was in begun.before:
        becomes = now.get(was.id)
        if becomes is None:
            changes: dict[str, tuple[Any, Any]] = {"withdrawn_at": (None, begun.stamp.at)}
        else:
            pairs = ((name, getattr(was, name), getattr(becomes, name)) for name in names)
            changes = {name: (old, new) for name, old, new in pairs if old != new}
        if changes:
            await DB.history.record("assignment", was.id, version, changes, {}, account=begun.stamp.by)


async def restore_assignment(person: UUID, version: int, actor: Actor, standing: Standing, id: UUID) -> Curriculum:
    """The curriculum with an assignment that was taken out. Raises NotFound when none of that id was."""
    async with DB.transaction():
        begun = await locked(person, version, actor, standing)
        out = await _OUT.one(id)
        try:
            withdrawn = await _RESTORE.one(begun.row.id, id, actor.account, request_id())
        except asyncpg.UniqueViolationError:
            raise Conflict("This resource has been assigned again since.") from None
        if withdrawn is None:
            raise NotFound(f"No assignment {id} was taken out of this curriculum.")
        if DB.history is not None:
            changes = {"withdrawn_at": (out and out.withdrawn_at, None)}
            await DB.history.record("assignment", id, version + 1, changes, {}, account=begun.stamp.by)
        former = structs.replace(rules.settled(withdrawn), stopped_by=out and out.stopped_by)
        after = rules.restore(begun.before, former, begun.stamp)
        return await written(begun._replace(before=(*begun.before, withdrawn)), after, otherwise=True)


async def stop(person: UUID, version: int, actor: Actor, standing: Standing, id: UUID) -> Curriculum:
    """The curriculum without what isn't for the member. The row stays as a record, with that outcome."""
    async with DB.transaction():
        begun = await locked(person, version, actor, standing)
        stopped = rules.find(begun.before, id)
        curriculum = await written(begun, rules.stop(begun.before, id))
        await _STOP.execute(id, begun.stamp.at, actor.account)
        await OUTBOX.publish(
            "curriculum.assignment.stopped",
            AtVersion(id, curriculum.version),
            by=actor,
            ids=assignment_ids(person, stopped),
        )
        return curriculum


async def _write(begun: Change, after: Assignments, who: tuple[UUID, str | None]) -> None:
    new, changed, gone = rules.differing(begun.before, after)
    if gone:
        await _WITHDRAW.execute(gone, *who)
    if changed:
        await _CHANGE.execute(*_columns(changed, tuple(_CHANGED)), *who)
    if new:
        fields = ("id", "resource_id", "topic_id", "path_id", "state", "position", "note")
        names = ("resource_name", "topic_name", "path_name")
        skills = [msgspec.json.encode(one.skills).decode() for one in new]
        await _ADD.execute(begun.row.id, *_columns(new, (*fields, *names)), skills, begun.stamp.at, *who)


def _columns(assignments: list[Assignment], fields: tuple[str, ...]) -> list[list[Any]]:
    return [[getattr(one, field) for one in assignments] for field in fields]
