"""What hangs on a person: the profile, what they consented to, and who mentors them."""

import pytest

from gatehouse_chassis.testing import person_id

PEOPLE = "/api/person/people"
ASSIGNMENTS = "/api/person/mentor-assignments"


async def test_everyone_tells_of_themselves_what_they_like(person, by):
    path = f"{PEOPLE}/{person_id(2)}/profile"
    read = await person.get(path, headers=by("member"))
    change = {
        "headline": "Maps and pages",
        "bio": "I like\n\n* maps\n* pages",
        "links": [{"label": "Maps", "url": "https://maps.example.org/~noah"}],
        "interests": ["maps", "accessibility"],
    }
    answer = await person.patch(path, headers=by("member", if_match=read.headers["etag"]), json=change)
    assert answer.status_code == 200, answer.text
    assert {name: answer.json()[name] for name in change} == change
    seen = await person.get(path, headers=by("mentor"))
    assert seen.json() == answer.json()
    stale = await person.patch(path, headers=by("member", if_match=read.headers["etag"]), json=change)
    assert stale.status_code == 412


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"links": [{"label": "x", "url": "javascript:alert(1)"}]}, "links[0].url"),
        ({"links": [{"label": "x"}]}, "links[0].url"),
        ({"interests": ["a\x00"]}, "interests[0]"),
        ({"interests": ["x"] * 21}, "interests"),
        ({"bio": "a\x00b"}, "bio"),
        ({"person_id": person_id(3)}, "person_id"),
    ],
)
async def test_a_wrong_field_of_a_profile_is_named(person, by, change, field):
    path = f"{PEOPLE}/{person_id(3)}/profile"
    answer = await person.patch(path, headers=by("coordinator", if_match='"1"'), json=change)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(("caller", "status"), [("mentor", 403), ("other mentor", 404), ("staff", 200)])
async def test_who_changes_the_profile_of_another(person, by, caller, status):
    path = f"{PEOPLE}/{person_id(19)}/profile"
    answer = await person.patch(path, headers=by(caller, if_match='"1"'), json={"headline": "Data, mostly"})
    assert answer.status_code == status


async def test_a_consent_is_given_once_and_may_be_withdrawn(person, by):
    path = f"{PEOPLE}/{person_id(18)}/consents"
    new = {"kind": "public_profile", "document_version": "2026-01"}
    given = await person.post(path, headers=by("unmatched member"), json=new)
    assert given.status_code == 201
    assert (await person.get(given.headers["location"], headers=by("unmatched member"))).json() == given.json()
    assert (await person.post(path, headers=by("unmatched member"), json=new)).status_code == 409
    withdraw = f"{given.headers['location']}/withdraw"
    assert (await person.post(withdraw, headers=by("unmatched member"))).status_code == 428
    withdrawn = await person.post(withdraw, headers=by("unmatched member", if_match='"1"'))
    assert withdrawn.status_code == 200
    assert withdrawn.json()["withdrawn_at"] is not None
    again = await person.post(withdraw, headers=by("unmatched member", if_match='"2"'))
    assert again.status_code == 409
    assert (await person.post(path, headers=by("unmatched member"), json=new)).status_code == 201
    of_this_kind = await person.get(path, headers=by("unmatched member"), params={"kind": "public_profile"})
    assert [one["withdrawn_at"] is None for one in of_this_kind.json()["items"]] == [True, False]
    open_ones = await person.get(path, headers=by("staff"), params={"kind": "public_profile", "withdrawn": "false"})
    assert len(open_ones.json()["items"]) == 1


async def test_a_consent_is_found_under_its_own_person_only(person, by):
    of_noah = "019a0000-0013-7000-8000-000000000020"
    assert (await person.get(f"{PEOPLE}/{person_id(2)}/consents/{of_noah}", headers=by("staff"))).status_code == 200
    assert (await person.get(f"{PEOPLE}/{person_id(3)}/consents/{of_noah}", headers=by("staff"))).status_code == 404
    withdraw = f"{PEOPLE}/{person_id(3)}/consents/{of_noah}/withdraw"
    assert (await person.post(withdraw, headers=by("staff", if_match='"1"'))).status_code == 404


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
