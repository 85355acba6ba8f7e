"""How a curriculum may change: functions from its assignments to its assignments. No HTTP, no SQL, no clock.

A curriculum is a tuple of assignments, each in one state; in each state they are numbered from 1 without gaps. Every
rule keeps that, and changes nothing but what its command names and the numbers.

`now` is what is planned for the present period, and says when and by whom; whether somebody has begun with it is
another question, which only `start` answers. Mentors and coordinators plan everything. Members start, complete and
reopen everything, move what they added or planned themselves, take out what they added, and propose the rest.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, get_args
from uuid import UUID

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from gatehouse_chassis.base.problems import Conflict, Forbidden, NotFound
from gatehouse_curriculum.curriculum.structs import Assignment, ResourceToAssign
from gatehouse_curriculum.enumerators import AssignmentState, ProposedChange

Assignments = tuple[Assignment, ...]

STATES: tuple[AssignmentState, ...] = get_args(AssignmentState)
# All of topics' content is 725 resources; a curriculum is read and locked as a whole.
MOST = 1_000


class Stamp(NamedTuple):
    """When a command is carried out, and on whose account.

    `mine`: the member's accounts, where it is the member who does it; None for whoever may plan everything.
    """

    at: datetime
    by: UUID
    mine: frozenset[UUID] | None = None

    def is_mine(self, account: UUID | None) -> bool:
        return self.mine is None or account in self.mine


def assign(
    assignments: Assignments,
    resources: Iterable[ResourceToAssign],
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
    for resource in resources:
        if resource.resource_id in there:
            skipped.append(resource.resource_id)
            continue
        there.add(resource.resource_id)
        added.append(
            Assignment(
                id=new_id(),
                resource_id=resource.resource_id,
                topic_id=resource.topic_id,
                path_id=resource.path_id,
                state=state,
                position=position + len(added) + 1,
                note=note,
                assigned_at=stamp.at,
                assigned_by=stamp.by,
                resource_name=resource.resource_name,
                topic_name=resource.topic_name,
                path_name=resource.path_name,
                skills=resource.skills,
            )
        )
    if len(assignments) + len(added) > MOST:
        raise Conflict(f"A curriculum holds {MOST:,} resources; this would make {len(assignments) + len(added):,}.")
    return (*assignments, *added), [one.id for one in added], list(dict.fromkeys(skipped))


def start(assignments: Assignments, id: UUID, stamp: Stamp) -> Assignments:
    """Says that somebody has begun with it, and when; what isn't planned for now is from then on.

    What was put back and is started again keeps its first start.
    """
    one = find(assignments, id)
    if one.state == "completed":
        raise Conflict("This is completed; reopen it first.")
    if one.state == "now" and one.started_at is not None:
        raise Conflict("This is started already.")
    if one.started_at is None:
        one = replace(one, started_at=stamp.at, started_by=stamp.by)
    if one.state == "now":
        return _replaced(assignments, one)
    return _placed(assignments, one, "now", stamp)


def unstart(assignments: Assignments, id: UUID, stamp: Stamp) -> Assignments:
    """Takes back a start that was a mistake; it stays where it is. Members take back their own."""
    one = find(assignments, id)
    if one.state == "completed":
        raise Conflict("This is completed; reopen it first.")
    if one.started_at is None:
        raise Conflict("This isn't started.")
    if not stamp.is_mine(one.started_by):
        raise Forbidden("Somebody else started it. They, your mentor or a coordinator can take that back.")
    return _replaced(assignments, replace(one, started_at=None, started_by=None))


def begin(assignments: Assignments, id: UUID, at: datetime, by: UUID) -> Assignments:
    """The first start, where there is none yet: the member opened it. It stays where it is, and no later one counts."""
    one = find(assignments, id)
    if one.started_at is not None or one.state == "completed":
        return assignments
    return _replaced(assignments, replace(one, started_at=max(at, one.assigned_at), started_by=by))


def complete(assignments: Assignments, id: UUID, stamp: Stamp) -> Assignments:
    """Anything -> completed. What was learned in one go was never started, and has no such time."""
    one = find(assignments, id)
    if one.state == "completed":
        raise Conflict("This is completed already.")
    # Never before it was begun, whatever the clock of the database says.
    at = stamp.at if one.started_at is None else max(stamp.at, one.started_at)
    return _placed(assignments, replace(one, completed_at=at, completed_by=stamp.by), "completed", stamp)


def state_minutes(assignments: Assignments, id: UUID, minutes: int | None) -> Assignments:
    """About how long it took. Reopening keeps it, so that completing it again restores everything."""
    one = find(assignments, id)
    if one.state != "completed":
        raise Conflict("How long it took is said once it is completed.")
    return _replaced(assignments, replace(one, minutes=minutes))


def stop(assignments: Assignments, id: UUID) -> Assignments:
    """Without what the member found isn't for them, whoever added it: that is an outcome."""
    one = find(assignments, id)
    if one.state == "completed":
        raise Conflict("This is completed; reopen it first.")
    return tuple(numbered([other for other in assignments if other.id != id], one.state))


