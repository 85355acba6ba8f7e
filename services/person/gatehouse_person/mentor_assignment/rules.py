"""Who can mentor whom."""

from gatehouse_chassis.base.problems import Conflict, Invalid
from gatehouse_person.enumerators import PersonStatus
from gatehouse_person.mentor_assignment.structs import NewMentorAssignment
from gatehouse_person.person.structs import PersonRecord

MENTORED: frozenset[PersonStatus] = frozenset({"onboarding", "matching", "active", "hold"})


def refuse_assignment(new: NewMentorAssignment, mentor: PersonRecord | None, member: PersonRecord | None) -> None:
    """Raises Invalid where one of the two isn't known, Conflict where they are, but this can't be."""
    unknown = {
        field: "there is no such person"
        for field, person in (("mentor_id", mentor), ("member_id", member))
        if person is None
    }
    if unknown:
        raise Invalid(unknown)
    if new.mentor_id == new.member_id:
        raise Invalid({"member_id": "no one mentors himself; give another person"})
    assert mentor is not None
    assert member is not None
    if mentor.status != "active":
        raise Conflict(f"A mentor must be active; this one is {mentor.status}.")
    if member.status not in MENTORED:
        raise Conflict(f"Only people who are {', '.join(sorted(MENTORED))} have mentors; this one is {member.status}.")
