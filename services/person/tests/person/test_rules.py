"""Who relates to whom and how, what they see and change, and which statuses follow which: as tables."""

from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import get_args
from uuid import UUID

import pytest

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, Forbidden, Invalid
from gatehouse_person import rules
from gatehouse_person.structs import PRIVATE, NewMentorAssignment, Person, PersonRecord, PersonStatus, RelationshipFacts

ME, THEM, SOMEBODY = (UUID(int=number) for number in (1, 2, 3))
NOW = datetime(2026, 3, 1, tzinfo=UTC)
FORTNIGHT = timedelta(days=14)


def actor(*roles: str, person: UUID | None = ME) -> Actor:
    return Actor(account=UUID(int=9), person=person, roles=frozenset(roles))


def facts(
    person: UUID = THEM, *, mentor: UUID | None = None, mentors: bool = False, mentors_me: bool = False
) -> RelationshipFacts:
    return RelationshipFacts(
        id=person, mentor_id=mentor, mentors_somebody=mentors or mentors_me, mentors_caller=mentors_me
    )


def record(status: PersonStatus, *, since: datetime = NOW, intro: datetime | None = None, id: UUID = THEM):
    return PersonRecord(id=id, version=1, status=status, status_changed_at=since, intro_scheduled_for=intro)


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
    assert rules.relationship(actor(*roles), person) == expected


def test_a_service_without_a_person_relates_to_nobody_unless_it_has_a_role():
    assert rules.relationship(actor(person=None), facts()) is None
    assert rules.relationship(actor("staff", person=None), facts()) == "staff"


@pytest.mark.parametrize(
    ("relationship", "in_full"),
    [("self", True), ("mentor", True), ("staff", True), ("member", False), ("peer", False)],
)
def test_how_much_a_relationship_shows(relationship, in_full):
    roles = {"mentor": ["mentor"], "staff": ["staff"], "peer": ["mentor"]}.get(relationship, ["member"])
    person = a_person(ME if relationship == "self" else THEM, mentor=ME if relationship == "mentor" else None)
    shown = rules.shown_to(actor(*roles), person)
    assert shown.view == ("full" if in_full else "public")
    assert {name for name in PRIVATE if getattr(shown, name) is not None} == (
        {name for name in PRIVATE if getattr(person, name) is not None} if in_full else set()
    )


def a_person(id: UUID, mentor: UUID | None) -> Person:
    return Person(
        id=id,
        version=1,
        view="full",
        name="Mara Lindgren",
        preferred_name="Mara",
        mastery="master",
        specialty="api",
        time_zone="Europe/Oslo",
        joined_on=date(2022, 8, 12),
        created_at=NOW,
        email="mara@example.org",
        phone="+4930555",
        location="Oslo",
        status="active",
        status_changed_at=NOW,
        status_reason="because",
        mentor_id=mentor,
        intro_scheduled_for=NOW,
        intro_held_at=NOW,
        archived_at=None,
        created_by=ME,
        changed_at=NOW,
        changed_by=ME,
    )


@pytest.mark.parametrize(
    ("roles", "person", "fields", "allowed"),
    [
        (["member"], ME, ["preferred_name", "phone", "location", "time_zone"], True),
        (["member"], ME, ["name"], False),
        (["member"], ME, ["phone", "mastery"], False),
        (["mentor"], THEM, ["phone"], False),
        (["coordinator"], THEM, ["name", "email", "mastery"], True),
        (["staff"], ME, ["mastery"], True),
        (["admin"], THEM, ["joined_on"], True),
        (["sre", "engineer"], THEM, ["phone"], False),
    ],
)
def test_who_may_change_what(roles, person, fields, allowed):
    if allowed:
        rules.refuse_change(actor(*roles), facts(person), fields)
    else:
        with pytest.raises(Forbidden):
            rules.refuse_change(actor(*roles), facts(person), fields)


def test_consents_are_seen_by_the_person_and_the_staff_only():
    assert rules.sees_consents(actor("member"), facts(ME))
    assert rules.sees_consents(actor("staff"), facts())
    assert not rules.sees_consents(actor("mentor"), facts(mentor=ME))


ALLOWED = {
    ("pending", "onboarding"),
    ("pending", "inactive"),
    ("pending", "timed_out"),
    ("onboarding", "matching"),
    ("onboarding", "hold"),
    ("onboarding", "inactive"),
    ("onboarding", "timed_out"),
    ("matching", "active"),
    ("matching", "hold"),
    ("matching", "inactive"),
    ("active", "hold"),
    ("active", "inactive"),
    ("hold", "matching"),
    ("hold", "active"),
    ("hold", "inactive"),
    ("inactive", "onboarding"),
    ("timed_out", "pending"),
    ("timed_out", "onboarding"),
    ("timed_out", "inactive"),
    ("archived", "inactive"),
    *((status, "archived") for status in get_args(PersonStatus) if status != "archived"),
}


@pytest.mark.parametrize(("before", "after"), list(product(get_args(PersonStatus), repeat=2)))
def test_which_status_follows_which(before, after):
    person = record(before, since=NOW - FORTNIGHT)
    if (before, after) in ALLOWED:
        rules.refuse_transition(person, after, NOW, FORTNIGHT)
    else:
        with pytest.raises(Conflict):
            rules.refuse_transition(person, after, NOW, FORTNIGHT)


def test_nobody_times_out_before_the_time_is_over():
    with pytest.raises(Conflict, match="has until 2026-03-15 00:00 UTC"):
        rules.refuse_transition(record("pending"), "timed_out", NOW + FORTNIGHT - timedelta(seconds=1), FORTNIGHT)


def test_nobody_times_out_who_has_scheduled_an_introduction():
    person = record("pending", since=NOW - timedelta(days=90), intro=NOW + timedelta(days=1))
    with pytest.raises(Conflict, match="is scheduled"):
        rules.refuse_transition(person, "timed_out", NOW, FORTNIGHT)


def test_whom_one_may_assign():
    new = NewMentorAssignment(mentor_id=ME, member_id=THEM)
    active = record("active", id=ME)
    for status in get_args(PersonStatus):
        if status in {"onboarding", "matching", "active", "hold"}:
            rules.refuse_assignment(new, active, record(status))
        else:
            with pytest.raises(Conflict):
                rules.refuse_assignment(new, active, record(status))
    with pytest.raises(Conflict, match="must be active"):
        rules.refuse_assignment(new, record("hold", id=ME), record("matching"))


def test_no_one_mentors_himself_or_somebody_unknown():
    myself = record("active", id=ME)
    with pytest.raises(Invalid, match="no one mentors himself"):
        rules.refuse_assignment(NewMentorAssignment(mentor_id=ME, member_id=ME), myself, myself)
    with pytest.raises(Invalid) as caught:
        rules.refuse_assignment(NewMentorAssignment(mentor_id=ME, member_id=THEM), None, None)
    assert [error.field for error in caught.value.errors] == ["mentor_id", "member_id"]
