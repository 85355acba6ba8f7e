"""Curricula as a whole: the seed, who sees whose, creating and archiving."""

from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from gatehouse_chassis.testing import InProcessClient, Peer

from ..conftest import AVA, BASE, MARA, NOAH, TOMAS, Headers, as_person_answers, person_id, resource_id


async def listed(service: InProcessClient, headers: Headers, **params: Any) -> list[dict[str, Any]]:
    answer = await service.get(BASE, params={"limit": 200, **params}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_every_member_who_learns_has_a_curriculum(curriculum: InProcessClient, coordinator: Headers) -> None:
    found = await listed(curriculum, coordinator)
    counts = [sum(one[f"{state}_count"] for one in found) for state in ("completed", "now", "next", "later")]
    assert len(found) == 18
    assert sum(counts) == 646
    assert all(one["id"].replace("-0010-", "-0001-") == one["person_id"] for one in found)


async def test_a_member_sees_what_is_completed_now_next_and_later(curriculum: InProcessClient, noah: Headers) -> None:
    seen = (await curriculum.get(f"{BASE}/{NOAH}", headers=noah)).json()
    sizes = {state: len(seen[state]) for state in ("completed", "now", "next", "later")}
    ended = [one["completed_at"] for one in seen["completed"]]
    everything = [one for state in sizes for one in seen[state]]
    assert seen["person_id"] == NOAH
    assert sizes == {"completed": 33, "now": 4, "next": 9, "later": 46}
    assert ended == sorted(ended, reverse=True)
    assert [one["position"] for one in seen["later"]] == list(range(1, 47))
    assert seen["completed"][-1]["resource_id"] == resource_id(475)
    assert len({one["path_id"] for one in everything}) == 3
    assert all(one["started_at"] for one in seen["completed"])
    assert all(one["planned_at"] for one in seen["now"])
    assert not all(one["started_at"] for one in seen["now"])  # one is planned, and not begun


async def test_a_version_that_the_caller_has_isnt_sent_again(curriculum: InProcessClient, noah: Headers) -> None:
    first = await curriculum.get(f"{BASE}/{NOAH}", headers=noah)
    again = await curriculum.get(f"{BASE}/{NOAH}", headers={**noah, "If-None-Match": first.headers["etag"]})
    assert first.headers["etag"] == f'"{first.json()["version"]}"'
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("roles", "caller", "expected"),
    [
        (["member"], NOAH, 200),
        (["mentor"], MARA, 200),
        (["coordinator"], person_id(7), 200),
        (["admin"], person_id(11), 200),
        (["member"], AVA, 404),
        (["mentor"], TOMAS, 404),
        (["staff"], person_id(8), 404),
        (["board"], person_id(10), 404),
        (["engineer", "sre"], person_id(5), 404),
        (["member"], MARA, 404),
        (["member"], None, 404),
    ],
)
async def test_who_sees_noahs_curriculum(
    curriculum: InProcessClient, roles: list[str], caller: str | None, expected: int
) -> None:
    headers = curriculum.tokens.headers(*roles, person=caller)
    assert (await curriculum.get(f"{BASE}/{NOAH}", headers=headers)).status_code == expected


async def test_the_list_holds_what_the_caller_may_see(
    curriculum: InProcessClient, noah: Headers, mara: Headers, coordinator: Headers
) -> None:
    nobody = curriculum.tokens.headers("staff", person=person_id(8))
    service = curriculum.tokens.headers("member", kind="service")
    people = [
        {one["person_id"] for one in await listed(curriculum, headers)} for headers in (noah, mara, nobody, service)
    ]
    assert people == [{NOAH}, {NOAH, AVA}, set(), set()]
    assert [one["person_id"] for one in await listed(curriculum, mara, person=AVA)] == [AVA]
    assert await listed(curriculum, noah, person=AVA) == []
    assert len(await listed(curriculum, coordinator, person=[NOAH, AVA])) == 2


async def test_a_token_is_needed(curriculum: InProcessClient) -> None:
    assert (await curriculum.get(BASE)).status_code == 401
    assert (await curriculum.get(f"{BASE}/{NOAH}")).status_code == 401
    assert (await curriculum.post(f"{BASE}/{NOAH}/assign", json={})).status_code == 401


