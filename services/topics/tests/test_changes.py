"""Adding, changing and archiving: versions, repeats, what is refused, and who may."""

from typing import Any
from uuid import uuid4

import pytest

from gatehouse_chassis.testing import InProcessClient, account_id
from gatehouse_chassis.testing.people import caller

RESOURCE = "019a0000-0004-7000-8000-{:012d}"
TOPIC = "019a0000-0003-7000-8000-{:012d}"
PATH = "019a0000-0005-7000-8000-{:012d}"
BASE = "/api/topics"
Headers = dict[str, str]


def resource(**changes: Any) -> dict[str, Any]:
    unique = uuid4().hex
    new = {"name": f"Resource {unique}", "url": f"https://example.org/{unique}", "kind": "article", "level": "master"}
    return new | changes


async def made(topics: InProcessClient, mentor: Headers, what: str, new: dict[str, Any]) -> dict[str, Any]:
    answer = await topics.post(f"{BASE}/{what}", json=new, headers=mentor)
    assert answer.status_code == 201, answer.text
    return answer.json()


def errors(answer: Any) -> list[str]:
    return [error["field"] for error in answer.json()["errors"]]


async def test_a_new_resource_gets_the_next_number(topics: InProcessClient, mentor: Headers, member: Headers) -> None:
    answer = await topics.post(f"{BASE}/resources", json=resource(interests=["ux", "ux"]), headers=mentor)
    one = answer.json()
    another = await made(topics, mentor, "resources", resource())
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"1"'
    assert (await topics.get(answer.headers["location"], headers=member)).json() == one
    assert one["number"] > 725
    assert another["number"] == one["number"] + 1
    assert (one["cost"], one["link_status"], one["interests"]) == ("free", "unchecked", ["ux"])


async def test_a_repeated_creation_makes_one_resource(topics: InProcessClient, mentor: Headers) -> None:
    new, headers = resource(), {**mentor, "Idempotency-Key": uuid4().hex}
    first = await topics.post(f"{BASE}/resources", json=new, headers=headers)
    again = await topics.post(f"{BASE}/resources", json=new, headers=headers)
    other = await topics.post(f"{BASE}/resources", json=resource(), headers=headers)
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert again.json() == first.json()


async def test_an_address_that_is_there_already_is_a_conflict(topics: InProcessClient, mentor: Headers) -> None:
    new = resource()
    await made(topics, mentor, "resources", new)
    answer = await topics.post(f"{BASE}/resources", json=new, headers=mentor)
    assert answer.status_code == 409


async def test_a_lost_update_is_refused(topics: InProcessClient, mentor: Headers) -> None:
    one = await made(topics, mentor, "resources", resource())
    address = f"{BASE}/resources/{one['id']}"
    first = await topics.patch(address, json={"level": "apprentice"}, headers={**mentor, "If-Match": '"1"'})
    second = await topics.patch(address, json={"level": "candidate"}, headers={**mentor, "If-Match": '"1"'})
    blind = await topics.patch(address, json={"level": "candidate"}, headers=mentor)
    assert (first.status_code, second.status_code, blind.status_code) == (200, 412, 428)
    assert first.headers["etag"] == '"2"'
    assert (await topics.get(address, headers=mentor)).json()["level"] == "apprentice"


