"""Somebody is invited, gets a welcome mail with a link that works once, and may do what was promised."""

import re
import time

import pytest

LINK = re.compile(r"https?://\S+/welcome/([A-Za-z0-9_-]+)")
NAMES = ("Nguyễn Thị", "Sinéad O'Neil", "Zoë 🌱", "محمد علي")
WAIT = 60  # seconds: only ends a hang


def invited(coordinator, name: str, email: str) -> dict:
    person = coordinator.create("/api/person/people", {"name": name, "email": email}).json()
    body = {"person_id": person["id"], "name": name, "email": email, "roles": ["member"]}
    return coordinator.create("/api/identity/invitations", body).json() | {"person_id": person["id"]}


def mail_to(caller, address: str) -> dict:
    """The mail in the mailbox of this machine, once it is there."""
    ends = time.monotonic() + WAIT
    while time.monotonic() < ends:
        listed = caller.get("/api/communication/mailbox")
        if listed.status_code == 404:
            pytest.skip("there is no mailbox: it isn't a local environment")
        found = [one for one in listed.json() if one["recipient"] == address]
        if found:
            return caller.read(f"/api/communication/mailbox/{found[0]['id']}")
        time.sleep(0.1)
    raise AssertionError(f"no mail to {address} came within {WAIT} s")


@pytest.mark.parametrize("name", NAMES)
def test_who_is_invited_gets_a_mail_and_signs_in_with_its_link_once(coordinator, stranger, unique, name):
    address = f"{unique}+gate@xn--bcher-kva.example"
    made = invited(coordinator, name, address)
    mail = mail_to(stranger, address)
    assert name in mail["text"]
    assert name in mail["subject"]
    link = LINK.search(mail["text"])
    assert link is not None
    assert link[0] in mail["html"].replace("&amp;", "&")
    token = {"token": link[1]}
    signed_in = stranger.post("/api/identity/invitations/sessions", token)
    assert signed_in.status_code == 201, signed_in.text
    assert stranger.post("/api/identity/invitations/sessions", token).status_code == 409
    account = coordinator.read(f"/api/identity/accounts/{made['account_id']}")
    assert (account["name"], account["roles"], account["person_id"]) == (name, ["member"], made["person_id"])
    sent = coordinator.read("/api/communication/deliveries", person=made["person_id"])["items"]
    assert [(one["kind"], one["state"]) for one in sent] == [("welcome", "sent")]


def test_a_new_pair_is_told(learner, stranger):
    assert "learn together from now on" in mail_to(stranger, learner["email"])["subject"]
