"""Whom a mentor is suggested: never over capacity, never at night, the same each time, with a reason a line."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from gatehouse_intake.availability.structs import Availability, WeeklyWindow
from gatehouse_intake.match import rules
from gatehouse_intake.match.structs import ReasonKind
from gatehouse_intake.mentor.structs import MentorCapacity
from gatehouse_intake.peers import Candidate

NOW = datetime(2026, 10, 23, 9, 7, tzinfo=UTC)  # the week in which Europe's clocks go back
ZONES = ("Europe/Oslo", "America/Denver", "Asia/Kolkata", "Pacific/Auckland", "Africa/Lagos", "Asia/Kathmandu")
NAMES = ("Nguyễn Thị", "O'Neil", "Zoë 🌱", "مريم", "Ana")


def somebody(number: int, **changes: Any) -> Candidate:
    given: dict[str, Any] = {
        "id": UUID(int=number),
        "version": 1,
        "name": NAMES[number % len(NAMES)],
        "status": "matching",
        "status_changed_at": NOW - timedelta(days=number % 40),
        "mastery": "candidate",
        "specialty": "api",
        "time_zone": "Europe/Oslo",
    }
    return Candidate(**(given | changes))


def takes(members_max: int = 2, **changes: Any) -> MentorCapacity:
    given: dict[str, Any] = {
        "id": UUID(int=1),
        "version": 1,
        "person_id": UUID(int=1),
        "members_max": members_max,
        "hours_month": 8,
        "paused_at": None,
        "pause": None,
        "seen_at": None,
        "asked_at": NOW,
        "answered_at": NOW,
        "missed": 0,
        "changed_at": NOW,
    }
    return MentorCapacity(**(given | changes))


def says(person: Candidate, zone: str, windows: list[tuple[int, int, int]], languages: tuple[str, ...] = ()) -> Any:
    return Availability(
        id=person.id,
        version=1,
        person_id=person.id,
        time_zone=zone,
        languages=list(languages),
        windows=[WeeklyWindow(weekday=day, begins=begins * 60, ends=ends * 60) for day, begins, ends in windows],
        changed_at=NOW,
    )


def side(person: Candidate, stated: Any = None) -> rules.Side:
    found = rules.side_of(person, stated)
    assert found is not None
    return found


MENTOR = somebody(1, mastery="master", status="active")


def test_hours_are_never_outside_07_to_22_of_either_and_suggestions_are_the_same_each_time():
    chance = random.Random(20261023)
    seen = 0
    for round in range(40):
        people = [somebody(number, time_zone=chance.choice(ZONES)) for number in range(2, 10)]
        stated = {
            one.id: says(
                one,
                chance.choice(ZONES),
                [(day, begins := chance.randrange(0, 23), chance.randrange(begins + 1, 25)) for day in range(7)],
            )
            for one in [MENTOR, *people]
            if chance.random() < 0.8
        }
        mentor = side(MENTOR, stated.get(MENTOR.id))
        found = rules.suggestions(mentor, takes(), round % 3, people, stated, NOW)
        assert found == rules.suggestions(mentor, takes(), round % 3, list(reversed(people)), stated, NOW)
        assert not found or round % 3 < 2, "never over capacity"
        assert len(found) <= rules.MOST_SHOWN
        for one in found:
            member = next(person for person in people if person.id == one.member_id)
            assert [reason.kind for reason in one.reasons] == list(get_args(ReasonKind))
            assert all(reason.text for reason in one.reasons)
            for each in (mentor, side(member, stated.get(member.id))):
                for begins in one.times:
                    ends = begins + timedelta(minutes=30)
                    walls = [moment.astimezone(each.zone) for moment in (begins, ends)]
                    assert walls[0].hour * 60 + walls[0].minute >= 7 * 60, (each, walls)
                    assert walls[1].hour * 60 + walls[1].minute <= 22 * 60, (each, walls)
                    assert walls[0].date() == walls[1].date()
                    assert begins >= NOW + rules.NOTICE
                    assert begins.minute % 15 == 0
                    seen += 1
    assert seen > 100


@pytest.mark.parametrize(
    ("changes", "members", "words"),
    [
        ({"paused_at": NOW, "pause": "asked"}, 0, "pause"),
        ({"paused_at": NOW, "pause": "silent"}, 0, "didn’t answer"),
        ({"members_max": 0}, 0, "0 of the 0"),
        ({}, 2, "2 of the 2"),
        ({}, 1, None),
    ],
)
def test_who_takes_nobody_says_why(changes, members, words):
    said = rules.refusal_of(side(MENTOR), takes(**changes), members)
    assert (said is None) == (words is None)
    assert words is None or words in (said or "")


def test_the_best_fit_comes_first_and_who_shares_no_hour_or_language_never():
    evening, morning = [(day, 18, 20) for day in range(5)], [(day, 8, 10) for day in range(5)]
    people = {
        "same": somebody(2),
        "other": somebody(3, specialty="ui"),
        "open": somebody(4, specialty="generalist"),
        "morning": somebody(5),
        "spanish": somebody(6),
        "nowhere": somebody(7, time_zone=None),
        "ahead": somebody(8, mastery="distinguished"),
    }
    stated = {
        MENTOR.id: says(MENTOR, "Europe/Oslo", evening, ("en",)),
        people["morning"].id: says(people["morning"], "Europe/Oslo", morning),
        people["spanish"].id: says(people["spanish"], "Europe/Oslo", evening, ("es",)),
    }
    mentor = side(MENTOR, stated[MENTOR.id])
    found = rules.suggestions(mentor, takes(), 0, people.values(), stated, NOW)
    assert [one.member_id for one in found] == [people[name].id for name in ("same", "ahead", "open")]
    first = {reason.kind: reason.text for reason in found[0].reasons}
    assert first["specialty"] == "Both: APIs"
    assert first["level"].startswith("4 levels ahead")
    assert first["hours"].startswith("10 hours a week suit both, as far as we know: the member")
    assert first["capacity"] == "Room for 2 more, with 8 hours a month"
    hour = {MENTOR.id: says(MENTOR, "Europe/Oslo", [(0, 18, 19)], ("en",))}
    (one,) = rules.suggestions(side(MENTOR, hour[MENTOR.id]), takes(), 0, [somebody(2)], hour, NOW)
    assert "1 hour a week suits both" in {reason.kind: reason.text for reason in one.reasons}["hours"]


def test_an_evening_stays_an_evening_when_only_one_of_two_clocks_changes():
    """Berlin leaves summer time on 25 October 2026, New York a week later: what both share moves by an hour."""
    member = somebody(2, time_zone="America/New_York")
    stated = {
        MENTOR.id: says(MENTOR, "Europe/Berlin", [(day, 18, 22) for day in range(7)]),
        member.id: says(member, "America/New_York", [(day, 12, 14) for day in range(7)]),
    }
    found = rules.shared_hours(side(MENTOR, stated[MENTOR.id]), side(member, stated[member.id]), NOW)
    walls = {one.begins_at.astimezone(ZoneInfo("Europe/Berlin")).strftime("%m-%d %H:%M") for one in found}
    assert {"10-24 18:00", "10-25 18:00"} <= walls
    for one in found:
        theirs = one.begins_at.astimezone(ZoneInfo("America/New_York"))
        assert 12 <= theirs.hour < 14
