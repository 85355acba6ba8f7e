"""Reading and changing profiles, over HTTP."""

import pytest

from gatehouse_chassis.testing import person_id

PEOPLE = "/api/person/people"


async def test_a_member_changes_their_own_profile(person, by):
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
