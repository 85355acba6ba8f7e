"""A certificate from its proposal to a verdict on it, as everybody meets it."""

from typing import Any

CREDENTIAL = "/api/credential"
VERIFY = f"{CREDENTIAL}/credentials/verify"


def issued(mentor: Any, coordinator: Any, learner: dict[str, Any], unique: str) -> dict[str, Any]:
    """The certificate of a new achievement, proposed by the mentor and confirmed by the coordinator."""
    new = {"name": f"Black box {unique}", "description": "Finds causes.", "criteria": "Three logs.", "skills": ["HTML"]}
    achievement = coordinator.create(f"{CREDENTIAL}/achievements", new).json()
    proposal = {"person_id": learner["id"], "achievement_id": achievement["id"], "note": "Quick and careful."}
    award = mentor.create(f"{CREDENTIAL}/awards", proposal)
    path = f"{CREDENTIAL}/awards/{award.json()['id']}"
    assert mentor.post(f"{path}/confirm", {}, award.headers["etag"]).status_code == 403
    done = coordinator.post(f"{path}/confirm", {}, award.headers["etag"])
    assert done.status_code == 200, done.text
    retired = coordinator.post(f"{CREDENTIAL}/achievements/{achievement['id']}/archive", version='"1"')
    assert retired.status_code == 200, retired.text
    return coordinator.read(f"{path}/credential") | {"version": done.headers["etag"]}


def test_what_two_confirm_anybody_can_check_until_it_is_revoked(
    mentor: Any, coordinator: Any, stranger: Any, learner: dict[str, Any], unique: str
) -> None:
    found = issued(mentor, coordinator, learner, unique)
    document = found["document"]
    good = stranger.post(VERIFY, {"credential": document, "recipient": learner["name"]}).json()
    assert (good["verdict"], good["ours"], good["id"]) == ("valid", True, found["id"])
    changed = {**document, "name": "Something greater"}
    assert stranger.post(VERIFY, {"credential": changed}).json()["reason"] == "wrong_signature"
    assert stranger.get(f"{CREDENTIAL}/credentials/{found['id']}").status_code == 404  # its member hasn't shown it
    path = f"{CREDENTIAL}/awards/{found['id']}/revoke"
    assert coordinator.post(path, {"reason": "A test."}, found["version"]).status_code == 200
    assert stranger.post(VERIFY, {"credential": document}).json()["verdict"] == "revoked"


def test_the_issuer_says_who_it_is(stranger: Any) -> None:
    document = stranger.read(f"{CREDENTIAL}/issuer/did.json")
    assert document["id"].startswith("did:web:")
    listed = stranger.get(f"{CREDENTIAL}/status-lists/1")
    assert "max-age" in listed.headers["cache-control"]
    assert listed.json()["credentialSubject"]["statusPurpose"] == "revocation"