def reopen(assignments: Assignments, id: UUID, stamp: Stamp) -> Assignments:
    """completed -> now. It has the start that it had; completing something says nothing about when it was begun."""
    one = find(assignments, id)
    if one.state != "completed":
        raise Conflict(f"Only what is completed can be reopened; this is {one.state}.")
    return _placed(assignments, replace(one, completed_at=None, completed_by=None), "now", stamp)


def move(
    assignments: Assignments,
    id: UUID,
    stamp: Stamp,
    *,
    state: Literal["later", "next", "now"],
    position: int | None = None,
    after: UUID | UnsetType | None = UNSET,
) -> Assignments:
    """To a place in later, next or now (which plans it); at the end without a position or past the end.

    `after`: behind that one, or to the head. A place named by its neighbour is what whoever moves it means, whatever
    others moved meanwhile; where the neighbour isn't in that state any more, it is the end.

    Raises Forbidden where a member moves what others added, unless they planned it themselves: they may put that back.
    """
    one = find(assignments, id)
    if not (stamp.is_mine(one.assigned_by) or stamp.is_mine(one.planned_by)):
        raise Forbidden("You move what you added yourself. Propose it, and your mentor decides.")
    if one.state == "completed":
        raise Conflict("This is completed; reopen it first.")
    if after is not UNSET:
        position = _behind(assignments, one, state, after)
    return _placed(assignments, one, state, stamp, position)


def _behind(assignments: Assignments, one: Assignment, state: AssignmentState, after: UUID | None) -> int | None:
    """The position behind another one, among those without the one that moves."""
    if after is None:
        return 1
    line = sorted((other for other in assignments if other.state == state), key=lambda other: other.position)
    ids = [other.id for other in line if other.id != one.id]
    return ids.index(after) + 2 if after in ids else None


def unassign(assignments: Assignments, stamp: Stamp, *ids: UUID) -> Assignments:
    """Without these; all of them or, when one can't go, none. Members take out what they added."""
    for id in ids:
        one = find(assignments, id)
        if not stamp.is_mine(one.assigned_by):
            raise Forbidden("You take out what you added yourself. Propose it, and your mentor decides.")
        if one.state == "completed":
            raise Conflict("What is completed stays, as a record; reopen it first if it was a mistake.")
        assignments = tuple(numbered([other for other in assignments if other.id != id], one.state))
    return assignments


def restore(assignments: Assignments, withdrawn: Assignment, stamp: Stamp) -> Assignments:
    """With an assignment that was taken out or stopped, at its former place.

    Raises Conflict when its resource is there again.
    """
    if not (stamp.is_mine(withdrawn.assigned_by) or stamp.is_mine(withdrawn.stopped_by)):
        raise Forbidden("You bring back what you added yourself.")
    if any(one.resource_id == withdrawn.resource_id for one in assignments):
        raise Conflict("This resource has been assigned again since.")
    withdrawn = replace(withdrawn, stopped_at=None, stopped_by=None)
    return _inserted(assignments, withdrawn, withdrawn.state, withdrawn.position)


def propose(assignments: Assignments, id: UUID, stamp: Stamp, *, change: ProposedChange) -> Assignments:
    """A member's wish for something that others added; a later one replaces an earlier one."""
    one = find(assignments, id)
    if stamp.mine is None or (stamp.is_mine(one.assigned_by) and one.state != "completed"):
        raise Conflict("You can do this yourself; there is nothing to propose.")
    if one.state == "completed":
        raise Conflict("This is completed; reopen it first.")
    if one.state == change:
        raise Conflict(f"This is in {change} already.")
    return _replaced(assignments, replace(one, proposed_change=change, proposed_at=stamp.at, proposed_by=stamp.by))


