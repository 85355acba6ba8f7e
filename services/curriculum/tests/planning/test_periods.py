"""Committing a now-list over HTTP, undoing it, and saying how much time there is."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from gatehouse_chassis.testing import InProcessClient, Peer

from ..conftest import BASE, NOAH, TOMAS, Headers, resource_id
from ..curriculum.test_commands import Editor

OSLO = ZoneInfo("Europe/Oslo")


@pytest.fixture
async def editor(curriculum: InProcessClient, coordinator: Headers, empty: Callable[[], Any]) -> Editor:
    """A coordinator with a curriculum of five in next."""
    editor = Editor(curriculum, coordinator, await empty())
    await editor.read()
    await editor.assign(1, 2, 3, 4, 5, state="next")
    return editor


def ids(editor: Editor, *numbers: int) -> list[str]:
    return [editor.id_of(number) for number in numbers]


def day(after: int) -> str:
    """So many days after today in Oslo."""
    return (datetime.now(OSLO).date() + timedelta(days=after)).isoformat()


async def test_a_now_list_is_committed_for_a_period_and_the_next_one_carries_over(editor: Editor) -> None:
    first = await editor.send("periods", {"assignment_ids": ids(editor, 3, 1)})
    assert first.status_code == 201
    assert (editor_order(first, "now"), editor_order(first, "next")) == ([3, 1], [2, 4, 5])
    body = first.json()
    period = body["planning"]["period"]
    assert (period["id"], period["time_zone"]) == (body["period_id"], "Europe/Oslo")
    assert period["assignment_ids"] == ids(editor, 3, 1)
    begin, end = (datetime.fromisoformat(period[name]) for name in ("committed_at", "ends_at"))
    assert end.astimezone(OSLO).replace(tzinfo=None) - begin.astimezone(OSLO).replace(tzinfo=None) == timedelta(days=7)
    assert period["capacity_minutes"] == 360
    assert all(item["planned_at"] == period["committed_at"] and not item["started_at"] for item in body["now"])
    editor.seen = body
    await editor.send(f"assignments/{editor.id_of(3)}/complete")
    second = await editor.send("periods", {"assignment_ids": ids(editor, 5), "until": day(10)})
    assert (editor_order(second, "now"), editor_order(second, "next")) == ([5], [1, 2, 4])
    ends = datetime.fromisoformat(second.json()["planning"]["period"]["ends_at"])
    assert ends.astimezone(OSLO).date().isoformat() == day(10)
    listed = (await editor.service.get(f"{editor.address}/periods", headers=editor.headers)).json()["items"]
    assert [one["id"] for one in listed] == [second.json()["period_id"], body["period_id"]]
    one = await editor.service.get(first.headers["location"], headers=editor.headers)
    assert one.json() == listed[1]


def editor_order(answer: Any, state: str) -> list[int]:
    return [int(one["resource_id"][-12:]) for one in answer.json()[state]]


async def test_the_same_list_isnt_committed_twice(editor: Editor) -> None:
    body = {"assignment_ids": ids(editor, 1, 2), "until": day(5)}
    key = {**editor.headers, "Idempotency-Key": str(uuid4()), "If-Match": f'"{editor.seen["version"]}"'}
    address = f"{editor.address}/periods"
    first = await editor.service.post(address, json=body, headers=key)
    repeated = await editor.service.post(address, json=body, headers=key)
    assert (first.status_code, repeated.status_code) == (201, 201)
    assert repeated.json() == first.json()
    stale = await editor.service.post(address, json=body, headers={**key, "Idempotency-Key": str(uuid4())})
    assert stale.status_code == 412
    editor.seen = first.json()
    again = await editor.send("periods", body)
    assert again.json() == first.json()
    longer = await editor.send("periods", {**body, "until": day(6)})
    assert longer.json()["version"] == first.json()["version"] + 1
    periods = await editor.service.get(address, headers=editor.headers, params={"total": "true"})
    assert periods.json()["total"] == 2


async def test_a_period_is_undone_as_long_as_nothing_has_changed(editor: Editor) -> None:
    await editor.send(f"assignments/{editor.id_of(2)}/move", {"state": "now"})
    before = await editor.read()
    period = (await editor.send("periods", {"assignment_ids": ids(editor, 4, 1)})).json()
    editor.seen = period
    undone = (await editor.send(f"periods/{period['period_id']}/undo")).json()
    states = ("later", "next", "now", "completed")
    assert [undone[state] for state in states] == [before[state] for state in states]
    assert undone["planning"]["period"] is None
    assert (await editor.send(f"periods/{period['period_id']}/undo")).status_code == 409
    editor.seen = (await editor.send("periods", {"assignment_ids": ids(editor, 4)})).json()
    last = editor.seen["period_id"]
    await editor.send(f"assignments/{editor.id_of(4)}/start")
    assert (await editor.send(f"periods/{last}/undo")).status_code == 409
    assert (await editor.send(f"periods/{uuid4()}/undo")).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"assignment_ids": []}, 400, "assignment_ids"),
        ({"assignment_ids": ["twice", "twice"]}, 400, "assignment_ids"),
        ({"assignment_ids": ["one"], "until": "today"}, 400, "until"),
        ({"assignment_ids": ["one"], "until": "0001-01-01"}, 400, "until"),
        ({"assignment_ids": ["one"], "until": "9999-12-31"}, 400, "until"),
        ({"assignment_ids": [str(uuid4())]}, 404, None),
    ],
)
async def test_a_period_that_makes_no_sense_is_refused(
    editor: Editor, body: dict[str, Any], status: int, field: str | None
) -> None:
    known = {"twice": editor.id_of(1), "one": editor.id_of(1)}
    given = {**body, "assignment_ids": [known.get(id, id) for id in body["assignment_ids"]]}
    answer = await editor.send("periods", given)
    assert answer.status_code == status, answer.text
    assert [error["field"] for error in answer.json().get("errors", [])] == ([field] if field else [])
    assert (await editor.read())["version"] == 6


async def test_without_the_members_time_zone_nothing_is_committed(editor: Editor, person: Peer) -> None:
    id = editor.address.rpartition("/")[2]
    address = ("GET", f"/api/person/people/{id}")
    known = person.answers.pop(address)
    person.answers[address] = (503, {"type": "about:blank", "title": "No", "status": 503})
    assert (await editor.send("periods", {"assignment_ids": ids(editor, 1)})).status_code == 503
    assert (await editor.read())["version"] == 6
    person.answers[address] = known
    assert (await editor.send("periods", {"assignment_ids": ids(editor, 1)})).status_code == 201


async def test_the_member_and_the_mentor_say_how_much_time_there_is(
    curriculum: InProcessClient, noah: Headers, mara: Headers
) -> None:
    member, mentor = (Editor(curriculum, who, f"{BASE}/{NOAH}") for who in (noah, mara))
    await member.read()
    said = await put(member, {"minutes_per_week": 600, "meets_every_days": 14})
    planning = said.json()["planning"]
    assert (planning["usual_days"], planning["usual_capacity_minutes"]) == (14, 1_200)
    again = await put(member, {"minutes_per_week": 600, "meets_every_days": 14})
    assert again.json()["version"] == said.json()["version"]
    await mentor.read()
    less = await put(mentor, {"minutes_per_week": 300})
    assert less.json()["planning"]["meets_every_days"] is None
    history = (await curriculum.get(f"{BASE}/{NOAH}/commitments", headers=noah)).json()["items"]
    assert [one["minutes_per_week"] for one in history[:2]] == [300, 600]
    assert history[0]["stated_by"] != history[1]["stated_by"]
    assert datetime.fromisoformat(history[0]["stated_at"]) <= datetime.now(UTC)
    for wrong in (
        {"minutes_per_week": -1},
        {"minutes_per_week": 4_801},
        {},
        {"minutes_per_week": 1, "meets_every_days": 0},
    ):
        assert (await put(mentor, wrong)).status_code == 400


async def put(editor: Editor, body: Any) -> Any:
    headers = {**editor.headers, "If-Match": f'"{editor.seen["version"]}"'}
    answer = await editor.service.put(f"{editor.address}/commitment", json=body, headers=headers)
    if answer.status_code == 200:
        editor.seen = answer.json()
    return answer


async def test_strangers_learn_nothing_of_periods(curriculum: InProcessClient, noah: Headers) -> None:
    for path in ("periods", "commitments", f"periods/{uuid4()}"):
        assert (await curriculum.get(f"{BASE}/{TOMAS}/{path}", headers=noah)).status_code == 404


async def test_others_hear_of_what_was_planned_begun_done_and_taken_back(editor: Editor, database_url: str) -> None:
    committed = (await editor.send("periods", {"assignment_ids": ids(editor, 3, 1)})).json()
    editor.seen = committed
    assert (await editor.send(f"periods/{committed['period_id']}/undo")).status_code == 200
    first, third = ids(editor, 1, 3)
    for command in (f"{first}/start", f"{first}/complete", f"{first}/reopen", f"{first}/unstart", f"{third}/complete"):
        assert (await editor.send(f"assignments/{command}")).status_code == 200
    await editor.send(f"assignments/{first}/move", {"state": "later"})
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(
            "select type, subject_id::text as subject, subject_version, ids::text as ids from curriculum.event "
            "where ids ->> 'person_id' = $1 order by subject_version, id",
            editor.seen["person_id"],
        )
    finally:
        await connection.close()
    period, at = committed["period_id"], committed["version"]
    expected = [
        ("assignment.planned", first, at),
        ("assignment.planned", third, at),
        ("period.committed", period, at),
        ("period.undone", period, at + 1),
        ("assignment.planned", first, at + 2),
        ("assignment.started", first, at + 2),
        ("assignment.completed", first, at + 3),
        ("assignment.reopened", first, at + 4),
        ("assignment.completed", third, at + 6),
    ]
    found = [(row["type"].removeprefix("curriculum."), row["subject"], row["subject_version"]) for row in rows]
    assert sorted(found) == sorted(expected)
    said = {row["type"]: json.loads(row["ids"]) for row in rows}
    assert said["curriculum.period.committed"]["assignment_ids"] == [third, first]
    assert said["curriculum.assignment.reopened"]["resource_id"] == resource_id(1)
