"""All SQL about uses.

The first use of an assignment starts it, so it is written under the curriculum's lock, as every change. Those after it
change no version: an open page isn't told of them, and nobody's edit is refused for them.
"""

from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_curriculum.curriculum import rules
from gatehouse_curriculum.curriculum.commands import locked, written
from gatehouse_curriculum.enumerators import Standing
from gatehouse_curriculum.events import OUTBOX, AssignmentIds, AtVersion
from gatehouse_curriculum.forecast.model import LONGEST_USE
from gatehouse_curriculum.tables import DB
from gatehouse_curriculum.use.structs import AssignmentInUse, AssignmentTarget, NewUse, RecordedUse, UseEnd

# By hand: a join, of tables whose references are no foreign keys; and whether that click is recorded already.
_FIND = DB.prepare_sql(
    "select a.id, a.curriculum_id, c.version, c.archived_at, a.resource_id, a.topic_id, a.path_id, a.state, "
    "a.assigned_at, a.started_at, a.withdrawn_at, exists (select from use where use.id = $3) as is_recorded "
    "from assignment a join curriculum c on c.id = a.curriculum_id where c.person_id = $1 and a.id = $2",
    AssignmentInUse,
)
# By hand: an insert and what follows from it in one statement; a use that is there already counts no second time.
_RECORD = DB.prepare_sql(
    "with added as (insert into use (id, curriculum_id, assignment_id, used_at) values ($1, $2, $3, $4) "
    "on conflict (id) do nothing returning assignment_id, used_at) "
    "update assignment set use_count = use_count + 1, last_used_at = greatest(last_used_at, added.used_at) "
    "from added where assignment.id = added.assignment_id returning assignment.id"
)

# By hand: the end of a use, and what it adds to the assignment's time; one that is left open counts for no more.
_END = DB.prepare_sql(
    "with ended as (update use set ended_at = greatest(least($4, now()), used_at) "
    "where id = $3 and assignment_id = $2 and curriculum_id = $1 and ended_at is null returning used_at, ended_at) "
    "update assignment set studied_seconds = studied_seconds + "
    "least(extract(epoch from ended.ended_at - ended.used_at), $5)::integer "
    "from ended where assignment.id = $2 returning assignment.id"
)


async def target(person: UUID, assignment: UUID) -> AssignmentTarget:
    """Also of what has been taken out: it counts for nothing. Raises NotFound where the plan never had it."""
    found = await _find(person, assignment, None)
    return AssignmentTarget(assignment_id=found.id, resource_id=found.resource_id)


async def record(person: UUID, assignment: UUID, actor: Actor, standing: Standing, new: NewUse) -> RecordedUse:
    """One click. What is completed or archived is used without being started.

    A click that is sent again changes nothing: what it started may have been taken back since.
    """
    id = new.id or uuid7()
    async with DB.transaction():
        found = await _find(person, assignment, id)
        if found.is_recorded:
            return _answer(found, recorded=False, started=False)
        if found.withdrawn_at is not None:
            raise Conflict("This was taken out of the plan, so nothing was started.")
        at = await _moment(found, new)
        started, version = False, found.version
        if found.started_at is None and found.state != "completed" and found.archived_at is None:
            begun = await locked(person, None, actor, standing)
            after = rules.begin(begun.before, assignment, at, actor.account)
            # Of many first clicks at once one gets the lock first; the others find it started.
            started = after != begun.before
            version = (await written(begun, after)).version
        recorded = await _RECORD.value(id, found.curriculum_id, assignment, at) is not None
        if recorded:
            ids = AssignmentIds(person, found.resource_id, found.topic_id, found.path_id)
            subject = AtVersion(assignment, version)
            await OUTBOX.publish("curriculum.assignment.used", subject, by=actor, ids=ids)
    return _answer(found, recorded=recorded, started=started)


async def end(person: UUID, assignment: UUID, use: UUID, new: UseEnd) -> None:
    """The member is back. Raises NotFound where there is no such use; one that has ended stays as it was."""
    found = await _find(person, assignment, use)
    if not found.is_recorded:
        raise NotFound(f"There is no use {use} of this assignment.")
    await _END.value(found.curriculum_id, assignment, use, new.ended_at or await DB.now(), LONGEST_USE)


def _answer(found: AssignmentInUse, *, recorded: bool, started: bool) -> RecordedUse:
    return RecordedUse(assignment_id=found.id, resource_id=found.resource_id, recorded=recorded, started=started)


async def _find(person: UUID, assignment: UUID, use: UUID | None) -> AssignmentInUse:
    found = await _FIND.one(person, assignment, use)
    if found is None:
        raise NotFound(f"There is no assignment {assignment} in this curriculum.")
    return found


async def _moment(found: AssignmentInUse, new: NewUse) -> datetime:
    now = await DB.now()
    return now if new.used_at is None else min(max(new.used_at, found.assigned_at), now)