def accept(assignments: Assignments, id: UUID, stamp: Stamp) -> Assignments:
    """Carries out what the member proposed, on the account of whoever accepts it."""
    one = _proposed(assignments, id)
    if one.proposed_change == "remove":
        return unassign(assignments, stamp, id)
    assert one.proposed_change is not None
    return move(assignments, id, stamp, state=one.proposed_change, position=None)


def decline(assignments: Assignments, id: UUID) -> Assignments:
    """Drops a proposal: a mentor declines it, or the member withdraws it."""
    return _replaced(assignments, _without_proposal(_proposed(assignments, id)))


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


def happened(before: Assignments, after: Assignments) -> list[tuple[str, Assignment]]:
    """What others may want to know, and of which assignment: planned, started, completed or reopened."""
    known = {one.id: one for one in before}
    facts = []
    for one in after:
        former = known.get(one.id)
        state = former and former.state
        started = one.started_at is not None and (former is None or former.started_at is None)
        reopened = state == "completed" != one.state
        saw = {
            "planned": one.state == "now" != state and not reopened,
            "reopened": reopened,
            "started": started,
            "completed": one.state == "completed" != state,
        }
        facts += [(what, one) for what, true in saw.items() if true]
    return facts


def find(assignments: Collection[Assignment], id: UUID) -> Assignment:
    for one in assignments:
        if one.id == id:
            return one
    raise NotFound(f"There is no assignment {id} in this curriculum.")


def settled(one: Assignment) -> Assignment:
    """As today's rules would have left what a task of the release before wrote, which knows no plans and no proposals.

    What it started was planned at that moment, by whoever started it; what it put back isn't planned any more; and what
    it moved or completed has no proposal left that asks for just that, or comes too late.
    """
    if one.state == "now" and one.planned_at is None:
        one = replace(one, planned_at=one.started_at, planned_by=one.started_by)
    if one.state in ("later", "next") and one.planned_at is not None:
        one = replace(one, planned_at=None, planned_by=None)
    if one.proposed_change is not None and one.state in ("completed", one.proposed_change):
        one = _without_proposal(one)
    return one


def entering(one: Assignment, state: AssignmentState, stamp: Stamp) -> Assignment:
    """In another state: what goes to now is planned by that, what goes back isn't planned; no proposal is left."""
    if state == one.state:
        return one
    one = _without_proposal(replace(one, state=state))
    if state == "now" and one.planned_at is None:
        return replace(one, planned_at=stamp.at, planned_by=stamp.by)
    return one if state in ("now", "completed") else replace(one, planned_at=None, planned_by=None)


def numbered(assignments: Sequence[Assignment], state: AssignmentState) -> list[Assignment]:
    """Closes the gap that something left in a state."""
    line = sorted((one for one in assignments if one.state == state), key=lambda one: one.position)
    rest = [one for one in assignments if one.state != state]
    return [*rest, *(replace(one, position=number) for number, one in enumerate(line, 1))]


def _proposed(assignments: Assignments, id: UUID) -> Assignment:
    one = find(assignments, id)
    if one.proposed_change is None:
        raise Conflict("Nothing is proposed for this any more.")
    return one


def _without_proposal(one: Assignment) -> Assignment:
    return replace(one, proposed_change=None, proposed_at=None, proposed_by=None)


def _replaced(assignments: Assignments, one: Assignment) -> Assignments:
    return tuple(one if other.id == one.id else other for other in assignments)


def _placed(
    assignments: Assignments, one: Assignment, state: AssignmentState, stamp: Stamp, position: int | None = None
) -> Assignments:
    """With `one` in that state and place; both the state it leaves and the one it enters are numbered anew."""
    former, one = one.state, entering(one, state, stamp)
    return tuple(numbered(_inserted(assignments, one, state, position), former))


def _inserted(assignments: Assignments, one: Assignment, state: AssignmentState, position: int | None) -> Assignments:
    others = [other for other in assignments if other.id != one.id]
    line = sorted((other for other in others if other.state == state), key=lambda other: other.position)
    line.insert(len(line) if position is None else position - 1, one)
    rest = [other for other in others if other.state != state]
    return (*rest, *(replace(each, position=n) for n, each in enumerate(line, 1)))
