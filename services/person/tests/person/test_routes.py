"""Listing, adding, changing, moving and archiving people, over HTTP."""

import asyncio

import psycopg
import pytest

from gatehouse_chassis.testing import person_id

PEOPLE = "/api/person/people"


async def added(person, by, name: str, **more: str) -> dict:
    body = {"name": name, "email": f"{name.lower().replace(' ', '.')}@example.org", **more}
    answer = await person.post(PEOPLE, headers=by("coordinator"), json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def moved(person, by, one: dict, *statuses: str) -> dict:
    for status in statuses:
        headers = by("coordinator", if_match=f'"{one["version"]}"')
        answer = await person.post(f"{PEOPLE}/{one['id']}/status", headers=headers, json={"status": status})
        assert answer.status_code == 200, answer.text
        one = answer.json()
    return one


async def test_people_are_found_by_part_of_their_name(person, by):
    answer = await person.get(PEOPLE, headers=by("staff"), params={"search": "adEYE"})
    assert [one["name"] for one in answer.json()["items"]] == ["Noah Adeyemi"]


async def test_people_are_filtered_and_sorted(person, by):
    params = {"mastery": ["master", "distinguished"], "status": "active", "sort": "-name"}
    answer = await person.get(PEOPLE, headers=by("staff"), params=params)
    assert [one["name"] for one in answer.json()["items"]] == ["Ruth Abara", "Mara Lindgren", "Grace Holloway"]
    answer = await person.get(PEOPLE, headers=by("staff"), params={"mentor": person_id(15)})
    assert [one["name"] for one in answer.json()["items"]] == ["Jonas Berg", "Leon Fischer", "Umar Farouk"]
    answer = await person.get(PEOPLE, headers=by("staff"), params={"sort": "-joined", "limit": "200"})
    days = [one["joined_on"] for one in answer.json()["items"] if one["joined_on"]]
    assert days == sorted(days, reverse=True)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"status": "busy"}, "status"),
        ({"mentor": "mara"}, "mentor"),
        ({"limit": "201"}, "limit"),
        ({"sort": "email"}, "sort"),
        ({"cursor": "AAAA"}, "cursor"),
        ({"search": "a\x00b"}, "search"),
    ],
)
async def test_a_wrong_parameter_is_named(person, by, params, field):
    answer = await person.get(PEOPLE, headers=by("staff"), params=params)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_new_person_is_pending_and_has_an_empty_profile(person, by):
    answer = await person.post(
        PEOPLE, headers=by("coordinator"), json={"name": "Zoë 李", "email": "zoe@example.org", "specialty": "ui"}
    )
    assert answer.status_code == 201
    one = answer.json()
    assert answer.headers["location"] == f"{PEOPLE}/{one['id']}"
    assert answer.headers["etag"] == '"1"'
    assert (one["status"], one["mastery"], one["view"], one["version"]) == ("pending", "candidate", "full", 1)
    assert one["created_by"] == "019a0000-0002-7000-8000-000000000007"
    profile = await person.get(f"{PEOPLE}/{one['id']}/profile", headers=by("coordinator"))
    assert (profile.json()["bio"], profile.json()["links"], profile.json()["interests"]) == ("", [], [])


async def test_repeating_a_creation_with_its_key_changes_nothing(person, by):
    body = {"name": "Twice Sent", "email": "twice.sent@example.org"}
    headers = by("coordinator", idempotency_key="twice-sent")
    first = await person.post(PEOPLE, headers=headers, json=body)
    again = await person.post(PEOPLE, headers=headers, json=body)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    other = await person.post(PEOPLE, headers=headers, json=body | {"name": "Another"})
    assert other.status_code == 422


