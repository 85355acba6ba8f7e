"""Meetings over HTTP as clients use them: who sees what of the same encounter."""

from typing import Any

ENCOUNTERS = "/api/encounter/encounters"


def test_a_mentor_and_a_member_see_the_same_meeting_differently(mentor: Any, member: Any) -> None:
    me = member.read("/api/identity/me")["person_id"]
    held = mentor.all(ENCOUNTERS, member=me, outcome="held")
    assert held
    id = held[0]["id"]
    written, shared = mentor.read(f"{ENCOUNTERS}/{id}"), member.read(f"{ENCOUNTERS}/{id}")
    assert (written["standing"], shared["standing"]) == ("author", "member")
    assert {one["audience"] for one in shared["answers"]} == {"shared"}
    assert {one["audience"] for one in written["answers"]} == {"shared", "author_only"}
    assert shared["script"]["prompts"] == written["script"]["prompts"]
    brief = mentor.read(f"/api/encounter/members/{me}/brief")
    assert brief["last"]["member_id"] == me
    assert brief["held_count"] >= len(held)


def test_others_learn_nothing_of_it(mentor: Any, callers: Any) -> None:
    id = mentor.all(ENCOUNTERS, outcome="held")[0]["id"]
    for name in ("candidate", "partner", "marketing"):
        assert callers(name).get(f"{ENCOUNTERS}/{id}").status_code == 404, name
    coordinator = callers("coordinator").read(f"{ENCOUNTERS}/{id}")
    assert {one["audience"] for one in coordinator["answers"]} == {"shared"}


def test_a_calendar_says_when_and_nothing_else(member: Any) -> None:
    answer = member.get("/api/encounter/calendar")
    assert answer.headers["content-type"].startswith("text/calendar")
    assert {line for line in answer.text.splitlines() if line.startswith("SUMMARY")} <= {"SUMMARY:Mentoring"}
