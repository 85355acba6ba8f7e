"""Changes: lost updates, repeats, what isn't understood, and that archived things are out of the way."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

RESOURCES = "/api/topics/resources"


def fields(answer: Any) -> list[str]:
    return [error["field"] for error in answer.json()["errors"]]


def test_a_change_makes_a_new_version(mentor: Any, member: Any, resource: dict[str, Any]) -> None:
    path = f"{RESOURCES}/{resource['id']}"
    before = member.get(path)
    changed = mentor.patch(path, {"level": "candidate"}, before.headers["etag"])
    assert changed.status_code == 200
    assert changed.headers["etag"] != before.headers["etag"]
    assert changed.json()["version"] == resource["version"] + 1
    after = member.get(path)
    assert (after.json()["level"], after.headers["etag"]) == ("candidate", changed.headers["etag"])


def test_a_lost_update_is_refused(mentor: Any, resource: dict[str, Any]) -> None:
    path = f"{RESOURCES}/{resource['id']}"
    version = mentor.get(path).headers["etag"]
    assert mentor.patch(path, {"level": "apprentice"}, version).status_code == 200
    late = mentor.patch(path, {"level": "distinguished"}, version)
    assert (late.status_code, late.json()["type"]) == (412, "urn:gatehouse:problem:stale-version")
    assert mentor.read(path)["level"] == "apprentice"


def test_of_two_editors_at_once_one_wins_and_one_is_told(mentor: Any, resource: dict[str, Any]) -> None:
    path = f"{RESOURCES}/{resource['id']}"
    version = mentor.get(path).headers["etag"]
    levels = ["candidate", "apprentice", "practitioner", "craftsperson"]
    with ThreadPoolExecutor(len(levels)) as editors:
        answers = list(editors.map(lambda level: mentor.patch(path, {"level": level}, version), levels))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    winner = next(answer for answer in answers if answer.status_code == 200)
    assert mentor.read(path) == winner.json()


def test_a_change_must_say_which_version_it_changes(mentor: Any, resource: dict[str, Any]) -> None:
    answer = mentor.patch(f"{RESOURCES}/{resource['id']}", {"level": "master"})
    assert answer.status_code == 428
    nonsense = mentor.patch(f"{RESOURCES}/{resource['id']}", {"level": "master"}, "*")
    assert (nonsense.status_code, fields(nonsense)) == (400, ["If-Match"])


def test_a_read_of_a_version_that_one_has_sends_nothing(member: Any, resource: dict[str, Any]) -> None:
    path = f"{RESOURCES}/{resource['id']}"
    version = member.get(path).headers["etag"]
    answer = member("GET", path, headers={"If-None-Match": version})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", version)
    assert member("GET", path, headers={"If-None-Match": '"999"'}).status_code == 200


def test_an_unknown_field_is_named(mentor: Any, resource: dict[str, Any]) -> None:
    path = f"{RESOURCES}/{resource['id']}"
    answer = mentor.patch(path, {"levle": "master"}, mentor.get(path).headers["etag"])
    assert (answer.status_code, fields(answer)) == (400, ["levle"])
    assert answer.json()["instance"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("change", "field"),
    [({"kind": "podcast"}, "kind"), ({"url": "javascript:alert(1)"}, "url"), ({"name": ""}, "name")],
)
def test_a_wrong_value_is_named(mentor: Any, resource: dict[str, Any], change: dict[str, Any], field: str) -> None:
    path = f"{RESOURCES}/{resource['id']}"
    answer = mentor.patch(path, change, mentor.get(path).headers["etag"])
    assert (answer.status_code, fields(answer)) == (400, [field])


def test_a_repeated_creation_creates_once(mentor: Any, resource: dict[str, Any], unique: str) -> None:
    key = f"again-{unique}"
    new = {"name": f"Twice {unique}", "url": f"https://example.org/twice/{unique}", "kind": "book", "level": "master"}
    first = mentor.post(RESOURCES, new, **{"Idempotency-Key": key})
    again = mentor.post(RESOURCES, new, **{"Idempotency-Key": key})
    other = mentor.post(RESOURCES, {**new, "kind": "video"}, **{"Idempotency-Key": key})
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert [item["id"] for item in mentor.all(RESOURCES, search=unique, kind="book")] == [first.json()["id"]]
    archived = mentor.post(f"{first.headers['location']}/archive", version=first.headers["etag"])
    assert archived.status_code == 200


def test_two_equal_creations_at_once_create_once(mentor: Any, unique: str) -> None:
    new = {"name": f"Race {unique}", "url": f"https://example.org/race/{unique}", "kind": "book", "level": "master"}
    with ThreadPoolExecutor(4) as clients:
        answers = list(clients.map(lambda _: mentor.post(RESOURCES, new, **{"Idempotency-Key": unique}), range(4)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    assert [item["id"] for item in mentor.all(RESOURCES, search=unique)] == list(made)
    assert mentor.post(f"{RESOURCES}/{made.pop()}/archive", version='"1"').status_code == 200


def test_what_is_archived_is_out_of_the_way_and_not_lost(mentor: Any, resource: dict[str, Any]) -> None:
    path = f"{RESOURCES}/{resource['id']}"
    archived = mentor.post(f"{path}/archive", version=mentor.get(path).headers["etag"])
    assert archived.status_code == 200
    assert archived.json()["archived_at"]
    name = resource["name"]
    assert mentor.all(RESOURCES, search=name) == []
    assert [item["id"] for item in mentor.all(RESOURCES, search=name, archived="true")] == [resource["id"]]
    assert mentor.post(f"{path}/archive", version=archived.headers["etag"]).status_code == 409
