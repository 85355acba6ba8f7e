"""Signing in for the first time by a one-time link: whatever address, once, with the roles that it promised."""

import asyncio
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from gatehouse_chassis.events import service_token
from gatehouse_identity.tables import DB

API = "/api/identity/invitations"
SECRET = "for-tests-only-0123456789-0123456789"  # the peer key of these tests, as in ../conftest.py


def of_service() -> dict[str, str]:
    return {"Authorization": f"Bearer {service_token.sign(SECRET, by='communication', to='identity')}"}


def new(**changes: Any) -> dict[str, Any]:
    id = uuid4()
    return {
        "person_id": str(id),
        "name": "Nguyễn O'Neil",
        "email": f"{id.hex}@example.org",
        "roles": ["member"],
    } | changes


async def invited(identity: Any, **changes: Any) -> dict[str, Any]:
    answer = await identity.post(API, json=new(**changes), headers=identity.by("coordinator"))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def link_of(identity: Any, invitation: dict[str, Any]) -> str:
    """The token of a new link, as communication gets it for the mail."""
    answer = await identity.post(f"{API}/{invitation['id']}/link", headers=of_service())
    assert answer.status_code == 200, answer.text
    url = answer.json()["url"]
    assert url.startswith("http://localhost:8400/welcome/")
    return urlsplit(url).path.rpartition("/")[2]


async def looked(identity: Any, token: str) -> tuple[int, str | None]:
    answer = await identity.post(f"{API}/look", json={"token": token})
    return answer.status_code, answer.json().get("state")


async def events(name: str, subject: str) -> int:
    return await DB.fetchval("select count(*) from identity.event where type = $1 and subject_id = $2", name, subject)


async def test_the_link_signs_in_whatever_the_address_and_grants_what_was_promised(browser, identity):
    invitation = await invited(identity)
    assert await events("identity.account.invited", invitation["id"]) == 1
    browser.invitation = await link_of(identity, invitation)
    assert await looked(identity, browser.invitation) == (200, "open")
    browser.provider.person |= {"email": "another@example.com", "email_verified": False}
    me = await browser.sign_in()
    assert (me["id"], me["name"], me["roles"]) == (invitation["account_id"], "Nguyễn O'Neil", ["member"])
    assert await events("identity.account.roles_changed", me["id"]) == 1
    assert await looked(identity, browser.invitation) == (200, "used")
    # Once: somebody else who finds the mail gets nowhere; its owner signs in as ever.
    assert (await browser.sign_in())["id"] == me["id"]
    browser.provider.reset()
    assert await browser.outcome() == {"error": "invitation_over"}


async def test_a_link_that_is_used_twice_at_once_counts_once(browser, identity):
    invitation = await invited(identity)
    browser.invitation = await link_of(identity, invitation)
    brought = [browser.provider.authorize(await browser.begin()) for _ in range(2)]
    answers = await asyncio.gather(*(browser.come_back(**one) for one in brought))
    assert all("code=" in answer.headers["location"] for answer in answers)
    count = "select count(*) from identity.audit_entry where action = 'invitation_used' and subject_id = $1"
    assert await DB.fetchval(count, invitation["account_id"]) == 1


async def test_who_has_an_account_does_not_take_over_another(browser, identity):
    mine = await browser.sign_in()
    browser.invitation = await link_of(identity, await invited(identity))
    assert await browser.outcome() == {"error": "other_account"}
    browser.invitation = None
    assert (await browser.sign_in())["id"] == mine["id"]


async def test_a_verified_address_still_finds_its_account_and_uses_the_invitation(browser, identity):
    invitation = await invited(identity, email=browser.provider.person["email"].upper())
    me = await browser.sign_in()
    assert (me["id"], me["roles"]) == (invitation["account_id"], ["member"])
    used = (await identity.get(f"{API}/{invitation['id']}", headers=identity.by("coordinator"))).json()
    assert used["used_at"] is not None


async def test_a_link_runs_out_and_is_sent_again(browser, identity):
    invitation = await invited(identity)
    old = await link_of(identity, invitation)
    await DB.execute("update identity.invitation set expires_at = now() where id = $1", invitation["id"])
    assert await looked(identity, old) == (200, "expired")
    browser.invitation = old
    assert await browser.outcome() == {"error": "invitation_over"}
    headers = identity.by("coordinator", if_match='"2"')
    again = await identity.post(f"{API}/{invitation['id']}/send-again", headers=headers)
    assert again.status_code == 200, again.text
    assert await events("identity.account.invited", invitation["id"]) == 2
    browser.invitation = await link_of(identity, invitation)
    assert await looked(identity, old) == (404, None)
    assert (await browser.sign_in())["id"] == invitation["account_id"]
    stale = await identity.post(
        f"{API}/{invitation['id']}/send-again", headers=identity.by("coordinator", if_match='"5"')
    )
    assert stale.status_code == 409
    assert (await identity.post(f"{API}/{invitation['id']}/link", headers=of_service())).status_code == 409


async def test_a_withdrawn_one_lets_nobody_in(browser, identity):
    invitation = await invited(identity)
    browser.invitation = await link_of(identity, invitation)
    gone = await identity.post(f"{API}/{invitation['id']}/withdraw", headers=identity.by("coordinator", if_match='"2"'))
    assert gone.json()["withdrawn_at"] is not None
    assert await browser.outcome() == {"error": "invitation_over"}
    await invited(identity, person_id=await person_of(invitation), roles=["mentor"])


async def person_of(invitation: dict[str, Any]) -> str:
    query = "select person_id from identity.account where id = $1"
    return str(await DB.fetchval(query, invitation["account_id"]))


async def test_another_service_invites_once_however_often_it_asks(identity):
    body = new()
    headers = of_service()
    answers = await asyncio.gather(*(identity.post(f"{API}/of-people", json=body, headers=headers) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    (said,) = {tuple(sorted(answer.json().items())) for answer in answers}
    found = dict(said)
    assert found["state"] == "invited"
    assert await events("identity.account.invited", found["id"]) == 1
    await link_of(identity, found)
    await DB.execute("update identity.invitation set expires_at = now() where id = $1", found["id"])
    for _ in range(2):  # its link has run out: one more mail, not two
        again = await identity.post(f"{API}/of-people", json=body, headers=headers)
        assert again.json() == found
    assert await events("identity.account.invited", found["id"]) == 2


@pytest.mark.parametrize("who", ["member", "mentor", "admin", ""])
async def test_people_never_get_a_link(identity, who):
    invitation = await invited(identity)
    headers = identity.by(who) if who else {}
    for path in (f"{API}/{invitation['id']}/link", f"{API}/of-people"):
        assert (await identity.post(path, json=new(), headers=headers)).status_code == 401


async def test_a_coordinator_promises_no_more_than_they_may_grant(identity):
    for roles, status in ((["admin"], 403), (["member", "finance"], 403), (["member", "mentor"], 201)):
        answer = await identity.post(API, json=new(roles=roles), headers=identity.by("coordinator"))
        assert answer.status_code == status
    body = new()
    for status in (201, 409):
        answer = await identity.post(API, json=body, headers=identity.by("admin"))
        assert answer.status_code == status


async def test_locally_the_link_alone_signs_in(identity):
    token = await link_of(identity, await invited(identity))
    made = await identity.post(f"{API}/sessions", json={"token": token})
    assert made.status_code == 201, made.text
    again = await identity.post(f"{API}/sessions", json={"token": token})
    assert (again.status_code, again.json()["detail"]) == (409, "This invitation is used.")
    assert (await identity.post(f"{API}/sessions", json={"token": "x" * 43})).status_code == 404