async def test_what_the_caller_has_already_isnt_sent_again(topics: InProcessClient, member: Headers) -> None:
    for address in (RESOURCE.format(1), TOPIC.format(1), PATH.format(1)):
        kind = {"0004": "resources", "0003": "topics", "0005": "paths"}[address[9:13]]
        first = await topics.get(f"{BASE}/{kind}/{address}", headers=member)
        again = await topics.get(f"{BASE}/{kind}/{address}", headers={**member, "If-None-Match": first.headers["etag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


async def test_a_renamed_resource_shows_in_topics_and_paths_at_once(
    topics: InProcessClient, mentor: Headers, member: Headers
) -> None:
    name = f"Figma in short {uuid4().hex}"
    answer = await topics.patch(
        f"{BASE}/resources/{RESOURCE.format(228)}", json={"name": name}, headers={**mentor, "If-Match": '"1"'}
    )
    assert answer.status_code == 200, answer.text
    for address in (f"topics/{TOPIC.format(4)}", f"paths/{PATH.format(2)}"):
        seen = await topics.get(f"{BASE}/{address}", headers={**member, "If-None-Match": '"1"'})
        assert seen.status_code == 200
        assert name in seen.text


async def test_an_archived_resource_leaves_lists_and_topics_but_is_found_by_id(
    topics: InProcessClient, mentor: Headers
) -> None:
    one = await made(topics, mentor, "resources", resource(name=f"Old news {uuid4().hex}"))
    topic = await made(topics, mentor, "topics", {"name": uuid4().hex, "resources": [one["id"]]})
    archive = f"{BASE}/resources/{one['id']}/archive"
    gone = await topics.post(archive, headers={**mentor, "If-Match": '"1"'})
    again = await topics.post(archive, headers={**mentor, "If-Match": '"2"'})
    searched = await topics.get(f"{BASE}/resources", params={"search": one["name"]}, headers=mentor)
    archived = await topics.get(f"{BASE}/resources", params={"search": one["name"], "archived": "true"}, headers=mentor)
    by_id = await topics.get(f"{BASE}/resources", params={"id": one["id"]}, headers=mentor)
    shown = await topics.get(f"{BASE}/topics/{topic['id']}", headers=mentor)
    assert (gone.status_code, again.status_code) == (200, 409)
    assert [len(found.json()["items"]) for found in (searched, archived, by_id)] == [0, 1, 1]
    assert shown.json()["resources"] == []


async def test_a_technology_must_be_a_skill(topics: InProcessClient, mentor: Headers) -> None:
    refused = await topics.post(f"{BASE}/resources", json=resource(technologies=["Pyhton"]), headers=mentor)
    skill = await made(topics, mentor, "skills", {"name": f"Zig {uuid4().hex}"})
    taken = await topics.post(f"{BASE}/resources", json=resource(technologies=[skill["name"]]), headers=mentor)
    twice = await topics.post(f"{BASE}/skills", json={"name": skill["name"].upper()}, headers=mentor)
    assert (refused.status_code, errors(refused)) == (400, ["technologies"])
    assert "Python" in refused.text
    assert (taken.status_code, twice.status_code) == (201, 409)


async def test_skills_are_described_and_archived(topics: InProcessClient, mentor: Headers) -> None:
    skill = await made(topics, mentor, "skills", {"name": uuid4().hex})
    address = f"{BASE}/skills/{skill['id']}"
    described = await topics.patch(address, json={"description": "Text"}, headers={**mentor, "If-Match": '"1"'})
    renamed = await topics.patch(address, json={"name": "Other"}, headers={**mentor, "If-Match": '"2"'})
    archived = await topics.post(f"{address}/archive", headers={**mentor, "If-Match": '"2"'})
    refused = await topics.post(f"{BASE}/resources", json=resource(technologies=[skill["name"]]), headers=mentor)
    assert described.json()["description"] == "Text"
    assert (renamed.status_code, archived.status_code, refused.status_code) == (400, 200, 400)


async def test_a_topics_resources_are_replaced_in_the_order_given(topics: InProcessClient, mentor: Headers) -> None:
    topic = await made(
        topics, mentor, "topics", {"name": uuid4().hex, "resources": [RESOURCE.format(n) for n in (3, 1, 2)]}
    )
    answer = await topics.patch(
        f"{BASE}/topics/{topic['id']}",
        json={"resources": [RESOURCE.format(n) for n in (2, 3, 9)]},
        headers={**mentor, "If-Match": '"1"'},
    )
    assert [one["number"] for one in topic["resources"]] == [3, 1, 2]
    assert [one["number"] for one in answer.json()["resources"]] == [2, 3, 9]
    assert answer.headers["etag"] == '"2"'
    assert answer.json()["name"] == topic["name"]


async def test_a_topic_refuses_resources_that_arent_there(topics: InProcessClient, mentor: Headers) -> None:
    ids = [RESOURCE.format(1), str(uuid4()), RESOURCE.format(1)]
    answer = await topics.post(f"{BASE}/topics", json={"name": uuid4().hex, "resources": ids}, headers=mentor)
    assert (answer.status_code, errors(answer)) == (400, ["resources.1", "resources.2"])


async def test_a_refused_change_leaves_the_topic_as_it_was(topics: InProcessClient, mentor: Headers) -> None:
    topic = await made(topics, mentor, "topics", {"name": uuid4().hex, "resources": [RESOURCE.format(5)]})
    address = f"{BASE}/topics/{topic['id']}"
    stale = await topics.patch(address, json={"resources": []}, headers={**mentor, "If-Match": '"7"'})
    wrong = await topics.patch(
        address, json={"name": "New", "resources": [str(uuid4())]}, headers={**mentor, "If-Match": '"1"'}
    )
    assert (stale.status_code, wrong.status_code) == (412, 400)
    assert (await topics.get(address, headers=mentor)).json() == topic


async def test_a_path_is_built_rearranged_and_archived(topics: InProcessClient, mentor: Headers) -> None:
    new = {
        "name": f"Path {uuid4().hex}",
        "interests": ["data"],
        "modules": [{"name": "First", "topics": [TOPIC.format(1), TOPIC.format(4)]}, {"name": "Second"}],
    }
    path = await made(topics, mentor, "paths", new)
    first, second = path["modules"]
    change = {
        "modules": [
            {"name": "Between", "topics": [TOPIC.format(9)]},
            {"id": second["id"], "name": "Second", "topics": [TOPIC.format(4)]},
            {"id": first["id"], "name": "Last"},
        ]
    }
    address = f"{BASE}/paths/{path['id']}"
    changed = (await topics.patch(address, json=change, headers={**mentor, "If-Match": '"1"'})).json()
    archived = await topics.post(f"{address}/archive", headers={**mentor, "If-Match": '"2"'})
    listed = await topics.get(f"{BASE}/paths", params={"search": path["name"]}, headers=mentor)
    assert [len(topic["resources"]) for topic in first["topics"]] == [9, 10]
    assert [module["name"] for module in changed["modules"]] == ["Between", "Second", "Last"]
    assert [module["id"] for module in changed["modules"][1:]] == [second["id"], first["id"]]
    assert changed["interests"] == ["data"]
    assert archived.status_code == 200
    assert listed.json()["items"] == []


async def test_a_path_refuses_topics_and_modules_that_arent_its(topics: InProcessClient, mentor: Headers) -> None:
    unknown = {"name": uuid4().hex, "modules": [{"name": "One", "topics": [str(uuid4())]}]}
    foreign = {"name": uuid4().hex, "modules": [{"name": "One", "id": "019a0000-0018-7000-8000-000000000001"}]}
    answers = [await topics.post(f"{BASE}/paths", json=new, headers=mentor) for new in (unknown, foreign)]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert [errors(answer) for answer in answers] == [["modules.0.topics.0"], ["modules.0.id"]]


async def test_a_person_has_one_rating_of_a_resource(topics: InProcessClient, mentor: Headers) -> None:
    one = await made(topics, mentor, "resources", resource())
    address = f"{BASE}/resources/{one['id']}/ratings"
    people = [topics.tokens.headers("member", person=uuid4()) for _ in range(3)]
    for person, stars in zip(people, (5, 4, 1), strict=True):
        await topics.put(f"{address}/mine", json={"stars": stars}, headers=person)
    changed = await topics.put(f"{address}/mine", json={"stars": 3, "note": "Better now."}, headers=people[2])
    stale = await topics.put(f"{address}/mine", json={"stars": 1}, headers={**people[2], "If-Match": '"1"'})
    summary = (await topics.get(address, headers=people[2])).json()
    assert (changed.status_code, changed.headers["etag"], stale.status_code) == (200, '"2"', 412)
    assert (summary["count"], summary["average"], summary["stars"]) == (3, 4.0, [0, 0, 1, 1, 1])
    assert summary["mine"]["note"] == "Better now."
    assert (await topics.get(address, headers=mentor)).json()["mine"] is None


async def test_one_persons_five_stars_are_not_the_best_of_all(topics: InProcessClient, mentor: Headers) -> None:
    marked = f"Rated {uuid4().hex}"
    given = {"one five": [5], "twenty good": [5] * 16 + [4] * 4, "bad": [1, 2], "unrated": []}
    ids = {}
    for name, stars in given.items():
        ids[name] = (await made(topics, mentor, "resources", resource(name=f"{marked} {name}")))["id"]
        for one in stars:
            person = topics.tokens.headers("member", person=uuid4())
            await topics.put(f"{BASE}/resources/{ids[name]}/ratings/mine", json={"stars": one}, headers=person)
    params = {"search": marked, "sort": "-rating"}
    best = (await topics.get(f"{BASE}/resources", params=params, headers=mentor)).json()["items"]
    assert [row["id"] for row in best] == [ids[name] for name in ("twenty good", "one five", "unrated", "bad")]
    assert [(row["ratings"], row["stars"]) for row in best] == [(20, 4.8), (1, 5.0), (0, None), (2, 1.5)]


async def test_others_read_a_line_without_a_name_and_no_note(topics: InProcessClient, mentor: Headers) -> None:
    one = await made(topics, mentor, "resources", resource())
    address = f"{BASE}/resources/{one['id']}/ratings"
    member = topics.tokens.headers("member", person=uuid4())
    for said in ({"stars": 2, "note": "I was tired."}, {"stars": 4, "line": "Skip part 2."}, {"stars": 3}):
        assert (await topics.put(f"{address}/mine", json=said, headers=member)).status_code == 200
    seen = (await topics.get(address, headers=mentor)).json()
    assert [line.keys() for line in seen["lines"]] == [{"stars", "line", "changed_at"}]
    assert (seen["lines"][0]["line"], seen["mine"]) == ("Skip part 2.", None)
    own = await topics.put(f"{address}/mine", json={"stars": 3, "line": None}, headers=member)
    assert (own.json()["note"], own.json()["line"]) == ("I was tired.", None)
    assert (await topics.get(address, headers=mentor)).json()["lines"] == []


async def test_only_people_rate(topics: InProcessClient) -> None:
    service = topics.tokens.headers("member", kind="service")
    answer = await topics.put(f"{BASE}/resources/{RESOURCE.format(1)}/ratings/mine", json={"stars": 3}, headers=service)
    assert answer.status_code == 403


@pytest.mark.parametrize("role", ["mentor", "coordinator", "staff", "admin"])
async def test_those_who_look_after_members_may_add(topics: InProcessClient, role: str) -> None:
    await made(topics, topics.tokens.headers(role), "topics", {"name": uuid4().hex})


@pytest.mark.parametrize("role", ["member", "engineer", "board", "partner", "finance"])
async def test_others_may_only_read(topics: InProcessClient, role: str) -> None:
    headers = topics.tokens.headers(role, person=uuid4())
    refused = await topics.post(f"{BASE}/topics", json={"name": "Mine"}, headers=headers)
    read = await topics.get(f"{BASE}/topics", headers=headers)
    assert (refused.status_code, read.status_code) == (403, 200)


@pytest.mark.parametrize("what", ["resources", "topics", "paths", "skills"])
async def test_a_token_is_needed_and_what_isnt_there_is_a_404(
    topics: InProcessClient, member: Headers, what: str
) -> None:
    assert (await topics.get(f"{BASE}/{what}")).status_code == 401
    assert (await topics.get(f"{BASE}/{what}/{uuid4()}", headers=member)).status_code == 404
    assert (await topics.get(f"{BASE}/{what}/nonsense", headers=member)).status_code == 404


@pytest.mark.parametrize(
    ("what", "body", "field"),
    [
        ("resources", resource(colour="red"), "colour"),
        ("resources", resource(name=" x"), "name"),
        ("resources", resource(name="a\u0000b"), "name"),
        ("resources", resource(name="line\nbreak"), "name"),
        ("resources", resource(name="x" * 201), "name"),
        ("resources", resource(name=7), "name"),
        ("resources", resource(url="ftp://example.org"), "url"),
        ("resources", resource(url="https://"), "url"),
        ("resources", resource(url="https://example.org/a b"), "url"),
        ("resources", resource(url="https://example.org/" + "x" * 2083), "url"),
        ("resources", resource(kind="film"), "kind"),
        ("resources", resource(cost=None), "cost"),
        ("resources", resource(level="boss"), "level"),
        ("resources", resource(interests=["api", "tea"]), "interests[1]"),
        ("resources", resource(technologies=["x"] * 21), "technologies"),
        ("resources", resource(description="\u0000"), "description"),
        ("topics", {"name": "T", "resources": ["12"]}, "resources[0]"),
        ("topics", {"name": "T", "resources": [RESOURCE.format(1)] * 201}, "resources"),
        ("paths", {"name": "P", "modules": [{"name": "M", "kind": 1}]}, "kind"),
        ("paths", {"name": "P", "modules": [{}]}, "name"),
        ("skills", {}, "name"),
    ],
)
async def test_a_body_that_doesnt_fit_is_refused_by_field(
    topics: InProcessClient, mentor: Headers, what: str, body: dict[str, Any], field: str
) -> None:
    answer = await topics.post(f"{BASE}/{what}", json=body, headers=mentor)
    assert answer.status_code == 400
    assert len(errors(answer)) == 1
    assert errors(answer)[0].endswith(field)


async def test_every_route_has_a_guard_an_operation_id_and_a_summary(topics: InProcessClient) -> None:
    document = (await topics.get("/openapi.json")).json()
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    own = [operation for operation in operations if operation.get("tags") and operation["tags"] != ["platform"]]
    assert len(own) == 31
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation["security"] and operation["summary"] for operation in own)


async def test_history_says_who_changed_what_from_what_to_what(topics: InProcessClient, mentor: Headers) -> None:
    new = resource(description="First")
    one = await made(topics, mentor, "resources", new)
    change = {"description": "Second", "interests": ["ux"]}
    answer = await topics.patch(f"{BASE}/resources/{one['id']}", json=change, headers={**mentor, "If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    kept = await topics.get(f"/privacy/history/resource/{one['id']}", headers=topics.by("admin"))
    (entry,) = kept.json()
    assert entry["changes"] == {"description": ["First", "Second"], "interests": [[], ["ux"]]}
    assert entry["actor_id"] == account_id(caller("mentor").number)
    assert entry["row_version"] == 2
