"""All SQL about who mentors whom."""

from datetime import UTC, datetime
from uuid import UUID

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.lists.filters import present, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_person import tables
from gatehouse_person.events import OUTBOX, MentoringIds
from gatehouse_person.mentor_assignment import rules, structs
from gatehouse_person.person.queries import PERSON, touch
from gatehouse_person.roles import MENTOR, STAFF
from gatehouse_person.tables import DB

ASSIGNMENT = Repository(
    tables.MentorAssignment,
    structs.MentorAssignment,
    unique={"one_open": {"member_id": "this person has a mentor already; end that assignment first"}},
)
ASSIGNMENTS = Listing(
    tables.MentorAssignment,
    structs.MentorAssignment,
    filters={
        "mentor": uuid(tables.MentorAssignment.mentor_id),
        "member": uuid(tables.MentorAssignment.member_id),
        "ended": present(tables.MentorAssignment.ended_at),
    },
    sorts={"started": tables.MentorAssignment.started_at},
    default_sort="-started",
)


def visible_to(actor: Actor) -> tuple:
    """A condition: a member sees all of their own assignments, a mentor those that last."""
    if actor.has(*STAFF):
        return ("true",)
    if actor.person is None:
        return ("false",)
    if not actor.has(MENTOR):
        return ("member_id = {}", actor.person)
    return ("(member_id = {} or (mentor_id = {} and ended_at is null))", actor.person, actor.person)


async def assign(new: structs.NewMentorAssignment, by: Actor) -> structs.MentorAssignment:
    """Begins an assignment; a member has one mentor at a time. To be called in a transaction."""
    # Always in the same order, so that two requests about the same people can't wait for each other.
    people = {
        person_id: await PERSON.find(person_id, lock=True) for person_id in sorted({new.mentor_id, new.member_id})
    }
    rules.refuse_assignment(new, people[new.mentor_id], people[new.member_id])
    assignment = await ASSIGNMENT.insert(new, by=by)
    ids = MentoringIds(member_id=new.member_id, mentor_id=new.mentor_id)
    await OUTBOX.publish("person.mentoring.started", assignment, by=by, ids=ids)
    await touch([new.member_id], by)
    return assignment


async def end(assignment_id: UUID, version: int, reason: str | None, by: Actor) -> structs.MentorAssignment:
    async with DB.transaction():
        assignment = await ASSIGNMENT.get(assignment_id, lock=True, version=version)
        if assignment.ended_at is not None:
            raise Conflict("This assignment has ended already.")
        change = {"ended_at": datetime.now(UTC), "end_reason": reason}
        ended = await ASSIGNMENT.change(assignment_id, version, change, by=by)
        ids = MentoringIds(member_id=ended.member_id, mentor_id=ended.mentor_id)
        await OUTBOX.publish("person.mentoring.ended", ended, by=by, ids=ids)
        await touch([ended.member_id], by)
        return ended