async def test_two_people_can_not_share_an_address(person, by):
    one = await added(person, by, "First Come")
    body = {"name": "Second", "email": "FIRST.come@example.org"}
    answer = await person.post(PEOPLE, headers=by("coordinator"), json=body)
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["field"] == "email"
    second = await added(person, by, "Second Come")
    headers = by("coordinator", if_match='"1"')
    answer = await person.patch(f"{PEOPLE}/{second['id']}", headers=headers, json={"email": one["email"]})
    assert answer.status_code == 409


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"nickname": "x"}, "nickname"),
        ({"name": ""}, "name"),
        ({"name": " padded"}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": None}, "name"),
        ({"email": "nowhere"}, "email"),
        ({"phone": "call me"}, "phone"),
        ({"mastery": "wizard"}, "mastery"),
        ({"time_zone": "Berlin; drop"}, "time_zone"),
        ({"joined_on": "yesterday"}, "joined_on"),
        ({"intro_scheduled_for": "2026-01-01T09:00:00"}, "intro_scheduled_for"),
        ({"intro_scheduled_for": "0001-01-01T00:00:00+01:00"}, "intro_scheduled_for"),
        ({"intro_scheduled_for": 10**30}, "intro_scheduled_for"),
        ({"status": "active"}, "status"),
    ],
)
async def test_a_wrong_field_is_named(person, by, change, field):
    headers = by("coordinator", if_match='"1"')
    answer = await person.patch(f"{PEOPLE}/{person_id(40)}", headers=headers, json=change)
    assert answer.status_code == 400, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    "body", [b'{"name": "\\ud800"}', b'{"name": "\xff"}', b"[]", b"", b"{", b"null", b'{"name": 1e999}']
)
async def test_nonsense_is_a_400(person, by, body):
    headers = by("coordinator", if_match='"1"', content_type="application/json")
    answer = await person.patch(f"{PEOPLE}/{person_id(40)}", headers=headers, content=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_change_needs_the_version_that_it_changes(person, by):
    one = await added(person, by, "Changing Person")
    path = f"{PEOPLE}/{one['id']}"
    assert (await person.patch(path, headers=by("staff"), json={"location": "Rome"})).status_code == 428
    answer = await person.patch(path, headers=by("staff", if_match='"1"'), json={"location": "Rome"})
    assert (answer.status_code, answer.headers["etag"], answer.json()["location"]) == (200, '"2"', "Rome")
    answer = await person.patch(path, headers=by("staff", if_match='"1"'), json={"location": "Milan"})
    assert answer.status_code == 412
    answer = await person.patch(path, headers=by("staff", if_match='"2"'), json={"location": None})
    assert answer.json()["location"] is None
    assert (await person.get(path, headers=by("staff", if_none_match='"3"'))).status_code == 304


async def test_of_two_changes_at_once_one_is_refused(person, by):
    one = await added(person, by, "Busy Person")
    changes = [{"location": "Rome"}, {"location": "Milan"}]
    answers = await asyncio.gather(
        *(person.patch(f"{PEOPLE}/{one['id']}", headers=by("staff", if_match='"1"'), json=change) for change in changes)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]


async def test_a_member_changes_some_things_of_himself(person, by):
    path = f"{PEOPLE}/{person_id(18)}"
    version = (await person.get(path, headers=by("unmatched member"))).headers["etag"]
    headers = by("unmatched member", if_match=version)
    answer = await person.patch(path, headers=headers, json={"preferred_name": "Chen", "phone": "+4930123456"})
    assert (answer.status_code, answer.json()["preferred_name"]) == (200, "Chen")
    headers = by("unmatched member", if_match=answer.headers["etag"])
    refused = await person.patch(path, headers=headers, json={"mastery": "master"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (403, "mastery")


@pytest.mark.parametrize(("caller", "status"), [("mentor", 403), ("other mentor", 404), ("sre", 404), ("member", 403)])
async def test_whom_one_does_not_see_one_can_not_change(person, by, caller, status):
    path = f"{PEOPLE}/{person_id(1 if caller == 'member' else 3)}"
    answer = await person.patch(path, headers=by(caller, if_match='"1"'), json={"phone": None})
    assert answer.status_code == status


async def test_a_person_goes_from_status_to_status(person, by):
    one = await moved(person, by, await added(person, by, "Moving Person"), "onboarding", "matching", "active", "hold")
    assert (one["status"], one["version"]) == ("hold", 5)
    headers = by("coordinator", if_match='"5"')
    answer = await person.post(f"{PEOPLE}/{one['id']}/status", headers=headers, json={"status": "pending"})
    assert answer.status_code == 409
    assert "it can become active, archived, inactive, matching" in answer.json()["detail"]
    answer = await person.post(
        f"{PEOPLE}/{one['id']}/status", headers=headers, json={"status": "inactive", "reason": "Found a job"}
    )
    assert answer.json()["status_reason"] == "Found a job"
    stale = await person.post(f"{PEOPLE}/{one['id']}/status", headers=headers, json={"status": "onboarding"})
    assert stale.status_code == 412


async def test_who_has_scheduled_no_introduction_times_out_after_the_configured_days(person, by, database_url):
    new = await added(person, by, "Just Arrived")
    headers = by("coordinator", if_match='"1"')
    answer = await person.post(f"{PEOPLE}/{new['id']}/status", headers=headers, json={"status": "timed_out"})
    assert answer.status_code == 409
    assert "to schedule an introduction" in answer.json()["detail"]
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "update person.person set status_changed_at = now() - interval '15 days' where id = %s", [person_id(24)]
        )
    long_ago = (await person.get(f"{PEOPLE}/{person_id(24)}", headers=by("coordinator"))).json()
    assert (await moved(person, by, long_ago, "timed_out"))["status"] == "timed_out"


@pytest.mark.parametrize("caller", ["member", "mentor", "sre", "board", "partner"])
async def test_only_staff_move_and_archive_people(person, by, caller):
    for command in ("status", "archive"):
        headers = by(caller, if_match='"1"')
        answer = await person.post(f"{PEOPLE}/{person_id(2)}/{command}", headers=headers, json={"status": "hold"})
        assert answer.status_code == 403


async def test_an_archived_person_leaves_the_list_and_has_no_mentor(person, by):
    one = await moved(person, by, await added(person, by, "Leaving Person"), "onboarding", "matching")
    pair = {"mentor_id": person_id(15), "member_id": one["id"]}
    assert (await person.post("/api/person/mentor-assignments", headers=by("staff"), json=pair)).status_code == 201
    headers = by("coordinator", if_match='"4"')
    answer = await person.post(f"{PEOPLE}/{one['id']}/archive", headers=headers)
    gone = answer.json()
    assert (answer.status_code, gone["status"], gone["mentor_id"]) == (200, "archived", None)
    assert gone["archived_at"] is not None
    for archived, count in (("false", 0), ("true", 1)):
        params = {"search": "Leaving Person", "archived": archived}
        assert len((await person.get(PEOPLE, headers=by("staff"), params=params)).json()["items"]) == count
    again = await person.post(f"{PEOPLE}/{one['id']}/archive", headers=by("staff", if_match=answer.headers["etag"]))
    assert again.status_code == 409
    assert (await moved(person, by, gone, "inactive"))["archived_at"] is None


@pytest.mark.parametrize("path", ["not-an-id", person_id(99)])
async def test_what_does_not_exist_is_a_404(person, by, path):
    for end in ("", "/profile", "/relationship", "/consents"):
        assert (await person.get(f"{PEOPLE}/{path}{end}", headers=by("admin"))).status_code == 404
    headers = by("admin", if_match='"1"')
    assert (await person.patch(f"{PEOPLE}/{path}", headers=headers, json={})).status_code == 404
    assert (await person.post(f"{PEOPLE}/{path}/archive", headers=headers)).status_code == 404
