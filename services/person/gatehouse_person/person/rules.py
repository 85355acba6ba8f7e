"""Who sees and changes what of a person, and which statuses follow which. Functions of values: no database, no HTTP.

`RelationshipFacts` are read by queries.py, which also holds the same visibility as SQL for lists; a test
compares the two.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, Forbidden, Invalid
from gatehouse_person.structs import (
    PRIVATE,
    NewMentorAssignment,
    Person,
    PersonRecord,
    PersonStatus,
    Relationship,
    RelationshipFacts,
)

STAFF = ("coordinator", "staff")
MENTOR = "mentor"

# From -> to. Anyone may be archived, and whoever is can only come back as inactive.
TRANSITIONS: dict[PersonStatus, frozenset[PersonStatus]] = {
    "pending": frozenset({"onboarding", "inactive", "timed_out", "archived"}),
    "onboarding": frozenset({"matching", "hold", "inactive", "timed_out", "archived"}),
    "matching": frozenset({"active", "hold", "inactive", "archived"}),
    "active": frozenset({"hold", "inactive", "archived"}),
    "hold": frozenset({"matching", "active", "inactive", "archived"}),
    "inactive": frozenset({"onboarding", "archived"}),
    "timed_out": frozenset({"pending", "onboarding", "inactive", "archived"}),
    "archived": frozenset({"inactive"}),
}
MENTORED: frozenset[PersonStatus] = frozenset({"onboarding", "matching", "active", "hold"})

# A filter by one of these would tell what the public part doesn't show.
PRIVATE_FILTERS = frozenset({"status", "mentor"})
OWN_FIELDS = frozenset({"preferred_name", "phone", "location", "time_zone"})


def relationship(actor: Actor, person: RelationshipFacts) -> Relationship | None:
    """How the caller relates to the person, the closest first; None: doesn't see them."""
    if actor.is_person(person.id):
        return "self"
    if actor.has(MENTOR) and actor.is_person(person.mentor_id):
        return "mentor"
    if actor.has(*STAFF):
        return "staff"
    if person.mentors_caller:
        return "member"
    if actor.has(MENTOR) and person.mentors_somebody:
        return "peer"
    return None


def shown_to(actor: Actor, person: Person) -> Person:
    """What of a person, whom the caller sees at least in part, they get."""
    own = actor.is_person(person.id) or (actor.has(MENTOR) and actor.is_person(person.mentor_id))
    if own or actor.has(*STAFF):
        return person
    return msgspec.structs.replace(person, view="public", **dict.fromkeys(PRIVATE))


def sees_consents(actor: Actor, person: RelationshipFacts) -> bool:
    """Consents are between the person and the institute: mentors don't see them."""
    return actor.is_person(person.id) or actor.has(*STAFF)


def changes_profile(actor: Actor, person: RelationshipFacts) -> bool:
    return actor.is_person(person.id) or actor.has(*STAFF)


def refuse_change(actor: Actor, person: RelationshipFacts, fields: Iterable[str]) -> None:
    """Raises Forbidden where the caller, who sees the person, may not change one of the fields."""
    if actor.has(*STAFF):
        return
    if not actor.is_person(person.id):
        raise Forbidden("Only the person and the staff change this. Ask a coordinator.")
    others = sorted(set(fields) - OWN_FIELDS)
    if others:
        errors = dict.fromkeys(others, "ask a coordinator to change this")
        raise Forbidden(f"Of yourself you may change {', '.join(sorted(OWN_FIELDS))}.", errors=errors)


def refuse_transition(person: PersonRecord, target: PersonStatus, now: datetime, intro_timeout: timedelta) -> None:
    """Raises Conflict where the person can't get this status (now)."""
    if target == person.status:
        raise Conflict(f"The status is {target} already.")
    allowed = TRANSITIONS[person.status]
    if target not in allowed:
        raise Conflict(f"{person.status} can't become {target}; it can become {', '.join(sorted(allowed))}.")
    if target != "timed_out":
        return
    if person.intro_scheduled_for is not None:
        raise Conflict("An introduction is scheduled, so this person hasn't timed out.")
    due = person.status_changed_at + intro_timeout
    if now < due:
        raise Conflict(f"This person has until {due:%Y-%m-%d %H:%M} UTC to schedule an introduction.")


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
