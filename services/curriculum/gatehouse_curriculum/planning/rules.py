"""Committing a now-list for a period, and undoing that. Functions from assignments to assignments.

The list that is committed is the whole of `now` from then on, so that it says what the two agreed on, and nothing
else. What was in `now` and isn't in the list goes back to the head of `next`: it was to be learned before all that is
there, it keeps its start, and nobody has to remember it. What is in the list and was in `now` is carried over; its
plan is the new one, and the earlier periods say how often that happened.
"""

from collections.abc import Sequence
from uuid import UUID

from msgspec.structs import asdict, replace

from gatehouse_chassis.base.problems import Conflict, Invalid
from gatehouse_curriculum.curriculum.rules import Assignments, Stamp, entering, find, numbered
from gatehouse_curriculum.curriculum.structs import Assignment
from gatehouse_curriculum.planning.structs import Before


def commit(assignments: Assignments, ids: Sequence[UUID], stamp: Stamp) -> Assignments:
    """`ids` become `now`, in their order. Raises Conflict for what is completed, Invalid for what is named twice."""
    if len(set(ids)) < len(ids):
        raise Invalid({"assignment_ids": "names an assignment twice"})
    listed = [find(assignments, id) for id in ids]
    if any(one.state == "completed" for one in listed):
        raise Conflict("Something in the list is completed; leave it out, or reopen it first.")
    chosen = set(ids)
    left = sorted((one for one in assignments if one.id not in chosen), key=lambda one: one.position)
    back = [entering(one, "next", stamp) for one in left if one.state == "now"]
    others = [one for one in left if one.state not in ("now", "next")]
    following = [*back, *(one for one in left if one.state == "next")]
    return (
        *numbered(others, "later"),
        *(_at(one, place) for place, one in enumerate(following, 1)),
        *(_at(_committed(one, stamp), place) for place, one in enumerate(listed, 1)),
    )


def before(assignments: Assignments, after: Assignments) -> list[Before]:
    """Of what a commitment changed, how it was."""
    known = {one.id: one for one in after}
    return [
        Before(**{name: getattr(one, name) for name in Before.__struct_fields__})
        for one in assignments
        if known[one.id] != one
    ]


def undone(assignments: Assignments, former: Sequence[Before]) -> Assignments:
    """As it was before the commitment. Nothing may have changed since."""
    known = {one.id: one for one in former}
    return tuple(replace(one, **asdict(known[one.id])) if one.id in known else one for one in assignments)


def _committed(one: Assignment, stamp: Stamp) -> Assignment:
    planned = replace(one, planned_at=stamp.at, planned_by=stamp.by)
    if one.state == "now":
        # The list is the answer to whatever was proposed for it.
        return replace(planned, proposed_change=None, proposed_at=None, proposed_by=None)
    return entering(planned, "now", stamp)


def _at(one: Assignment, position: int) -> Assignment:
    return replace(one, position=position)
