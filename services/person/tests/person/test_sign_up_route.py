"""Whom an address belongs to: for another service, one person however often it asks."""

import asyncio

import pytest

from gatehouse_chassis.testing import person_id

PATH = "/api/person/people/of-sign-ups"


async def test_fifty_at_once_add_one_person(person, by, by_service):
    async def one(number: int) -> tuple[int, dict]:
        body = {"name": "Zoë O'Neil 🌱", "email": "Zoe+Fifty@example.org" if number % 2 else "zoe+fifty@example.org"}
        while (answer := await person.post(PATH, json=body, headers=by_service)).status_code == 503:
            pass
        return answer.status_code, answer.json()

    answers = await asyncio.gather(*(one(number) for number in range(50)))
    assert {status for status, _ in answers} == {200}
    assert {found["status"] for _, found in answers} == {"pending"}
    (id,) = {found["id"] for _, found in answers}
    listed = await person.get("/api/person/people", params={"search": "Zoë O'Neil"}, headers=by("coordinator"))
    assert [one["id"] for one in listed.json()["items"]] == [id]


async def test_who_is_known_stays_as_they_are(person, by, by_service):
    headers = by("coordinator")
    before = (await person.get(f"/api/person/people/{person_id(2)}", headers=headers)).json()
    body = {"name": "Somebody Else", "email": before["email"].upper(), "time_zone": "Asia/Tokyo"}
    found = (await person.post(PATH, json=body, headers=by_service)).json()
    assert found == {"id": before["id"], "status": before["status"]}
    assert (await person.get(f"/api/person/people/{person_id(2)}", headers=headers)).json() == before


@pytest.mark.parametrize("who", ["member", "coordinator", "admin"])
async def test_people_never_ask(person, by, who):
    answer = await person.post(PATH, json={"name": "Ada", "email": "ada@example.org"}, headers=by(who))
    assert answer.status_code == 401


async def test_what_somebody_agreed_to_on_a_form_is_noted_once(person, by, by_service):
    agreed = [{"kind": kind, "document_version": "2024-09"} for kind in ("code_of_conduct", "data_processing")]
    body = {"name": "Zoë O'Neil 🌱", "email": "zoe+agrees@example.org", "consents": agreed}
    (id,) = {(await person.post(PATH, json=body, headers=by_service)).json()["id"] for _ in range(2)}
    found = (await person.get(f"/api/person/people/{id}/consents", headers=by("coordinator"))).json()["items"]
    assert sorted(one["kind"] for one in found) == ["code_of_conduct", "data_processing"]


async def test_an_introduction_has_a_time_for_who_awaits_one(person, by, by_service):
    new = {"name": "Nguyễn Thị", "email": "nguyen+talk@example.org"}
    id = (await person.post(PATH, json=new, headers=by_service)).json()["id"]
    path = f"/api/person/people/{id}/introduction"
    for at, version in (("2026-12-10T17:00:00Z", 2), ("2026-12-10T17:00:00Z", 2), (None, 3)):
        answer = await person.put(path, json={"at": at}, headers=by_service)
        assert (answer.status_code, answer.json()["version"]) == (200, version)
    active = f"/api/person/people/{person_id(2)}/introduction"
    assert (await person.put(active, json={"at": None}, headers=by_service)).status_code == 409
    assert (await person.put(path, json={"at": None}, headers=by("coordinator"))).status_code == 401
