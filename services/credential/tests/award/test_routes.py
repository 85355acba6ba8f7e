"""From a proposal to a certificate that anybody can check, and back."""

from typing import Any

import asyncpg
import pytest

from gatehouse_chassis.testing import person_id
from gatehouse_credential.award.queries import DB
from gatehouse_credential.award.status import is_revoked

ITEM = "019a0000-0099-7000-8000-000000000001"
APPRENTICE = "019a0000-0050-7000-8000-000000000003"
ON_CALL = "019a0000-0050-7000-8000-000000000005"


async def test_a_proposal_of_one_and_a_confirmation_of_another_is_a_certificate(awards: Any) -> None:
    person = awards.known()
    award = await awards.proposes(person, evidence=[{"kind": "item", "id": ITEM}], note="Built it twice.")
    assert (award["state"], award["evidence"][0]["name"]) == ("proposed", "Learn HTML")
    issued = (await awards.confirms(award)).json()
    assert (issued["state"], issued["proposed_by"], issued["confirmed_by"]) == ("issued", person_id(1), person_id(7))
    document = await awards.document(issued)
    assert document["credentialSubject"]["achievement"]["tag"] == ["HTML", "CSS"]
    assert "Built it twice" not in str(document)
    found = await awards.verdict(document)
    assert (found["verdict"], found["ours"], found["id"]) == ("valid", True, issued["id"])
    assert found["recipient"] == "Zoë O'Neil-Nguyễn"


async def test_nobody_both_proposes_and_confirms(awards: Any) -> None:
    award = await awards.proposes(awards.known(), by="coordinator")
    answer = await awards.confirms(award, "coordinator")
    assert (answer.status_code, "another person" in answer.json()["detail"]) == (403, True)
    assert (await awards.confirms(award, 15)).status_code == 200  # a mentor of others


async def test_the_database_refuses_one_person_for_both(awards: Any) -> None:
    award = await awards.issued()
    with pytest.raises(asyncpg.CheckViolationError, match="two_people"):
        await DB.execute("update credential.award set confirmed_by = proposed_by where id = $1", award["id"])


async def test_nobody_confirms_or_proposes_their_own(awards: Any) -> None:
    body = {"person_id": person_id(1), "achievement_id": APPRENTICE}
    assert (await awards.post("/awards", "mentor", body)).status_code == 403
    awards.people.answers["GET", f"/api/person/people/{person_id(1)}"] = (
        200,
        {"id": person_id(1), "version": 1, "name": "Mara Lindgren", "mastery": "master"},
    )
    award = await awards.proposes(person_id(1), APPRENTICE, by="coordinator")
    assert (await awards.confirms(award, "mentor")).status_code == 403


async def test_a_mentor_of_others_proposes_nothing(awards: Any) -> None:
    person = awards.known()
    awards.people.answers["GET", f"/api/person/people/{person}/relationship"] = (200, {"relationship": "none"})
    answer = await awards.post("/awards", 15, {"person_id": person, "achievement_id": APPRENTICE})
    assert answer.status_code == 404


async def test_evidence_is_what_is_kept_elsewhere(awards: Any) -> None:
    person = awards.known()
    offered = (await awards.get(f"/awards/evidence/{person}/019a0000-0050-7000-8000-000000000002", "mentor")).json()
    assert [(one["name"], one["fits"]) for one in offered["items"]] == [("Learn HTML", True), ("Learn Go", False)]
    invented = [{"kind": "item", "id": person}]
    body = {"person_id": person, "achievement_id": APPRENTICE, "evidence": invented}
    answer = await awards.post("/awards", "mentor", body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "evidence")


async def test_confirming_raises_the_level_where_it_is_said(awards: Any) -> None:
    award = await awards.proposes(awards.known(), APPRENTICE)
    assert (await awards.confirms(award, 15, mastery="apprentice")).status_code == 403
    assert (await awards.confirms(award, "coordinator", mastery="apprentice")).status_code == 200
    changes = [one for one in awards.people.requests if one[0] == "PATCH" and award["person_id"] in one[1]]
    assert [one[3] for one in changes] == [b'{"mastery":"apprentice"}']


