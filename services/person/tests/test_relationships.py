"""Who relates to whom, and how: as a table."""

from uuid import UUID

import pytest

from gatehouse_chassis import Actor
from gatehouse_person.relationships import RelationshipFacts, closest_relationship

ME, THEM, SOMEBODY = (UUID(int=number) for number in (1, 2, 3))


def actor(*roles: str, person: UUID | None = ME) -> Actor:
    return Actor(account=UUID(int=9), person=person, roles=frozenset(roles))


def facts(
    person: UUID = THEM, *, mentor: UUID | None = None, mentors: bool = False, mentors_me: bool = False
) -> RelationshipFacts:
    return RelationshipFacts(
        id=person, mentor_id=mentor, mentors_somebody=mentors or mentors_me, mentors_caller=mentors_me
    )


@pytest.mark.parametrize(
    ("roles", "person", "expected"),
    [
        ([], facts(ME), "self"),
        (["member"], facts(ME), "self"),
        (["admin"], facts(ME), "self"),
        (["mentor"], facts(mentor=ME), "mentor"),
        (["mentor", "staff"], facts(mentor=ME), "mentor"),
        (["member"], facts(mentor=ME), None),  # no longer a mentor, though the assignment is still open
        (["mentor"], facts(mentor=SOMEBODY), None),
        (["coordinator"], facts(), "staff"),
        (["staff"], facts(), "staff"),
        (["admin"], facts(), "staff"),
        (["member"], facts(mentors_me=True), "member"),
        (["mentor"], facts(mentors=True), "peer"),
        (["member"], facts(mentors=True), None),
        (["member"], facts(), None),
        (["sre"], facts(), None),
        (["engineer"], facts(mentors=True), None),
        (["tester"], facts(), None),
        (["finance"], facts(), None),
        (["marketing"], facts(), None),
        (["board"], facts(), None),
        (["partner"], facts(), None),
        (["release-manager"], facts(), None),
    ],
)
def test_how_one_relates_to_a_person(roles, person, expected):
    assert closest_relationship(actor(*roles), person) == expected


def test_a_service_without_a_person_relates_to_nobody_unless_it_has_a_role():
    assert closest_relationship(actor(person=None), facts()) is None
    assert closest_relationship(actor("staff", person=None), facts()) == "staff"
