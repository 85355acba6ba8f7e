"""Assigning mentors and ending assignments, over HTTP."""

import pytest

from gatehouse_chassis.testing import person_id

PEOPLE = "/api/person/people"
ASSIGNMENTS = "/api/person/mentor-assignments"


async def test_a_mentor_sees_a_member_for_as_long_as_the_assignment_lasts(person, by):
    member = f"{PEOPLE}/{person_id(26)}"
    assert (await person.get(member, headers=by("mentor"))).status_code == 404
    pair = {"mentor_id": person_id(1), "member_id": person_id(26)}
    assigned = await person.post(ASSIGNMENTS, headers=by("coordinator", idempotency_key="pair"), json=pair)
    assert assigned.status_code == 201
    seen = await person.get(member, headers=by("mentor"))
    assert (seen.json()["view"], seen.json()["mentor_id"]) == ("full", person_id(1))
    # Who mentors somebody is part of what they look like: a page that was kept is stale now.
    assert seen.headers["etag"] == '"2"'

    end = f"{ASSIGNMENTS}/{assigned.json()['id']}/end"
    assert (await person.post(end, headers=by("mentor", if_match='"1"'), json={})).status_code == 403
    assert (await person.post(end, headers=by("coordinator"), json={})).status_code == 428
    ended = await person.post(end, headers=by("coordinator", if_match='"1"'), json={"reason": "Moved"})
    assert (ended.status_code, ended.json()["end_reason"]) == (200, "Moved")
    assert (await person.post(end, headers=by("coordinator", if_match='"2"'), json={})).status_code == 409
    assert (await person.get(member, headers=by("mentor"))).status_code == 404
    assert (await person.get(f"{ASSIGNMENTS}/{assigned.json()['id']}", headers=by("mentor"))).status_code == 404


@pytest.mark.parametrize(
    ("mentor", "member", "status"),
    [
        (1, 1, 400),  # himself
        (1, 99, 400),  # nobody
        (1, 14, 409),  # has a mentor
        (1, 16, 409),  # still pending
        (1, 23, 409),  # archived
        (20, 18, 409),  # the mentor is on hold
    ],
)
async def test_who_can_not_be_assigned(person, by, mentor, member, status):
    pair = {"mentor_id": person_id(mentor), "member_id": person_id(member)}
    answer = await person.post(ASSIGNMENTS, headers=by("coordinator"), json=pair)
    assert answer.status_code == status


async def test_only_staff_assign(person, by):
    pair = {"mentor_id": person_id(1), "member_id": person_id(18)}
    for caller in ("mentor", "unmatched member", "sre"):
        assert (await person.post(ASSIGNMENTS, headers=by(caller), json=pair)).status_code == 403


async def test_when_a_mentor_is_archived_the_members_have_none(person, by):
    new = {"name": "Short Mentor", "email": "short.mentor@example.org"}
    mentor = (await person.post(PEOPLE, headers=by("coordinator"), json=new)).json()
    path = f"{PEOPLE}/{mentor['id']}"
    for version, status in enumerate(("onboarding", "matching", "active"), 1):
        headers = by("coordinator", if_match=f'"{version}"')
        assert (await person.post(f"{path}/status", headers=headers, json={"status": status})).status_code == 200
    pair = {"mentor_id": mentor["id"], "member_id": person_id(34)}
    assert (await person.post(ASSIGNMENTS, headers=by("coordinator"), json=pair)).status_code == 201
    before = (await person.get(f"{PEOPLE}/{person_id(34)}", headers=by("staff"))).json()
    archived = await person.post(f"{path}/archive", headers=by("coordinator", if_match='"4"'))
    assert archived.status_code == 200
    after = (await person.get(f"{PEOPLE}/{person_id(34)}", headers=by("staff"))).json()
    assert (before["mentor_id"], after["mentor_id"]) == (mentor["id"], None)
    assert after["version"] == before["version"] + 1