async def test_a_certificate_is_shown_to_whom_its_member_chooses(awards: Any) -> None:
    award = await awards.issued()
    page = f"/credentials/{award['id']}"
    assert (await awards.get(page)).status_code == 404
    shown = await awards.shows(award, "unlisted")
    assert shown.status_code == 200, shown.text
    answer = await awards.get(page)
    assert (answer.status_code, answer.json()["standing"]) == (200, "valid")
    path = f"/awards/{award['id']}/visibility"
    assert (await awards.post(path, "mentor", {"visibility": "public"}, if_match='"3"')).status_code == 404


async def test_what_is_revoked_is_so_on_its_page_in_the_list_and_when_checked(awards: Any) -> None:
    award = await awards.issued()
    document = await awards.document(award)
    award = (await awards.shows(award, "public")).json()
    awards.service.app.state.signed_lists._signed.clear()
    place = int(document["credentialStatus"]["statusListIndex"])
    listed = document["credentialStatus"]["statusListCredential"].removeprefix(
        "https://institute.example/api/credential"
    )
    before = await awards.get(listed)
    assert before.headers["cache-control"] == "public, max-age=20"
    assert not is_revoked(before.json()["credentialSubject"]["encodedList"], place)
    assert (await awards.ended(award, "revoke", "Given to the wrong person.")).status_code == 200
    awards.service.app.state.signed_lists._signed.clear()  # as after its 20 seconds
    after = await awards.get(listed)
    assert is_revoked(after.json()["credentialSubject"]["encodedList"], place)
    page = (await awards.get(f"/credentials/{award['id']}")).json()
    assert (page["standing"], page["reason"]) == ("revoked", "Given to the wrong person.")
    found = await awards.verdict(document)
    assert (found["verdict"], "wrong person" in found["words"]) == ("revoked", True)


async def test_only_what_is_proposed_is_decided(awards: Any) -> None:
    award = await awards.proposes(awards.known())
    declined = await awards.ended(award, "decline", "Not yet: the page has no labels.", "mentor")
    assert declined.json()["state"] == "declined"
    assert (await awards.confirms(declined.json())).status_code == 409
    again = await awards.proposes(award["person_id"])
    body = {"person_id": award["person_id"], "achievement_id": again["achievement_id"]}
    assert (await awards.post("/awards", "mentor", body)).status_code == 409


async def test_a_certificate_may_run_out(awards: Any) -> None:
    award = await awards.issued(achievement=ON_CALL)
    document = await awards.document(award)
    assert document["validUntil"] == award["valid_until"].replace("+00:00", "Z")
    later = f"{int(document['validUntil'][:4]) + 1}{document['validUntil'][4:]}"
    changed = await awards.verdict({**document, "validUntil": later})
    assert (changed["verdict"], changed["reason"]) == ("invalid", "wrong_signature")


async def test_an_erased_members_certificate_is_gone_and_its_proof_stays(awards: Any) -> None:
    award = await awards.issued()
    document = await awards.document(award)
    person = award["person_id"]
    erased = await awards.service.post(f"/privacy/people/{person}/erase", json={}, headers=awards.service.by("admin"))
    assert erased.status_code == 200, erased.text
    row = await DB.fetch("select * from credential.award where id = $1", award["id"])
    kept = {name: value for name, value in row[0].items() if value is not None}
    assert "Zoë" not in str(kept)
    assert person not in str(kept)
    assert len(kept["proof_hash"]) == 64
    assert (await awards.get(f"/credentials/{award['id']}")).status_code == 410
    found = await awards.verdict(document)
    assert (found["verdict"], found["reason"]) == ("revoked", "erased")


async def test_who_sees_which_awards(awards: Any) -> None:
    award = await awards.proposes(awards.known(), by="mentor")
    waiting = (await awards.get("/awards", 15, state="proposed", limit="200")).json()
    assert award["id"] in [one["id"] for one in waiting["items"]]
    assert (await awards.get("/awards", 15, limit="200")).json()["items"] == []
    own = (await awards.get("/awards", "member", limit="200")).json()
    assert {one["person_name"] for one in own["items"]} == {"Noah Adeyemi"}
    assert (await awards.get(f"/awards/{award['id']}", "member")).status_code == 404
