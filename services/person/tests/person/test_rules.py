"""What callers see and change of people, and which statuses follow which: as tables."""

from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import get_args
from uuid import UUID

import pytest

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, Forbidden
from gatehouse_person.enumerators import PersonStatus
from gatehouse_person.person import rules
from gatehouse_person.person.structs import PRIVATE, Person, PersonRecord
from gatehouse_person.relationships import RelationshipFacts

ME, THEM = UUID(int=1), UUID(int=2)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
FORTNIGHT = timedelta(days=14)


def actor(*roles: str, person: UUID | None = ME) -> Actor:
    return Actor(account=UUID(int=9), person=person, roles=frozenset(roles))


def facts(person: UUID) -> RelationshipFacts:
    return RelationshipFacts(id=person, mentor_id=None, mentors_somebody=False, mentors_caller=False)


def record(status: PersonStatus, *, since: datetime = NOW, intro: datetime | None = None):
    return PersonRecord(id=THEM, version=1, status=status, status_changed_at=since, intro_scheduled_for=intro)


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
        intro_reminder_at=None,
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
