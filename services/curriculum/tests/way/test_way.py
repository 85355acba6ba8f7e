"""A member's way: what it says of a plan, and that its sums are the plan's."""

from collections import Counter
from typing import Any

import pytest

from gatehouse_chassis.testing import InProcessClient

from ..conftest import AVA, BASE, NOAH, Headers

STATES = ("completed", "now", "next", "later")


@pytest.fixture
async def plan(curriculum: InProcessClient, coordinator: Headers) -> dict[str, Any]:
    return (await curriculum.get(f"{BASE}/{NOAH}", headers=coordinator)).json()


async def ask(curriculum: InProcessClient, headers: Headers, query: str = "") -> Any:
    return await curriculum.get(f"{BASE}/{NOAH}/way{query}", headers=headers)


async def test_the_parts_add_up_to_the_whole(curriculum: InProcessClient, noah: Headers, plan: dict[str, Any]) -> None:
    way = (await ask(curriculum, noah)).json()
    assert way["counts"] == {state: len(plan[state]) for state in STATES}
    for state in STATES:
        assert sum(part[state] for part in way["parts"]) == len(plan[state])
    assert sum(month["count"] for month in way["months"]) == len(plan["completed"])
    taught = Counter(skill for one in plan["completed"] for skill in one["skills"])
    assert {one["skill"]: one["count"] for one in way["skills"]} == taught
    assert [one["id"] for one in way["now"]] == [one["id"] for one in plan["now"]]
    assert way["planning"] == plan["planning"]


async def test_a_topic_starts_with_the_first_start_of_its_resources(
    curriculum: InProcessClient, noah: Headers, plan: dict[str, Any]
) -> None:
    way = (await ask(curriculum, noah)).json()
    everything = [one for state in STATES for one in plan[state]]
    for part in way["parts"]:
        own = [one for one in everything if (one["path_id"], one["topic_id"]) == (part["path_id"], part["topic_id"])]
        starts = [one["started_at"] for one in own if one["started_at"]]
        assert part["started_at"] == min(starts, default=None)


async def test_all_that_is_completed_can_be_reached(
    curriculum: InProcessClient, noah: Headers, plan: dict[str, Any]
) -> None:
    seen: list[str] = []
    query = ""
    for _ in range(20):
        way = (await ask(curriculum, noah, query)).json()
        seen += [one["id"] for one in way["completed"]]
        if not way["more"]:
            break
        query = f"?before={way['completed'][-1]['position']}"
    assert seen == [one["id"] for one in plan["completed"]]
    month = way["months"][0]
    found = (await ask(curriculum, noah, f"?month={month['month']}")).json()["completed"]
    assert all(one["completed_at"].startswith(month["month"]) for one in found)
    assert len(found) == min(month["count"], 10)
    for one in way["skills"][:2]:
        found = (await ask(curriculum, noah, f"?skill={one['skill']}")).json()["completed"]
        assert len(found) == min(one["count"], 10)
        assert all(one["skill"] in each["skills"] for each in found)
    for wrong in ("?month=2026-13", "?month=x", "?before=0"):
        assert (await ask(curriculum, noah, wrong)).status_code == 400


async def test_one_goes_on_with_what_one_opened_last(
    curriculum: InProcessClient, noah: Headers, plan: dict[str, Any]
) -> None:
    chosen = plan["later"][3]["id"]
    assert (await ask(curriculum, noah)).json()["goes_on"]["id"] != chosen
    await curriculum.post(f"{BASE}/{NOAH}/assignments/{chosen}/uses", json={}, headers=noah)
    assert (await ask(curriculum, noah)).json()["goes_on"]["id"] == chosen


async def test_mentors_see_the_same_and_others_nothing(
    curriculum: InProcessClient, noah: Headers, mara: Headers
) -> None:
    own, theirs = [(await ask(curriculum, headers)).json() for headers in (noah, mara)]
    assert own == theirs
    assert (await curriculum.get(f"{BASE}/{AVA}/way", headers=noah)).status_code == 404
