"""Who gets in, and who doesn't: tokens, roles, relationships. What one may not see isn't there."""

from typing import Any

import pytest

NOBODY = "019a0000-0000-7000-8000-000000000000"
LISTS = [
    "/api/identity/accounts",
    "/api/person/people",
    "/api/partner/partners",
    "/api/partner/contacts",
    "/api/partner/agreements",
    "/api/topics/resources",
    "/api/topics/topics",
    "/api/topics/paths",
    "/api/topics/skills",
    "/api/curriculum/curricula",
    "/api/encounter/encounters",
]


@pytest.mark.parametrize("path", LISTS)
def test_a_stranger_is_asked_to_sign_in(stranger: Any, path: str) -> None:
    answer = stranger.get(path)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["type"] == "urn:gatehouse:problem:unauthenticated"


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."])
def test_a_token_that_identity_hasnt_issued_opens_nothing(stranger: Any, token: str) -> None:
    answer = stranger("GET", "/api/topics/paths", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_a_token_that_was_tampered_with_opens_nothing(stranger: Any, member: Any) -> None:
    head, body, signature = member.headers["Authorization"].split(".")
    swapped = signature[:-6] + ("AAAAAA" if not signature.endswith("AAAAAA") else "BBBBBB")
    answer = stranger("GET", "/api/topics/paths", headers={"Authorization": f"{head}.{body}.{swapped}"})
    assert answer.status_code == 401


def test_what_one_service_was_shown_opens_no_other(stranger: Any) -> None:
    answer = stranger("POST", "/api/identity/personas/admin/sessions", params={"audience": "identity"})
    if answer.status_code in (403, 404):
        pytest.skip("there are no personas here")
    body = {"subject_token": answer.json()["access_token"], "audience": "topics"}
    shown = stranger.post("/api/identity/token/exchange", body).json()["access_token"]
    headers = {"Authorization": f"Bearer {shown}"}
    assert stranger("GET", "/api/topics/paths", headers=headers).status_code == 200
    for path in ("/api/person/people", "/api/partner/partners", "/api/ledger/funds", "/api/identity/me"):
        assert stranger("GET", path, headers=headers).status_code == 401, path
    again = stranger.post("/api/identity/token/exchange", {"subject_token": shown, "audience": "person"})
    assert again.status_code == 401


@pytest.mark.parametrize("path", LISTS)
def test_every_api_lists_for_an_administrator(callers: Any, path: str) -> None:
    page = callers("admin").read(path, limit=5)
    assert page["items"]
    assert len({item["id"] for item in page["items"]}) == len(page["items"])


@pytest.mark.parametrize("path", [path for path in LISTS if path != "/api/identity/accounts"])
def test_every_api_lists_for_a_member_what_they_may_see(member: Any, path: str) -> None:
    assert isinstance(member.read(path)["items"], list)


@pytest.mark.parametrize("path", LISTS)
def test_what_doesnt_exist_is_not_found(callers: Any, path: str) -> None:
    answer = callers("admin").get(f"{path}/{NOBODY}")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    "path", ["/api/identity/accounts", "/api/identity/role-grants", "/api/identity/service-clients"]
)
def test_a_member_doesnt_learn_that_there_are_accounts(member: Any, path: str) -> None:
    assert member.get(path).status_code == 404


def test_a_member_changes_no_content(member: Any, resource: dict[str, Any]) -> None:
    path = f"/api/topics/resources/{resource['id']}"
    assert member.patch(path, {"level": "candidate"}, '"1"').status_code == 403
    new = {"name": "Mine", "url": "https://example.org/mine", "kind": "book", "level": "master"}
    assert member.post("/api/topics/resources", new).status_code == 403


def test_who_i_am(callers: Any) -> None:
    me = callers("mentor").read("/api/identity/me")
    assert "mentor" in me["roles"]
    assert me["person_id"]


def test_a_member_sees_their_mentor_and_not_other_members(member: Any, coordinator: Any) -> None:
    me = member.read("/api/identity/me")["person_id"]
    seen = {person["id"]: person for person in member.all("/api/person/people")}
    own = coordinator.read(f"/api/person/people/{me}")
    assert set(seen) == {me, own["mentor_id"]}
    hidden = next(item for item in coordinator.all("/api/person/people") if item["id"] not in seen)
    assert member.get(f"/api/person/people/{hidden['id']}").status_code == 404
    assert member.get(f"/api/curriculum/curricula/{hidden['id']}").status_code == 404


def test_of_a_mentor_a_member_sees_nothing_private(member: Any, coordinator: Any) -> None:
    me = member.read("/api/identity/me")["person_id"]
    mentor = member.read(f"/api/person/people/{me}")["mentor_id"]
    seen = member.read(f"/api/person/people/{mentor}")
    full = coordinator.read(f"/api/person/people/{mentor}")
    assert full["email"]
    assert full["email"] not in str(seen)


def test_partners_are_seen_by_staff_by_their_own_people_and_by_nobody_else(
    callers: Any, member: Any, marketing: Any
) -> None:
    everything = {item["id"] for item in marketing.all("/api/partner/partners")}
    own = {item["id"] for item in callers("partner").all("/api/partner/partners")}
    assert own
    assert own < everything
    assert member.all("/api/partner/partners") == []
    assert member.all("/api/partner/contacts") == []
    other = (everything - own).pop()
    assert callers("partner").get(f"/api/partner/partners/{other}").status_code == 404
    assert member.get(f"/api/partner/partners/{other}").status_code == 404
    assert callers("partner").patch(f"/api/partner/partners/{own.pop()}", {"summary": "x"}, '"1"').status_code == 403


def test_a_partner_can_be_added_changed_and_archived(marketing: Any, unique: str) -> None:
    made = marketing.create("/api/partner/partners", {"name": f"Black box {unique}", "kind": "employer"})
    path = made.headers["location"]
    changed = marketing.patch(path, {"status": "active"}, made.headers["etag"])
    assert (changed.status_code, changed.json()["status"]) == (200, "active")
    assert [item["id"] for item in marketing.all("/api/partner/partners", search=unique)] == [made.json()["id"]]
    assert marketing.post(f"{path}/archive", version=changed.headers["etag"]).status_code == 200
