"""Giving and withdrawing consents, over HTTP."""

from typing import get_args

from gatehouse_chassis.testing import person_id
from gatehouse_person.enumerators import ConsentKind

PEOPLE = "/api/person/people"


async def test_a_consent_is_given_once_and_may_be_withdrawn(person, by):
    path = f"{PEOPLE}/{person_id(18)}/consents"
    new = {"kind": "public_profile", "document_version": "2024-09"}
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


async def test_one_consents_to_the_text_that_is_shown_now(person, by):
    documents = (await person.get("/api/person/consent-documents", headers=by("member"))).json()
    assert [one["kind"] for one in documents] == list(get_args(ConsentKind))
    assert all(one["title"] and len(one["text"]) > 100 for one in documents)
    (recording,) = [one for one in documents if one["kind"] == "recording"]
    path = f"{PEOPLE}/{person_id(18)}/consents"
    new = {"kind": "recording", "document_version": "2024-09"}
    refused = await person.post(path, headers=by("unmatched member"), json=new)
    assert (refused.status_code, refused.json()["errors"][0]["message"]) == (
        400,
        f"isn't the text that is valid now. Read version {recording['version']}, then consent.",
    )
    shown = new | {"document_version": recording["version"]}
    assert (await person.post(path, headers=by("unmatched member"), json=shown)).status_code == 201
    # On paper somebody may have agreed to an earlier one.
    assert (await person.post(path, headers=by("staff"), json=new | {"kind": "testimonial"})).status_code == 201
