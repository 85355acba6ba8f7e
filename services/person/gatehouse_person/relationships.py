"""How a caller relates to a person, which decides what the caller sees of them and changes.

`closest_relationship` is the rule, and `facts_for` reads the facts that it needs. person/queries.py has the same rule
as SQL for lists; a test compares the two.
"""

# ruff: noqa: S608 - names of columns come from the code; what callers send goes as parameters

from typing import Literal
from uuid import UUID

import msgspec

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_person.roles import MENTOR, STAFF
from gatehouse_person.tables import DB

Relationship = Literal["self", "mentor", "staff", "member", "peer"]

# Beside each person, the assignment of the mentor they have now.
MENTORING = (
    'left join person.mentor_assignment mentoring on mentoring.member_id = "person"."id" and mentoring.ended_at is null'
)
MENTORS = 'select from person.mentor_assignment open where open.mentor_id = "person"."id" and open.ended_at is null'


class RelationshipFacts(msgspec.Struct, frozen=True):
    """What decides how a caller relates to a person."""

    id: UUID
    mentor_id: UUID | None
    mentors_somebody: bool
    mentors_caller: bool


# By hand: Piccolo has no `exists` of a row, and knows no foreign key between these tables.
_facts = DB.prepare_sql(
    f"""
    select person.id, mentoring.mentor_id,
        exists ({MENTORS}) as mentors_somebody,
        exists ({MENTORS} and open.member_id = $2) as mentors_caller
    from person.person {MENTORING}
    where person.id = $1
    """,
    RelationshipFacts,
)


def closest_relationship(actor: Actor, person: RelationshipFacts) -> Relationship | None:
    """The closest relationship the caller has to the person; None: the caller doesn't see them."""
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


async def facts_for(actor: Actor, person_id: UUID) -> tuple[RelationshipFacts, Relationship]:
    """The facts and the relationship that follows from them. NotFound when the caller doesn't see the person."""
    facts = await _facts.one(person_id, actor.person)
    relationship = None if facts is None else closest_relationship(actor, facts)
    if facts is None or relationship is None:
        raise NotFound(f"There is no person {person_id}.")
    return facts, relationship
