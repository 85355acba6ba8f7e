"""Planning, holding and finishing encounters over HTTP, and who may."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from gatehouse_chassis.events import service_token
from gatehouse_chassis.testing import InProcessClient

from .conftest import BASE, KEY, Headers, Pair

LATER = {"planned_from": "2026-12-15T16:00:00Z", "planned_to": "2026-12-15T17:00:00Z"}


async def events_of(database_url: str, pair: Pair) -> list[str]:
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(
            "select type from encounter.event where ids ->> 'member_id' = $1 order by id", pair.member
        )
    finally:
        await connection.close()
    return [row["type"].removeprefix("encounter.") for row in rows]


async def test_two_meet_by_a_script_and_agree_on_what_comes_next(pair: Pair, database_url: str) -> None:
    planned = await pair.plan()
    assert (planned["state"], planned["time_zone"]) == ("planned", "Europe/Oslo")
    id = planned["id"]
    seen = await pair.read(id)
    assert (seen["script_name"], seen["standing"], seen["answers"]) == ("First meeting", "author", [])
    opened = await pair.send("POST", f"/encounters/{id}/open", pair.as_mentor, version=1)
    again = await pair.send("POST", f"/encounters/{id}/open", pair.as_mentor, version=1)
    assert (opened.status_code, again.status_code) == (200, 200)
    assert again.json()["version"] == opened.json()["version"] == 2
    assert (await pair.write(id, "goal", "To build things")).status_code == 200
    assert (await pair.write(id, "summary", "Anna\nwants to build things.")).status_code == 200
    one, two = str(uuid4()), str(uuid4())
    body = {
        "now_list": [one, two],
        "follow_ups": [{"side": "member", "text": "Read chapter two", "due_on": "2026-12-10"}],
        "next": LATER,
    }
    finished = await pair.send("POST", f"/encounters/{id}/finish", pair.as_mentor, body, version=2)
    assert finished.status_code == 200, finished.text
    repeated = await pair.send("POST", f"/encounters/{id}/finish", pair.as_mentor, body, version=2)
    assert repeated.json() == finished.json()
    assert finished.json()["summary"] == "Anna wants to build things."
    member = await pair.read(id, pair.as_member)
    assert member["standing"] == "member"
    assert [one["text"] for one in member["follow_ups"]] == ["Read chapter two"]
    assert {one["prompt_key"] for one in member["answers"]}.isdisjoint({"impression", "private_notes"})
    assert await events_of(database_url, pair) == ["planned", "opened", "planned", "finished"]
    listed = await pair.send("GET", "/encounters", pair.as_member)
    assert [(one["state"], one["script_name"]) for one in listed.json()["items"]] == [
        ("planned", "First meeting"),
        ("finished", "First meeting"),
    ]
    token = service_token.sign(KEY, by="curriculum", to="encounter")
    agreed = await pair.send("GET", f"/agreements/{id}", {"Authorization": f"Bearer {token}"})
    assert agreed.json()["assignment_ids"] == [one, two]
    assert agreed.json()["until"].startswith("2026-12-15T16:00:00")
    assert (await pair.send("GET", f"/agreements/{id}", pair.as_mentor)).status_code == 401


async def test_one_encounter_of_two_people_is_planned_and_one_is_held(pair: Pair) -> None:
    opened = await pair.opened()
    await pair.plan(begins=LATER["planned_from"], ends=LATER["planned_to"])
    body = {"member_id": pair.member, "mentor_id": pair.mentor, **LATER}
    second = await pair.send("POST", "/encounters", pair.as_mentor, body)
    assert second.status_code == 409
    assert "planned already" in second.json()["detail"]
    moved: dict[str, Any] = {"next": {"planned_from": "2026-12-20T16:00:00Z", "planned_to": "2026-12-20T17:00:00Z"}}
    assert (await pair.finish(opened["id"], **moved)).status_code == 200
    listed = (await pair.send("GET", "/encounters?state=planned", pair.as_mentor)).json()["items"]
    assert [one["planned_from"][:10] for one in listed] == ["2026-12-20"]


async def test_an_open_encounter_keeps_its_prompts_when_its_script_is_published_again(
    pair: Pair, coordinator: Headers
) -> None:
    prompts = [{"key": "one", "kind": "text", "prompt": "First?"}, {"key": "two", "kind": "check", "prompt": "Done"}]
    made = await pair.send("POST", "/scripts", coordinator, {"name": f"Script {uuid4()}", "prompts": prompts})
    id = made.json()["id"]
    assert (await pair.send("POST", f"/scripts/{id}/publish", coordinator, version=1)).status_code == 200
    versions = (await pair.send("GET", f"/scripts/{id}/versions", coordinator)).json()
    planned = await pair.plan(script_version_id=versions[0]["id"])
    await pair.send("POST", f"/encounters/{planned['id']}/open", pair.as_mentor, version=1)
    before = await pair.read(planned["id"])
    changed = await pair.send("PATCH", f"/scripts/{id}", coordinator, {"prompts": prompts[:1]}, 2)
    assert changed.status_code == 200
    assert (await pair.send("POST", f"/scripts/{id}/publish", coordinator, version=3)).json()["latest_number"] == 2
    assert (await pair.send("POST", f"/scripts/{id}/retire", coordinator, version=4)).status_code == 200
    after = await pair.read(planned["id"])
    assert after["script"]["prompts"] == before["script"]["prompts"]
    assert (await pair.write(planned["id"], "two", "", value="yes")).status_code == 200
    assert (await pair.write(planned["id"], "two", "", value="maybe", version=2)).status_code == 400
    other = await pair.send("PATCH", f"/encounters/{planned['id']}", pair.as_mentor, {**LATER}, 2)
    assert other.status_code == 409


@pytest.mark.parametrize(
    ("prompts", "field"),
    [
        ([{"key": "a", "kind": "text", "prompt": "?"}, {"key": "a", "kind": "text", "prompt": "?"}], "prompts.1.key"),
        ([{"key": "summary", "kind": "text", "prompt": "?"}], "prompts.0.key"),
        ([{"key": "a", "kind": "radio", "prompt": "?", "options": ["x"]}], "prompts.0.options"),
        ([{"key": "a", "kind": "text", "prompt": "?", "options": ["x", "y"]}], "prompts.0.options"),
        ([{"key": "a", "kind": "heading", "prompt": "?", "required": True}], "prompts.0.required"),
        ([{"key": "A", "kind": "text", "prompt": "?"}], "prompts[0].key"),
    ],
)
async def test_prompts_that_make_no_sense_are_refused(
    pair: Pair, coordinator: Headers, prompts: Any, field: str
) -> None:
    answer = await pair.send("POST", "/scripts", coordinator, {"name": f"S {uuid4()}", "prompts": prompts})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_what_a_script_requires_is_asked_for_at_the_end(pair: Pair) -> None:
    opened = await pair.opened()
    answer = await pair.send("POST", f"/encounters/{opened['id']}/finish", pair.as_mentor, {}, 2)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["answers.goal"]
    assert (await pair.read(opened["id"]))["state"] == "open"
    twice = str(uuid4())
    mistakes: list[dict[str, Any]] = [
        {"now_list": [twice, twice]},
        {"next": {"planned_from": LATER["planned_to"], "planned_to": LATER["planned_from"]}},
        {"held_from": "2026-12-02T00:00:00Z", "held_to": "2026-12-01T00:00:00Z"},
        {"follow_ups": [{"side": "nobody", "text": "x"}]},
        {"follow_ups": [{"side": "member", "text": "x" * 501}]},
    ]
    for wrong in mistakes:
        assert (await pair.finish(opened["id"], **wrong)).status_code == 400, wrong
    assert (await pair.read(opened["id"]))["follow_ups"] == []


async def test_nobody_comes_and_an_encounter_is_called_off(pair: Pair, database_url: str) -> None:
    planned = await pair.plan("2199-12-01T16:00:00Z", "2199-12-01T17:00:00Z")
    early = await pair.send("POST", f"/encounters/{planned['id']}/no-show", pair.as_mentor, version=1)
    assert early.status_code == 409
    assert (await pair.send("POST", f"/encounters/{planned['id']}/cancel", pair.as_mentor, {}, 1)).status_code == 400
    body = {"reason": "Ill"}
    void = await pair.send("POST", f"/encounters/{planned['id']}/cancel", pair.as_mentor, body, 1)
    assert (void.json()["state"], void.json()["outcome"], void.json()["void_reason"]) == ("void", "cancelled", "Ill")
    second = await pair.plan("2026-01-01T16:00:00Z", "2026-01-01T17:00:00Z")
    missed = await pair.send("POST", f"/encounters/{second['id']}/no-show", pair.as_mentor, version=1)
    assert (missed.json()["state"], missed.json()["outcome"]) == ("finished", "no_show")
    assert await events_of(database_url, pair) == ["planned", "void", "planned", "no_show"]


async def test_a_finished_encounter_changes_by_an_amendment_only(pair: Pair) -> None:
    opened = await pair.opened()
    await pair.write(opened["id"], "goal", "A year from now: lead")
    await pair.write(opened["id"], "impression", "Tired")
    assert (await pair.finish(opened["id"])).status_code == 200
    assert (await pair.write(opened["id"], "goal", "Other", version=2)).status_code == 409
    path = f"/encounters/{opened['id']}/amendments"
    body = {"prompt_key": "goal", "text": "A year from now: senior", "reason": "I misheard"}
    amended = await pair.send("POST", path, pair.as_mentor, body, 3)
    assert amended.status_code == 200, amended.text
    private = {"prompt_key": "impression", "text": "Rested", "reason": "It was the light"}
    assert (await pair.send("POST", path, pair.as_mentor, private, 4)).status_code == 200
    summary = {"prompt_key": "summary", "text": "About the goal", "reason": "It had none"}
    assert (await pair.send("POST", path, pair.as_mentor, summary, 5)).json()["summary"] == "About the goal"
    member = await pair.read(opened["id"], pair.as_member)
    assert [(one["before"], one["after"], one["reason"]) for one in member["amendments"]] == [
        ("A year from now: lead", "A year from now: senior", "I misheard"),
        ("", "About the goal", "It had none"),
    ]
    assert (await pair.send("POST", path, pair.as_member, body, 7)).status_code == 403
    assert len((await pair.read(opened["id"]))["amendments"]) == 3


async def test_a_mentor_who_is_replaced_finishes_and_then_only_reads(
    pair: Pair, another_pair: Callable[[], Pair]
) -> None:
    opened = await pair.opened()
    former, new = pair.mentor, another_pair().mentor
    pair.mentored_by(new)
    as_new = pair.headers(new, "mentor")
    hidden = await pair.read(opened["id"], as_new)
    assert (hidden["standing"], hidden["answers"]) == ("mentor", [])
    assert (await pair.finish(opened["id"], next=LATER)).status_code == 403
    assert (await pair.finish(opened["id"])).status_code == 200
    shared = await pair.read(opened["id"], as_new)
    assert "goal" in {one["prompt_key"] for one in shared["answers"]}
    assert {one["audience"] for one in shared["answers"]} == {"shared"}
    body = {"prompt_key": "goal", "text": "Other", "reason": "No more"}
    late = await pair.send("POST", f"/encounters/{opened['id']}/amendments", pair.as_mentor, body, 3)
    assert late.status_code == 403
    plan = {"member_id": pair.member, "mentor_id": former, **LATER}
    assert (await pair.send("POST", "/encounters", pair.as_mentor, plan)).status_code == 403
    assert (await pair.send("POST", "/encounters", as_new, {**plan, "mentor_id": new})).status_code == 201
    mine = (await pair.send("GET", f"/encounters?member={pair.member}", pair.as_mentor)).json()["items"]
    all_of_them = (await pair.send("GET", f"/encounters?member={pair.member}", as_new)).json()["items"]
    assert (len(mine), len(all_of_them)) == (1, 2)
    brief = (await pair.send("GET", f"/members/{pair.member}/brief", as_new)).json()
    assert (brief["last"]["id"], brief["held_count"]) == (opened["id"], 1)


async def test_strangers_see_nothing(pair: Pair, another_pair: Callable[[], Pair], encounter: InProcessClient) -> None:
    opened = await pair.opened()
    id, stranger = opened["id"], another_pair()
    callers = [stranger.as_mentor, stranger.as_member, *(encounter.tokens.headers(role) for role in ("board", "staff"))]
    for who in callers:
        for method, path, body in (
            ("GET", f"/encounters/{id}", None),
            ("GET", f"/encounters/{id}/answers/goal", None),
            ("GET", f"/encounters/{id}/attempts", None),
            ("GET", f"/members/{pair.member}/brief", None),
            ("PUT", f"/encounters/{id}/answers/goal", {"text": "x", "writer": str(uuid4())}),
            ("POST", f"/encounters/{id}/finish", {}),
            ("POST", "/encounters", {"member_id": pair.member, "mentor_id": pair.mentor, **LATER}),
            ("POST", "/notes", {"member_id": pair.member, "text": "x", "writer": str(uuid4())}),
        ):
            assert (await pair.send(method, path, who, body, 1)).status_code == 404, (method, path)
        listed = await pair.send("GET", f"/encounters?member={pair.member}", who)
        assert listed.json()["items"] == []
    assert (await encounter.get(f"{BASE}/encounters")).status_code == 401