async def test_whoever_has_no_curriculum_gets_a_404(curriculum: InProcessClient, coordinator: Headers) -> None:
    for address in (f"{BASE}/{MARA}", f"{BASE}/{uuid4()}", f"{BASE}/nonsense"):
        assert (await curriculum.get(address, headers=coordinator)).status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [("colour=red", "colour"), ("person=1", "person"), ("sort=name", "sort"), ("cursor=x", "cursor")],
)
async def test_a_wrong_parameter_is_named(
    curriculum: InProcessClient, coordinator: Headers, query: str, field: str
) -> None:
    answer = await curriculum.get(f"{BASE}?{query}", headers=coordinator)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_curriculum_is_created_once_archived_and_restored(
    curriculum: InProcessClient, person: Peer, coordinator: Headers
) -> None:
    id = str(uuid4())
    person.answers["GET", f"/api/person/people/{id}/relationship"] = as_person_answers
    headers = {**coordinator, "Idempotency-Key": uuid4().hex}
    first = await curriculum.post(BASE, json={"person_id": id}, headers=headers)
    repeat = await curriculum.post(BASE, json={"person_id": id}, headers=headers)
    second = await curriculum.post(BASE, json={"person_id": id}, headers=coordinator)
    assert (first.status_code, repeat.status_code, second.status_code) == (201, 201, 409)
    assert first.headers["location"] == f"{BASE}/{id}"
    assert repeat.json() == first.json()
    archived = await curriculum.post(f"{BASE}/{id}/archive", headers={**coordinator, "If-Match": '"1"'})
    changed = await curriculum.post(
        f"{BASE}/{id}/assign",
        json={"resource_id": resource_id(1)},
        headers={**coordinator, "If-Match": '"2"'},
    )
    read = await curriculum.get(f"{BASE}/{id}", headers=coordinator)
    anew = await curriculum.post(BASE, json={"person_id": id}, headers=coordinator)
    restored = await curriculum.post(f"{BASE}/{id}/restore", headers={**coordinator, "If-Match": '"2"'})
    twice = await curriculum.post(f"{BASE}/{id}/restore", headers={**coordinator, "If-Match": '"3"'})
    assert [each.status_code for each in (archived, changed, anew, restored, twice)] == [200, 409, 409, 200, 409]
    assert read.json()["archived_at"] is not None
    assert (restored.json()["archived_at"], restored.headers["etag"]) == (None, '"3"')


async def test_a_curriculum_is_for_people_that_the_institute_knows(
    curriculum: InProcessClient, coordinator: Headers, noah: Headers, mara: Headers
) -> None:
    new = {"person_id": str(uuid4())}
    answers = [(await curriculum.post(BASE, json=new, headers=who)).status_code for who in (coordinator, mara, noah)]
    assert answers == [404, 404, 403]


async def test_every_route_has_a_guard_an_operation_id_and_a_summary(curriculum: InProcessClient) -> None:
    document = (await curriculum.get("/openapi.json")).json()
    operations = [
        operation
        for path, item in document["paths"].items()
        if path.startswith("/api/curriculum")
        for operation in item.values()
    ]
    assert len(operations) == 41
    assert all(one["security"] and one["summary"] and one["operationId"] for one in operations)


async def test_the_seed_is_built_from_the_real_paths(database_url: str) -> None:
    """As administrator: only tests may look into two schemas at once."""
    connection = await asyncpg.connect(database_url)
    try:
        astray = await connection.fetchval("""
            select count(*) from curriculum.assignment a where a.id::text like '019a0000-0011-%' and not exists (
                select from topics.path_module m join topics.path_topic pt on pt.module_id = m.id
                join topics.topic_resource tr on tr.topic_id = pt.topic_id
                where m.path_id = a.path_id and pt.topic_id = a.topic_id and tr.resource_id = a.resource_id)
        """)
        nobody = await connection.fetchval("""
            select count(*) from curriculum.curriculum c where c.id::text like '019a0000-0010-%' and not exists (
                select from person.person p
                where p.id = c.person_id and p.status in ('active', 'hold', 'onboarding'))
        """)
    finally:
        await connection.close()
    assert (astray, nobody) == (0, 0)
