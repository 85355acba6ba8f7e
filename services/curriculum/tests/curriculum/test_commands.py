"""Assigning, starting, completing, moving: what is recorded, what is refused, and who may."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from gatehouse_chassis.testing import InProcessClient, Peer
from gatehouse_curriculum.curriculum.queries import figures

from ..conftest import AVA, BASE, MARA, NOAH, Headers, resource_id

TOPIC, PATH = "019a0000-0003-7000-8000-000000000001", "019a0000-0005-7000-8000-000000000001"


class Editor:
    """Reads a curriculum and sends commands for the version that it read last."""

    def __init__(self, service: InProcessClient, headers: Headers, address: str) -> None:
        self.service = service
        self.headers = headers
        self.address = address
        self.seen: dict[str, Any] = {}

    async def read(self) -> dict[str, Any]:
        self.seen = (await self.service.get(self.address, headers=self.headers)).json()
        return self.seen

    async def send(self, command: str, body: Any = None) -> Any:
        headers = {**self.headers, "If-Match": f'"{self.seen["version"]}"'}
        answer = await self.service.post(f"{self.address}/{command}", json=body, headers=headers)
        if answer.status_code == 200:
            self.seen = answer.json()
        return answer

    async def assign(self, *numbers: int, state: str = "later") -> Any:
        for number in numbers:
            answer = await self.send("assign", {"resource_id": resource_id(number), "state": state})
            assert answer.status_code == 200, answer.text
        return self.seen

    def order(self, state: str) -> list[int]:
        return [int(one["resource_id"][-12:]) for one in self.seen[state]]

    def id_of(self, number: int) -> str:
        everything = [one for state in ("later", "next", "now", "completed") for one in self.seen[state]]
        return next(one["id"] for one in everything if one["resource_id"] == resource_id(number))


@pytest.fixture
async def editor(curriculum: InProcessClient, coordinator: Headers, empty: Callable[[], Any]) -> Editor:
    """A coordinator with a curriculum that is empty."""
    editor = Editor(curriculum, coordinator, await empty())
    await editor.read()
    return editor


@pytest.fixture(scope="module", autouse=True)
def content(topics: Peer) -> None:
    first = {"id": TOPIC, "name": "First", "resources": [{"id": resource_id(n)} for n in (11, 12, 13)]}
    second = {"id": str(uuid4()), "name": "Second", "resources": [{"id": resource_id(n)} for n in (13, 14)]}
    old = {"id": resource_id(20), "archived_at": "2026-01-01T00:00:00Z"}
    topics.answers["GET", f"/api/topics/topics/{TOPIC}"] = (200, {**first, "archived_at": None})
    topics.answers["GET", f"/api/topics/paths/{PATH}"] = (
        200,
        {"id": PATH, "modules": [{"id": str(uuid4()), "name": "Module", "topics": [first, second]}]},
    )
    topics.answers["GET", f"/api/topics/resources/{resource_id(20)}"] = (200, old)


async def test_what_was_completed_and_who_learns_is_counted(editor: Editor) -> None:
    before = await figures()
    await editor.assign(5, 6)
    for command in ("start", "complete"):
        await editor.send(f"assignments/{editor.id_of(5)}/{command}")
    after = await figures()
    assert {name: after[name] - before[name] for name in after} == {"members_active": 1, "resources_completed": 1}


async def test_a_resource_is_assigned_started_and_completed_each_with_its_time(editor: Editor) -> None:
    assigned = (await editor.send("assign", {"resource_id": resource_id(5), "note": "Look at part two."})).json()
    started = (await editor.send(f"assignments/{editor.id_of(5)}/start")).json()
    completed = (await editor.send(f"assignments/{editor.id_of(5)}/complete")).json()
    one = completed["completed"][0]
    assert assigned["assigned"] == [one["id"]]
    assert assigned["later"][0]["note"] == "Look at part two."
    assert (one["assigned_at"], one["started_at"], one["completed_at"]) == tuple(
        each["changed_at"] for each in (assigned, started, completed)
    )
    assert one["assigned_at"] < one["started_at"] < one["completed_at"]
    assert one["planned_at"] == one["started_at"]
    assert one["assigned_by"] == one["started_by"] == one["completed_by"] is not None
    assert [each["version"] for each in (assigned, started, completed)] == [2, 3, 4]
    assert await editor.read() == {key: value for key, value in completed.items() if key not in ("assigned", "skipped")}


async def test_a_whole_path_is_assigned_and_what_is_there_is_skipped(editor: Editor) -> None:
    await editor.assign(12)
    topic = (await editor.send("assign", {"topic_id": TOPIC, "state": "next"})).json()
    path = (await editor.send("assign", {"path_id": PATH})).json()
    again = await editor.send("assign", {"path_id": PATH})
    assert editor.order("next") == [11, 13]
    assert editor.order("later") == [12, 14]
    assert topic["skipped"] == [resource_id(12)]
    assert path["later"][1]["path_id"] == PATH
    assert path["later"][1]["topic_id"] is not None
    assert path["skipped"] == [resource_id(n) for n in (11, 12, 13)]
    assert (again.status_code, again.json()["assigned"]) == (200, [])
    assert again.json()["version"] == path["version"]


async def test_things_are_moved_between_next_and_later(editor: Editor) -> None:
    await editor.assign(1, 2, 3)
    await editor.send(f"assignments/{editor.id_of(3)}/move", {"state": "next"})
    await editor.send(f"assignments/{editor.id_of(1)}/move", {"state": "next", "position": 1})
    await editor.send(f"assignments/{editor.id_of(3)}/move", {"state": "later", "position": 1})
    assert (editor.order("next"), editor.order("later")) == ([1], [3, 2])


async def test_what_is_taken_out_can_be_assigned_again(editor: Editor) -> None:
    await editor.assign(1, 2)
    gone = await editor.send(f"assignments/{editor.id_of(1)}/unassign")
    assert (gone.status_code, editor.order("later")) == (200, [2])
    await editor.assign(1)
    await editor.read()
    assert editor.order("later") == [2, 1]


async def test_completing_by_mistake_is_undone(editor: Editor) -> None:
    await editor.assign(1)
    await editor.send(f"assignments/{editor.id_of(1)}/complete")
    assert (await editor.send(f"assignments/{editor.id_of(1)}/unassign")).status_code == 409
    await editor.send(f"assignments/{editor.id_of(1)}/reopen")
    assert editor.seen["now"][0]["completed_at"] is None
    assert (await editor.send(f"assignments/{editor.id_of(1)}/unassign")).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "resource_id"),
        ({"resource_id": resource_id(1), "path_id": PATH}, "resource_id"),
        ({"resource_id": resource_id(999)}, "resource_id"),
        ({"resource_id": resource_id(20)}, "resource_id"),
        ({"topic_id": str(uuid4())}, "topic_id"),
        ({"path_id": str(uuid4())}, "path_id"),
        ({"resource_id": "12"}, "resource_id"),
        ({"resource_id": resource_id(1), "state": "now"}, "state"),
        ({"resource_id": resource_id(1), "note": "a\u0000b"}, "note"),
        ({"resource_id": resource_id(1), "note": "x" * 2001}, "note"),
        ({"resource_id": resource_id(1), "colour": "red"}, "colour"),
    ],
)
async def test_what_cant_be_assigned_is_named(editor: Editor, body: dict[str, Any], field: str) -> None:
    answer = await editor.send("assign", body)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert (await editor.read())["version"] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"state": "completed"}, "state"),
        ({}, "state"),
        ({"state": "next", "position": 0}, "position"),
        ({"state": "next", "position": 10**30}, "position"),
        ({"state": "next", "place": 1}, "place"),
    ],
)
async def test_a_move_that_makes_no_sense_is_refused(editor: Editor, body: dict[str, Any], field: str) -> None:
    await editor.assign(1)
    answer = await editor.send(f"assignments/{editor.id_of(1)}/move", body)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_command_says_which_version_it_changes(editor: Editor) -> None:
    await editor.assign(1)
    address = f"{editor.address}/assignments/{editor.id_of(1)}/start"
    blind = await editor.service.post(address, headers=editor.headers)
    stale = await editor.service.post(address, headers={**editor.headers, "If-Match": '"1"'})
    odd = await editor.service.post(address, headers={**editor.headers, "If-Match": "*"})
    assert (blind.status_code, stale.status_code, odd.status_code) == (428, 412, 400)


async def test_what_isnt_in_the_curriculum_is_a_404(editor: Editor, curriculum: InProcessClient, mara: Headers) -> None:
    await editor.assign(1)
    noahs = Editor(curriculum, mara, f"{BASE}/{NOAH}")
    await noahs.read()
    for command in ("start", "complete", "unassign", "reopen"):
        assert (await noahs.send(f"assignments/{editor.id_of(1)}/{command}")).status_code == 404
        assert (await editor.send(f"assignments/{uuid4()}/{command}")).status_code == 404
        assert (await editor.send(f"assignments/nonsense/{command}")).status_code == 404


async def test_what_was_taken_out_comes_back_where_it_was(editor: Editor) -> None:
    await editor.assign(1, 2, 3)
    second = editor.id_of(2)
    await editor.send(f"assignments/{second}/unassign")
    back = await editor.send(f"assignments/{second}/restore")
    assert (back.status_code, editor.order("later")) == (200, [1, 2, 3])
    assert (await editor.send(f"assignments/{second}/restore")).status_code == 404
    await editor.send(f"assignments/{second}/unassign")
    await editor.assign(2)
    assert (await editor.send(f"assignments/{second}/restore")).status_code == 409


async def test_several_are_taken_out_at_once_or_none(editor: Editor) -> None:
    await editor.assign(1, 2, 3)
    ids = [editor.id_of(1), editor.id_of(3)]
    refused = await editor.send("unassign", {"assignment_ids": [ids[0], str(uuid4())]})
    assert (refused.status_code, (await editor.read())["version"], editor.order("later")) == (404, 4, [1, 2, 3])
    gone = await editor.send("unassign", {"assignment_ids": ids})
    assert (gone.status_code, editor.order("later")) == (200, [2])


async def test_a_member_plans_what_they_added_and_proposes_the_rest(
    curriculum: InProcessClient, noah: Headers, mara: Headers
) -> None:
    member, mentor = (Editor(curriculum, who, f"{BASE}/{NOAH}") for who in (noah, mara))
    first, second, third = [item["id"] for item in (await member.read())["next"][:3]]
    back = {"state": "next", "position": 1}
    allowed = [
        await member.send(f"assignments/{first}/start"),
        await member.send(f"assignments/{first}/complete"),
        await member.send(f"assignments/{first}/reopen"),
        await member.send(f"assignments/{first}/unstart"),
        await member.send(f"assignments/{first}/move", back),
        await member.send(f"assignments/{first}/complete"),
        await member.send("assign", {"resource_id": resource_id(700), "state": "next"}),
        await member.send(f"assignments/{member.id_of(700)}/move", {"state": "now"}),
        await member.send(f"assignments/{second}/propose", {"change": "later"}),
        await member.send(f"assignments/{third}/propose", {"change": "remove"}),
        await member.send(f"assignments/{third}/decline"),
    ]
    added = member.id_of(700)
    refused = [
        await member.send(f"assignments/{second}/unassign"),
        await member.send(f"assignments/{second}/move", {"state": "later"}),
        await member.send(f"assignments/{second}/accept"),
        await member.send("unassign", {"assignment_ids": [second]}),
        await member.send("unassign", {"assignment_ids": [added, second]}),
        await member.send("periods", {"assignment_ids": [second]}),
        await member.send("archive"),
    ]
    assert [answer.status_code for answer in allowed] == [200] * len(allowed)
    assert [answer.status_code for answer in refused] == [403] * len(refused)
    names = {one["account_id"]: one for one in (await mentor.read())["people"]}
    mine = next(item for item in mentor.seen["now"] if item["id"] == added)
    assert mine["assigned_by"] == mine["planned_by"]
    assert names[mine["planned_by"]] == {"account_id": mine["planned_by"], "person_id": NOAH, "standing": "self"}
    proposed = next(item for item in mentor.seen["next"] if item["id"] == second)
    assert (proposed["proposed_change"], proposed["proposed_by"]) == ("later", mine["planned_by"])
    accepted = (await mentor.send(f"assignments/{second}/accept")).json()
    moved = next(item for item in accepted["later"] if item["id"] == second)
    assert moved["proposed_change"] is None
    assert any(one["person_id"] == MARA and one["standing"] == "mentorship" for one in accepted["people"])
    await member.read()
    assert (await member.send(f"assignments/{added}/unassign")).status_code == 200
    assert (await member.send(f"assignments/{added}/restore")).status_code == 200
    await mentor.read()
    assert (await mentor.send(f"assignments/{added}/unassign")).status_code == 200
    assert (await mentor.send(f"assignments/{first}/reopen")).status_code == 200


async def test_somebody_else_cant_tell_that_there_is_a_curriculum(curriculum: InProcessClient, noah: Headers) -> None:
    theirs = Editor(curriculum, noah, f"{BASE}/{AVA}")
    theirs.seen = {"version": 1}
    answers = [
        await theirs.send("assign", {"resource_id": resource_id(1)}),
        await theirs.send(f"assignments/{uuid4()}/start"),
        await theirs.send(f"assignments/{uuid4()}/move", {"state": "next"}),
    ]
    assert [answer.status_code for answer in answers] == [404] * 3


async def test_history_says_what_became_of_an_assignment(curriculum: InProcessClient, editor: Editor) -> None:
    await editor.assign(1, 2)
    first = editor.id_of(1)
    for command in ("start", "complete", "reopen"):
        answer = await editor.send(f"assignments/{first}/{command}")
        assert answer.status_code == 200, answer.text
    await editor.send(f"assignments/{first}/unassign")
    await editor.send(f"assignments/{first}/restore")
    address = f"/privacy/history/assignment/{first}"
    entries = (await curriculum.get(address, headers=curriculum.by("admin"))).json()
    changes = [entry["changes"] for entry in reversed(entries)]
    assert changes[0]["started_at"][0] is None
    assert changes[1]["state"][1] == "completed"
    assert changes[2]["completed_at"][1] is None
    assert any("withdrawn_at" in one and one["withdrawn_at"][0] is None for one in changes)
    assert any("withdrawn_at" in one and one["withdrawn_at"][1] is None for one in changes)
    assert [entry["row_version"] for entry in entries] == sorted((one["row_version"] for one in entries), reverse=True)
    second = (await curriculum.get(address.replace(first, editor.id_of(2)), headers=curriculum.by("admin"))).json()
    assert second == [], "that it moved up and down is no news of it"
