"""Adding somebody and keeping their record; what person and identity refuse is said on the page, in their words."""

import json

NOAH, ACCOUNT, GRANT = (f"019a0000-000{kind}-7000-8000-000000000002" for kind in (1, 2, 3))
NAME = "Nguyễn Thị O'Neil 🌱"
NEW = {"name": NAME, "email": "thi+gate@xn--bcher-kva.example", "mastery": "candidate", "specialty": "generalist"}
PERSON = NEW | {"id": NOAH, "version": 4, "status": "onboarding", "time_zone": "Asia/Kathmandu"}
ACCOUNTS = {"id": ACCOUNT, "version": 1, "email": "n@example.org", "status": "active", "roles": ["member"]}
CONFLICT = {"type": "urn:x", "title": "Conflict", "status": 409, "detail": "Not so."}


def sent(house, service, method="POST"):
    return json.loads(house.asked(service, method)[-1][2])


async def desk(browser, house, *roles):
    house.says("person", "GET", f"/api/person/people/{NOAH}", PERSON)
    grant = {"id": GRANT, "version": 1, "role": "member", "reason": "Began", "created_at": "2026-01-01T10:00:00Z"}
    house.says("identity", "GET", "/api/identity/accounts", {"items": [ACCOUNTS]})
    house.says("identity", "GET", "/api/identity/invitations", {"items": []})
    house.says("identity", "GET", "/api/identity/role-grants", {"items": [grant]})
    await browser.sign_in(*roles)


async def test_somebody_is_added_changed_and_moved(browser, house):
    await desk(browser, house, "coordinator")
    await browser.see("/people/new")
    invalid = CONFLICT | {"status": 400, "errors": [{"field": "email", "message": "takes an address"}]}
    house.says("person", "POST", "/api/person/people", invalid, 400)
    wrong = await browser.submit("/people/new", **NEW)
    assert (wrong.status_code, "takes an address" in wrong.text, "Nguyễn" in wrong.text) == (400, True, True)
    house.says("person", "POST", "/api/person/people", PERSON, 201)
    assert (await browser.submit("/people/new", **NEW)).headers["location"] == f"/people/{NOAH}"
    assert {name: value for name, value in sent(house, "person").items() if value} == NEW
    page = (await browser.see(f"/people/{NOAH}")).text
    assert ("Becomes" in page, "Grant the role" in page, "thi+gate@" in page) == (True, True, True)
    house.says("person", "PATCH", f"/api/person/people/{NOAH}", PERSON)
    assert (await browser.submit(f"/people/{NOAH}", **NEW, version="4", phone="")).status_code == 303
    assert sent(house, "person", "PATCH")["phone"] is None
    where = f"/people/{NOAH}/status"
    house.says("person", "POST", f"/api/person/people/{NOAH}/status", CONFLICT, 409)
    refused = await browser.submit(where, status="matching", reason="", version="4")
    assert (refused.status_code, "Not so." in refused.text) == (400, True)
    house.says("person", "POST", f"/api/person/people/{NOAH}/status", PERSON)
    assert (await browser.submit(where, status="matching", reason="", version="4")).status_code == 303
    assert sent(house, "person") == {"status": "matching", "reason": None}
    assert (await browser.submit(where, status="burnt", version="4")).status_code == 404


async def test_somebody_is_invited_and_given_a_role(browser, house):
    await desk(browser, house, "coordinator")
    invitation = {"id": GRANT, "version": 1, "account_id": ACCOUNT, "created_at": "2026-11-01T10:00:00Z"}
    house.says("identity", "POST", "/api/identity/invitations", invitation, 201)
    await browser.see(f"/people/{NOAH}")
    assert (await browser.submit(f"/people/{NOAH}/invite", member="on", admin="on")).status_code == 303
    assert (sent(house, "identity")["roles"], sent(house, "identity")["name"]) == (["member"], NAME)
    house.says("identity", "GET", "/api/identity/invitations", {"items": [invitation]})
    assert "Send the mail again" in (await browser.see(f"/people/{NOAH}")).text
    house.says("identity", "POST", f"/api/identity/invitations/{GRANT}/withdraw", invitation)
    for what, status in (("withdraw", 303), ("burn", 404)):
        answer = await browser.submit(f"/people/{NOAH}/invitations/{GRANT}/{what}", version="1")
        assert answer.status_code == status
    house.says("identity", "POST", "/api/identity/role-grants", {**invitation, "role": "mentor", "reason": "x"}, 201)
    given = {"account_id": ACCOUNT, "role": "mentor", "reason": "Teaches"}
    assert (await browser.submit(f"/people/{NOAH}/grants", **given)).status_code == 303
    assert sent(house, "identity") == given
    old = {"type": "urn:gatehouse:problem:sign-in-too-old", "title": "x", "status": 401, "detail": "x"}
    house.says("identity", "POST", "/api/identity/role-grants", old, 401)
    again = await browser.submit(f"/people/{NOAH}/grants", **given)
    assert (again.status_code, "again=" in again.text) == (401, True), "it takes a recent sign-in"


async def test_a_record_is_for_those_who_keep_it(browser, house):
    for roles, status in ((("member",), 404), (("mentor",), 404), (("staff",), 200)):
        await desk(browser, house, *roles)
        assert (await browser.get(f"/people/{NOAH}")).status_code == status
        assert (await browser.get("/people/new")).status_code == status
    page = (await browser.see(f"/people/{NOAH}")).text
    assert "Grant the role" not in page, "staff decide about no roles"
