"""Over HTTP, who sees whom: in a list, one by one, and by asking for the relationship; all three agree."""

import pytest

from gatehouse_chassis.testing import person_id

PEOPLE = "/api/person/people"
OF_MARA = {2, 3, 19, 28, 43, 52}
OF_TOMAS = {14, 20, 35, 44}
OF_ELIAS = {27, 36, 51}
MENTORS = {1, 4, 15}
ARCHIVED = {23, 31, 39, 47, 55}
OTHERS = set(range(1, 56)) - ARCHIVED

# One of each kind for whoever asks: every caller below; members that Mara, Tomas and Elias mentor, on hold as well;
# a member of Tomas who was Elias's before (14) and one who was Mara's (29); one nobody mentors; archived; nobody.
ONE_OF_EACH = (1, 2, 4, 5, 6, 7, 8, 10, 11, 13, 15, 18, 3, 28, 14, 20, 27, 29, 16, 31, 56)

SEEN = {  # in full, and the public part of
    "mentor": ({1} | OF_MARA, MENTORS - {1}),
    "member": ({2}, {1}),
    "engineer": ({4} | OF_TOMAS, MENTORS - {4}),
    "sre": ({5}, set()),
    "tester": ({6}, set()),
    "coordinator": (OTHERS, set()),
    "staff": (OTHERS, set()),
    "board": ({10}, set()),
    "admin": (OTHERS, set()),
    "partner": ({13}, set()),
    "other mentor": ({15} | OF_ELIAS, MENTORS - {15}),
    "unmatched member": ({18}, set()),
}


async def listed(person, headers, **params):
    """{number: item} of the whole list, read in small pages."""
    found, cursor = {}, None
    while True:
        page = params | {"limit": "7"} | ({"cursor": cursor} if cursor else {})
        answer = await person.get(PEOPLE, headers=headers, params=page)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        for item in body["items"]:
            assert item["id"] not in found
            found[int(item["id"][-12:])] = item
        cursor = body["next"]
        if cursor is None:
            return found


@pytest.mark.parametrize("caller", SEEN)
async def test_a_list_holds_only_whom_one_may_see(person, by, caller):
    in_full, in_part = SEEN[caller]
    found = await listed(person, by(caller))
    assert {number for number, item in found.items() if item["view"] == "full"} == in_full
    assert {number for number, item in found.items() if item["view"] == "public"} == in_part


@pytest.mark.parametrize("caller", SEEN)
async def test_one_by_one_is_as_in_the_list(person, by, caller):
    headers = by(caller)
    found = await listed(person, headers)
    found |= await listed(person, headers, archived="true")
    for number in ONE_OF_EACH:
        one = await person.get(f"{PEOPLE}/{person_id(number)}", headers=headers)
        relationship = await person.get(f"{PEOPLE}/{person_id(number)}/relationship", headers=headers)
        profile = await person.get(f"{PEOPLE}/{person_id(number)}/profile", headers=headers)
        expected = 200 if number in found else 404
        assert (one.status_code, relationship.status_code, profile.status_code) == (expected,) * 3, number
        if number in found:
            assert one.json() == found[number]
            in_full = relationship.json()["relationship"] in {"self", "mentor", "staff"}
            assert in_full == (one.json()["view"] == "full")


async def test_the_public_part_tells_nothing_else(person, by):
    mentor = (await person.get(f"{PEOPLE}/{person_id(1)}", headers=by("member"))).json()
    assert {name for name, value in mentor.items() if value is not None} == {
        *("id", "version", "view", "name", "preferred_name", "mastery", "specialty", "time_zone"),
        *("joined_on", "created_at"),
    }


async def test_a_filter_tells_nothing_about_what_one_does_not_see(person, by):
    assert set(await listed(person, by("mentor"), status="active")) == {1, 2, 3, 19, 43}
    assert set(await listed(person, by("member"), mentor=person_id(1))) == {2}
    assert set(await listed(person, by("mentor"), specialty="data")) == {15, 19}


async def test_a_filter_by_consents_finds_only_those_whose_consents_one_sees(person, by):
    """Consents are between the person and the institute."""
    assert set(await listed(person, by("mentor"), lacks_consent="recording")) == {1}
    lacking = set(await listed(person, by("coordinator"), lacks_consent="recording"))
    assert 1 in lacking
    given = f"{PEOPLE}/{person_id(1)}/consents"
    body = {"kind": "recording", "document_version": "2026-11"}
    assert (await person.post(given, json=body, headers=by("coordinator"))).status_code == 201
    assert set(await listed(person, by("coordinator"), lacks_consent="recording")) == lacking - {1}
    assert set(await listed(person, by("mentor"), lacks_consent="recording")) == set()


@pytest.mark.parametrize(
    ("caller", "number", "relationship"),
    [
        ("member", 2, "self"),
        ("mentor", 2, "mentor"),
        ("coordinator", 2, "staff"),
        ("admin", 2, "staff"),
        ("member", 1, "member"),
        ("mentor", 4, "peer"),
    ],
)
async def test_other_services_are_told_how_the_caller_relates(person, by, caller, number, relationship):
    answer = await person.get(f"{PEOPLE}/{person_id(number)}/relationship", headers=by(caller))
    assert answer.json() == {"person_id": person_id(number), "relationship": relationship}


@pytest.mark.parametrize(
    ("caller", "number", "status"),
    [
        ("member", 2, 200),
        ("member", 3, 404),
        ("mentor", 2, 404),
        ("coordinator", 2, 200),
        ("admin", 2, 200),
        ("sre", 2, 404),
        ("tester", 2, 404),
    ],
)
async def test_who_sees_consents(person, by, caller, number, status):
    answer = await person.get(f"{PEOPLE}/{person_id(number)}/consents", headers=by(caller))
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("caller", "count"),
    [("mentor", 6), ("member", 1), ("coordinator", 15), ("admin", 15), ("sre", 0), ("board", 0), ("other mentor", 3)],
)
async def test_who_sees_which_mentor_assignments(person, by, caller, count):
    answer = await person.get("/api/person/mentor-assignments", headers=by(caller))
    items = answer.json()["items"]
    assert len(items) == count
    for item in items:
        one = await person.get(f"/api/person/mentor-assignments/{item['id']}", headers=by(caller))
        assert one.json() == item


async def test_a_mentor_assignment_of_others_is_not_there(person, by):
    of_tomas = "/api/person/mentor-assignments/019a0000-0012-7000-8000-000000000014"
    assert (await person.get(of_tomas, headers=by("mentor"))).status_code == 404
    assert (await person.get(of_tomas, headers=by("engineer"))).status_code == 200


@pytest.mark.parametrize("path", [PEOPLE, f"{PEOPLE}/{person_id(2)}", "/api/person/mentor-assignments"])
async def test_without_a_token_one_is_asked_to_sign_in(person, path):
    assert (await person.get(path)).status_code == 401
