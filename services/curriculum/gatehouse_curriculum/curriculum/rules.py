"""How a curriculum may change: functions from its assignments to its assignments. No HTTP, no SQL, no clock.

A curriculum is a tuple of assignments, each in one state; in each state they are numbered from 1 without gaps. Every
rule keeps that, and changes nothing but what its command names and the numbers.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, get_args
from uuid import UUID

from msgspec.structs import replace

from gatehouse_chassis.base.problems import Conflict, Forbidden, NotFound
from gatehouse_curriculum.curriculum.structs import Assignment, Proposal
from gatehouse_curriculum.enumerators import AssignmentState

Assignments = tuple[Assignment, ...]

STATES: tuple[AssignmentState, ...] = get_args(AssignmentState)
# All of topics' content is 725 resources; a curriculum is read and locked as a whole.
MOST = 1_000


class Stamp(NamedTuple):
    """When a command is carried out, and on whose account."""

    at: datetime
    by: UUID


def assign(
    assignments: Assignments,
    proposals: Iterable[Proposal],
    stamp: Stamp,
    *,
    state: Literal["later", "next"],
    note: str | None,
    new_id: Callable[[], UUID],
) -> tuple[Assignments, list[UUID], list[UUID]]:
    """Adds at the end of the state, each resource once. Also the new assignments' ids, and the resources skipped."""
    there = {one.resource_id for one in assignments}
    position = sum(one.state == state for one in assignments)
    added: list[Assignment] = []
    skipped: list[UUID] = []
    for proposal in proposals:
        if proposal.resource_id in there:
            skipped.append(proposal.resource_id)
            continue
        there.add(proposal.resource_id)
        added.append(
            Assignment(
                id=new_id(),
                resource_id=proposal.resource_id,
                topic_id=proposal.topic_id,
                path_id=proposal.path_id,
                state=state,
                position=position + len(added) + 1,
                note=note,
                assigned_at=stamp.at,
                assigned_by=stamp.by,
            )
        )
    if len(assignments) + len(added) > MOST:
        raise Conflict(f"A curriculum holds {MOST:,} resources; this would make {len(assignments) + len(added):,}.")
    return (*assignments, *added), [one.id for one in added], list(dict.fromkeys(skipped))


def start(assignments: Assignments, id: UUID, stamp: Stamp) -> Assignments:
    """later, next -> now. What was begun before keeps its first start."""
    one = _find(assignments, id)
    if one.state not in ("later", "next"):
        raise Conflict(f"Only what is later or next can be started; this is {one.state}.")
    if one.started_at is None:
        one = replace(one, started_at=stamp.at, started_by=stamp.by)
    return _placed(assignments, one, "now")


def complete(assignments: Assignments, id: UUID, stamp: Stamp) -> Assignments:
    """Anything -> completed. What was learned in one go was never started, and has no such time."""
    one = _find(assignments, id)
    if one.state == "completed":
        raise Conflict("This is completed already.")
    return _placed(assignments, replace(one, completed_at=stamp.at, completed_by=stamp.by), "completed")


def reopen(assignments: Assignments, id: UUID, stamp: Stamp) -> Assignments:
    """completed -> now."""
    one = _find(assignments, id)
    if one.state != "completed":
        raise Conflict(f"Only what is completed can be reopened; this is {one.state}.")
    if one.started_at is None:
        one = replace(one, started_at=stamp.at, started_by=stamp.by)
    return _placed(assignments, replace(one, completed_at=None, completed_by=None), "now")


def move(
    assignments: Assignments,
    id: UUID,
    *,
    state: Literal["later", "next", "now"],
    position: int | None,
    started_only: bool = False,
) -> Assignments:
    """To a place in later or next, or among what is learned now; at the end without a position or past the end.

    With `started_only`, as for members, it only puts back what is learned now. Raises Forbidden for anything else.
    """
    one = _find(assignments, id)
    if started_only and one.state != "now":
        raise Forbidden("Your mentor decides what comes next. You can put back what you have started.")
    if one.state == "completed":
        raise Conflict("This is completed; reopen it first.")
    if state == "now" and one.state != "now":
        raise Conflict("To learn it now, start it: that has a time of its own.")
    return _placed(assignments, one, state, position)


def unassign(assignments: Assignments, *ids: UUID) -> Assignments:
    """Without these; all of them or, when one can't go, none."""
    for id in ids:
        one = _find(assignments, id)
        if one.state == "completed":
            raise Conflict("What is completed stays, as a record; reopen it first if it was a mistake.")
        assignments = tuple(_numbered([other for other in assignments if other.id != id], one.state))
    return assignments


def restore(assignments: Assignments, withdrawn: Assignment) -> Assignments:
    """With an assignment that was taken out, at its former place. Raises Conflict when its resource is there again."""
    if any(one.resource_id == withdrawn.resource_id for one in assignments):
        raise Conflict("This resource has been assigned again since.")
    return _placed(assignments, withdrawn, withdrawn.state, withdrawn.position)


def by_state(assignments: Iterable[Assignment]) -> dict[AssignmentState, list[Assignment]]:
    """As they are shown: completed from the last, the others by position."""
    found: dict[AssignmentState, list[Assignment]] = {state: [] for state in STATES}
    for one in sorted(assignments, key=lambda one: one.position):
        found[one.state].append(one)
    found["completed"].reverse()
    return found


def differing(before: Assignments, after: Assignments) -> tuple[list[Assignment], list[Assignment], list[UUID]]:
    """What to write: assignments that are new, those that changed, and the ids of those that are gone."""
    known = {one.id: one for one in before}
    kept = {one.id for one in after}
    new = [one for one in after if one.id not in known]
    changed = [one for one in after if one.id in known and one != known[one.id]]
    return new, changed, [id for id in known if id not in kept]


def _find(assignments: Collection[Assignment], id: UUID) -> Assignment:
    for one in assignments:
        if one.id == id:
            return one
    raise NotFound(f"There is no assignment {id} in this curriculum.")


def _placed(
    assignments: Assignments, one: Assignment, state: AssignmentState, position: int | None = None
) -> Assignments:
    """With `one` in that state and place; both the state it leaves and the one it enters are numbered anew."""
    others = [other for other in assignments if other.id != one.id]
    line = sorted((other for other in others if other.state == state), key=lambda other: other.position)
    place = len(line) if position is None else position - 1
    line.insert(place, replace(one, state=state))
    rest = [other for other in others if other.state != state]
    return (*_numbered(rest, one.state), *(replace(each, position=n) for n, each in enumerate(line, 1)))


def _numbered(assignments: Sequence[Assignment], state: AssignmentState) -> list[Assignment]:
    """Closes the gap that something left in a state."""
    line = sorted((one for one in assignments if one.state == state), key=lambda one: one.position)
    rest = [one for one in assignments if one.state != state]
    return [*rest, *(replace(one, position=number) for number, one in enumerate(line, 1))]
