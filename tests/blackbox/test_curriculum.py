"""A member's curriculum: completed, now, next, later, built from the real content; commands; two editors at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

STATES = ("completed", "now", "next", "later")
RESOURCES = "/api/topics/resources"


def curriculum_of(person: dict[str, Any]) -> str:
    return f"/api/curriculum/curricula/{person['id']}"


def some_resources(caller: Any, count: int) -> list[str]:
    return [item["id"] for item in caller.read(RESOURCES, sort="number", limit=count)["items"]]


def states(curriculum: dict[str, Any]) -> dict[str, list[str]]:
    return {state: [item["resource_id"] for item in curriculum[state]] for state in STATES}


def test_a_mentor_sees_a_members_curriculum_of_resources_that_exist(mentor: Any, member: Any) -> None:
    noah = member.read("/api/identity/me")["person_id"]
    curriculum = mentor.read(f"/api/curriculum/curricula/{noah}")
    used = sorted({resource for found in states(curriculum).values() for resource in found})
    assert len(used) > 10
    known: set[str] = set()
    for start in range(0, len(used), 50):
        known |= {item["id"] for item in mentor.all(RESOURCES, id=used[start : start + 50])}
    assert known == set(used)
    assert member.read(f"/api/curriculum/curricula/{noah}") == curriculum


def test_each_assignment_says_when_and_by_whom(mentor: Any, member: Any) -> None:
    noah = member.read("/api/identity/me")["person_id"]
    curriculum = mentor.read(f"/api/curriculum/curricula/{noah}")
    assert all(item["completed_at"] >= item["started_at"] for item in curriculum["completed"] if item["started_at"])
    assert all(item["planned_at"] and not item["completed_at"] for item in curriculum["now"])
    people = {one["account_id"] for one in curriculum["people"]}
    for state in STATES:
        for item in curriculum[state]:
            assert {item[f"{what}_by"] for what in ("assigned", "planned", "started", "completed")} - {None} <= people
    assert all(item["assigned_at"] for state in STATES for item in curriculum[state])


def test_assign_start_complete_reopen_and_unassign(mentor: Any, learner: dict[str, Any]) -> None:
    path = curriculum_of(learner)
    first, second = some_resources(mentor, 2)
    version = mentor.get(path).headers["etag"]
    for resource in (first, second):
        answer = mentor.post(f"{path}/assign", {"resource_id": resource, "state": "next"}, version)
        assert answer.status_code == 200, answer.text
        version = answer.headers["etag"]
    assert states(answer.json()) == {"completed": [], "now": [], "next": [first, second], "later": []}
    assignment = answer.json()["next"][0]["id"]
    for command, state in (("start", "now"), ("complete", "completed"), ("reopen", "now"), ("complete", "completed")):
        answer = mentor.post(f"{path}/assignments/{assignment}/{command}", version=version)
        assert answer.status_code == 200, answer.text
        assert [item["id"] for item in answer.json()[state]] == [assignment], command
        version = answer.headers["etag"]
    done = answer.json()["completed"][0]
    assert done["started_at"] <= done["completed_at"]
    other = answer.json()["next"][0]["id"]
    answer = mentor.post(f"{path}/assignments/{other}/unassign", version=version)
    assert states(answer.json()) == {"completed": [first], "now": [], "next": [], "later": []}
    assert mentor.read(path) == answer.json()


def test_a_period_is_committed_carried_over_and_undone(mentor: Any, learner: dict[str, Any]) -> None:
    path = curriculum_of(learner)
    version = mentor.get(path).headers["etag"]
    for resource in some_resources(mentor, 3):
        version = mentor.post(f"{path}/assign", {"resource_id": resource, "state": "next"}, version).headers["etag"]
    first, second, third = (item["id"] for item in mentor.read(path)["next"])
    committed = mentor.post(f"{path}/periods", {"assignment_ids": [second, first]}, version)
    assert committed.status_code == 201, committed.text
    assert [item["id"] for item in committed.json()["now"]] == [second, first]
    assert not any(item["started_at"] for item in committed.json()["now"])
    assert committed.json()["planning"]["period"]["capacity_minutes"] == 360
    again = mentor.post(f"{path}/periods", {"assignment_ids": [first, third]}, committed.headers["etag"])
    assert [[item["id"] for item in again.json()[state]] for state in ("now", "next")] == [[first, third], [second]]
    undone = mentor.post(f"{path}/periods/{again.json()['period_id']}/undo", version=again.headers["etag"])
    assert undone.status_code == 200, undone.text
    assert [undone.json()[state] for state in STATES] == [committed.json()[state] for state in STATES]
    said = {"minutes_per_week": 600, "meets_every_days": 14}
    time = mentor("PUT", f"{path}/commitment", undone.headers["etag"], json=said)
    assert time.json()["planning"]["usual_capacity_minutes"] == 1200
    assert mentor.read(f"{path}/commitments")["items"][0]["minutes_per_week"] == 600
    assert len(mentor.read(f"{path}/periods")["items"]) == 2


def test_a_path_is_assigned_in_its_own_order_and_only_once(mentor: Any, learner: dict[str, Any]) -> None:
    path = curriculum_of(learner)
    one = mentor.read("/api/topics/paths", limit=1)["items"][0]
    tree = mentor.read(f"/api/topics/paths/{one['id']}")
    topics = [topic for module in tree["modules"] for topic in module["topics"]]
    in_order = list(dict.fromkeys(item["id"] for topic in topics for item in topic["resources"]))
    answer = mentor.post(f"{path}/assign", {"path_id": one["id"]}, mentor.get(path).headers["etag"])
    assert answer.status_code == 200, answer.text
    assert states(answer.json())["later"] == in_order
    again = mentor.post(f"{path}/assign", {"path_id": one["id"]}, answer.headers["etag"])
    assert states(again.json())["later"] == in_order
    assert set(again.json()["skipped"]) == set(in_order)


def test_of_two_who_complete_at_once_one_is_told_to_look_again(mentor: Any, learner: dict[str, Any]) -> None:
    path = curriculum_of(learner)
    for resource in some_resources(mentor, 2):
        mentor.post(f"{path}/assign", {"resource_id": resource}, mentor.get(path).headers["etag"])
    before = mentor.get(path)
    commands = [f"{path}/assignments/{item['id']}/start" for item in before.json()["later"]]
    with ThreadPoolExecutor(2) as editors:
        answers = list(editors.map(lambda command: mentor.post(command, version=before.headers["etag"]), commands))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert len(mentor.read(path)["now"]) == 1


def test_a_command_must_say_which_version_it_changes(mentor: Any, learner: dict[str, Any]) -> None:
    path = curriculum_of(learner)
    assert mentor.post(f"{path}/assign", {"resource_id": some_resources(mentor, 1)[0]}).status_code == 428


def test_what_topics_doesnt_have_cant_be_assigned(mentor: Any, learner: dict[str, Any]) -> None:
    path = curriculum_of(learner)
    nothing = {"resource_id": "019a0000-0000-7000-8000-000000000000"}
    answer = mentor.post(f"{path}/assign", nothing, mentor.get(path).headers["etag"])
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["resource_id"]


def test_another_member_doesnt_learn_that_there_is_a_curriculum(member: Any, learner: dict[str, Any]) -> None:
    path = curriculum_of(learner)
    assert member.get(path).status_code == 404
    assert member.post(f"{path}/assign", {"path_id": learner["id"]}, '"1"').status_code in (403, 404)
    assert learner["id"] not in {item["person_id"] for item in member.all("/api/curriculum/curricula")}
