"""One's own account: where one is signed in, out everywhere, time zone and language."""

import json

from gatehouse_portal.areas.account.mails import OPTIONAL

NOAH = "019a0000-0001-7000-8000-000000000002"
HERE, THERE = (f"019a0000-0009-7000-8000-00000000000{number}" for number in (1, 2))
TIMES = dict.fromkeys(("created_at", "refreshed_at", "ends_at"), "2026-11-20T10:00:00Z")


def two(house):
    sessions = [{"id": one, "method": "provider", **TIMES} for one in (HERE, THERE)]
    house.says("identity", "GET", "/api/identity/sessions", sessions)
    me = {"name": "Noah", "email": "noah@example.org", "session_id": HERE}
    house.says("identity", "GET", "/api/identity/me", me)
    house.says("communication", "GET", f"/api/communication/people/{NOAH}/mail-choice", {"locale": "en"})


async def test_what_is_mine_is_changed_and_what_is_wrong_stays_typed(browser, house):
    two(house)
    house.says("person", "GET", f"/api/person/people/{NOAH}", house.person(version=3))
    await browser.sign_in("member")
    page = (await browser.see("/account")).text
    assert (page.count("Sign out there"), "Here" in page, "noah@example.org" in page) == (1, True, True)
    invalid = {"type": "x", "title": "x", "status": 400, "errors": [{"field": "phone", "message": "takes a number"}]}
    house.says("person", "PATCH", f"/api/person/people/{NOAH}", invalid, 400)
    fields = {"preferred_name": "ליאור", "phone": "12", "location": "", "time_zone": "Asia/Kathmandu"}
    wrong = await browser.submit("/account", **fields, version="3")
    assert (wrong.status_code, "takes a number" in wrong.text, "ליאור" in wrong.text) == (400, True, True)
    house.says("person", "PATCH", f"/api/person/people/{NOAH}", house.person(version=4))
    assert (await browser.submit("/account", **fields, version="3")).status_code == 303
    assert json.loads(house.asked("person", "PATCH")[-1][2])["location"] is None


async def test_signing_out_everywhere_ends_the_others_first(browser, house):
    two(house)
    house.says("person", "GET", f"/api/person/people/{NOAH}", house.person(version=3))
    house.says("identity", "DELETE", f"/api/identity/sessions/{THERE}", None, 204)
    await browser.sign_in("member")
    await browser.see("/account")
    assert (await browser.submit(f"/account/sessions/{THERE}/end")).status_code == 303
    house["identity"].requests.clear()
    answer = await browser.submit("/account/sign-out-everywhere")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    ended = [path for path, _, _ in house.asked("identity", "DELETE")]
    assert ended == [f"/api/identity/sessions/{THERE}", "/api/identity/sessions/current"]
    assert (await browser.get("/account")).status_code in (303, 401)


async def test_mails_and_their_language_are_chosen_on_the_same_page(browser, house):
    two(house)
    house.says("person", "GET", f"/api/person/people/{NOAH}", house.person(version=3))
    address = f"/api/communication/people/{NOAH}/mail-choice"
    house.says("communication", "GET", address, {"locale": "de", "declined": ["intro_reminder"]})
    house.says("communication", "PUT", address, {"locale": "fr", "declined": []})
    await browser.sign_in("member")
    page = (await browser.see("/account")).text
    assert (page.count(" checked"), 'lang="de" selected' in page) == (len(OPTIONAL) - 1, True)
    chosen = {"intro_reminder": "on", "locale": "fr", "back": "/account"}
    assert (await browser.submit("/account/mail", **chosen)).headers["location"] == "/account"
    declined = [kind for kind in OPTIONAL if kind != "intro_reminder"]
    assert json.loads(house.asked("communication", "PUT")[-1][2]) == {"locale": "fr", "declined": declined}
    assert (await browser.see("/account/mail")).text.count(" checked") == len(OPTIONAL) - 1
    await browser.submit("/account/mail", locale="xx")
    assert json.loads(house.asked("communication", "PUT")[-1][2]) == {"locale": "de", "declined": list(OPTIONAL)}


async def test_who_changes_what_takes_a_recent_sign_in_sees_whether_theirs_is(browser, house):
    two(house)
    house.says("person", "GET", f"/api/person/people/{NOAH}", house.person(version=3))
    await browser.sign_in("member")
    assert "Sign in again" not in (await browser.see("/account")).text
    await browser.sign_in("admin")
    page = (await browser.see("/account")).text
    assert ("You signed in lately" in page, "/sign-in?again=yes&amp;then=/account" in page) == (True, True)
