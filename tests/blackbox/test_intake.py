"""Somebody signs up, and has a welcome mail and an account; nobody learns who was known before."""

import base64
import hashlib
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

INTAKE = "/api/intake"
WAIT = 60  # seconds: only ends a hang
AGREED = [{"kind": kind, "document_version": "2024-09"} for kind in ("code_of_conduct", "data_processing")]
NAME = "Nguyễn 🌱 O'Neil"


@pytest.fixture(autouse=True)
def open_door(coordinator: Any) -> None:
    """Other tests of the same platform press every button, those that close a door too."""
    assert coordinator("PUT", f"{INTAKE}/doors/form", json={"state": "open"}).status_code == 200


def opened(stranger: Any, body: dict[str, Any]) -> dict[str, Any]:
    """With a form of its own, at the age at which it is taken: nobody reads it in less than 3 s, and who sends it
    earlier is refused, which counts towards what an address may send."""
    found = stranger.read(f"{INTAKE}/form")
    began = time.monotonic()
    proof = solved(found["puzzle"]["parameters"])
    time.sleep(max(0, 3.1 - (time.monotonic() - began)))
    return {"form": found["form"], "proof": proof, **body}


def solved(puzzle: dict[str, Any]) -> str:
    """As the ALTCHA widget solves it: the first counter whose key begins as it should."""
    nonce, salt = bytes.fromhex(puzzle["nonce"]), bytes.fromhex(puzzle["salt"])
    assert puzzle["algorithm"] == "PBKDF2/SHA-256"
    counter = next(
        one
        for one in range(1_000_000)
        if hashlib.pbkdf2_hmac("sha256", nonce + one.to_bytes(4, "big"), salt, puzzle["cost"], puzzle["keyLength"])
        .hex()
        .startswith(puzzle["keyPrefix"])
    )
    payload = {"challenge": {"parameters": puzzle}, "solution": {"counter": counter, "derivedKey": "", "time": 1}}
    return base64.b64encode(json.dumps(payload).encode()).decode()


def signs_up(stranger: Any, body: dict[str, Any], what: str = "sign-ups") -> int:
    """Sent until it is taken: one address sends ten at once, and a busy service says 503."""
    ends = time.monotonic() + WAIT
    while (answer := stranger.post(f"{INTAKE}/{what}", body)).status_code in (429, 503):
        assert time.monotonic() < ends, answer.text
        time.sleep(0.5)
    return answer.status_code


def arrived(coordinator: Any, address: str, state: str) -> dict[str, Any]:
    ends = time.monotonic() + WAIT
    while True:
        found = coordinator.read(f"{INTAKE}/sign-ups", search=address, sort="created")["items"]
        if any(one["state"] == state for one in found):
            return found[0]
        assert time.monotonic() < ends, found
        time.sleep(0.1)


def mails_to(stranger: Any, address: str) -> list[dict[str, Any]]:
    listed = stranger.get("/api/communication/mailbox")
    if listed.status_code == 404:
        pytest.skip("there is no mailbox: it isn't a local environment")
    return [one for one in listed.json() if one["recipient"] == address]


def test_many_identical_sign_ups_are_one_person_one_account_and_one_mail(
    coordinator: Any, stranger: Any, unique: str
) -> None:
    typed, address = f"{unique}+Join@Bücher.example", f"{unique}+join@xn--bcher-kva.example"
    body = opened(stranger, {"name": NAME, "email": typed})
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda _: signs_up(stranger, body), range(3))) == {202}
    found = arrived(coordinator, address, "welcomed")
    people = coordinator.read("/api/person/people", search=NAME, limit=200)["items"]
    assert [one["id"] for one in people if one["email"] == address] == [found["person_id"]]
    invitations = coordinator.read("/api/identity/invitations", person=found["person_id"])["items"]
    assert [one["id"] for one in invitations] == [found["invitation_id"]]
    (mail,) = mails_to(stranger, address)
    assert NAME in mail["subject"]


def test_who_is_known_gets_the_same_answer_and_nothing_else(coordinator: Any, stranger: Any, unique: str) -> None:
    address = f"{unique}@example.org"
    new = {"name": "Zoë 🌱 O'Neil", "email": address}
    person = coordinator.create("/api/person/people", new).json()
    version = coordinator.get(f"/api/person/people/{person['id']}").headers["etag"]
    moved = coordinator.post(f"/api/person/people/{person['id']}/status", {"status": "onboarding"}, version)
    assert moved.status_code == 200, moved.text
    assert signs_up(stranger, opened(stranger, {"name": "Somebody", "email": address})) == 202
    assert arrived(coordinator, address, "duplicate")["person_id"] == person["id"]
    assert mails_to(stranger, address) == []


def mail_to(stranger: Any, address: str, words: str) -> str:
    """The text of the mail to this address whose subject has these words, once it is there."""
    ends = time.monotonic() + WAIT
    while not (found := [one for one in mails_to(stranger, address) if words in one["subject"]]):
        assert time.monotonic() < ends, f"no mail to {address} came within {WAIT} s"
        time.sleep(0.1)
    assert len(found) == 1
    return stranger.read(f"/api/communication/mailbox/{found[0]['id']}")["text"]


def test_who_applies_confirms_is_accepted_and_signs_in_as_a_mentor(
    coordinator: Any, stranger: Any, unique: str
) -> None:
    address = f"{unique}@example.org"
    body = opened(stranger, {"name": NAME, "email": address, "knows": "Testing", "hours_month": 6, "consents": AGREED})
    assert signs_up(stranger, body, "applications") == 202
    text = mail_to(stranger, address, "Is this application yours")
    token = re.findall(r"/become-a-mentor/confirm/([A-Za-z0-9_-]+)", text)[0]
    people = coordinator.read("/api/person/people", search=NAME, limit=200)["items"]
    assert address not in {one["email"] for one in people}, "unconfirmed, nobody knows them"
    assert stranger.post(f"{INTAKE}/applications/confirm", {"token": token}).status_code == 200
    (found,) = coordinator.read(f"{INTAKE}/applications", search=address)["items"]
    accepted = coordinator.post(f"{INTAKE}/applications/{found['id']}/accept", None, f'"{found["version"]}"')
    assert accepted.status_code == 200, accepted.text
    link = re.findall(r"/welcome/([A-Za-z0-9_-]+)", mail_to(stranger, address, "Welcome as a mentor"))[0]
    assert stranger.post("/api/identity/invitations/sessions", {"token": link}).status_code == 201
    (found,) = coordinator.read(f"{INTAKE}/applications", search=address)["items"]
    person = coordinator.read(f"/api/person/people/{found['person_id']}")
    assert (person["status"], person["email"], found["problem"]) == ("active", address, None)
    (account,) = coordinator.read("/api/identity/accounts", person=found["person_id"])["items"]
    assert account["roles"] == ["mentor"]
