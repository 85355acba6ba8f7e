"""Consents are between the person and the institute."""

from uuid import UUID

import pytest

from gatehouse_chassis import Actor
from gatehouse_person.consent import rules
from gatehouse_person.relationships import RelationshipFacts

ME, THEM = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("role", "person", "sees"),
    [("member", ME, True), ("staff", THEM, True), ("coordinator", THEM, True), ("mentor", THEM, False)],
)
def test_consents_are_seen_by_the_person_and_the_staff_only(role: str, person: UUID, sees: bool):
    caller = Actor(account=UUID(int=9), person=ME, roles=frozenset({role}))
    facts = RelationshipFacts(id=person, mentor_id=ME, mentors_somebody=False, mentors_caller=False)
    assert rules.sees_consents(caller, facts) is sees
