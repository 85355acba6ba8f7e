"""Becoming a mentor: the form, the click in the mail that confirms only when it is meant, and the decision."""

import json

FORM, APPLICATIONS = "/api/intake/form", "/api/intake/applications"
ONE = "019a0000-0061-7000-8000-000000000001"
TOKEN = "aB-_" * 10
TEXTS = [
    {"kind": kind, "version": "2024-09", "title": f"The {kind}", "text": "First <b>part</b>.\n\nSecond part."}
    for kind in ("newsletter", "code_of_conduct", "data_processing")
]
AGREED = {"consent_code_of_conduct": "2024-09", "consent_data_processing": "2024-09"}
FIELDS = AGREED | {
    "name": "Zoë 🌱",
    "email": "zoe@example.org",
    "knows": "Testing",
    "hours_month": "6",
    "form": "token-3",
}


def application(**changes):
    return {
        "id": ONE,
        "version": 2,
        "name": "Zoë 🌱",
        "email": "zoe@example.org",
        "knows": "<b>Testing</b>",
        "hours_month": 6,
        "time_zone": None,
        "why": None,
        "state": "confirmed",
        "state_changed_at": "2026-11-20T10:00:00Z",
        "person_id": None,
        "problem": None,
    } | changes


async def test_somebody_applies(browser, house):
    house.says("intake", "GET", FORM, {"form": "token-3"})
    house.says("person", "GET", "/api/person/consent-documents", TEXTS)
    house.says("intake", "POST", APPLICATIONS, {"received": True}, 202)
    first = (await browser.see("/become-a-mentor")).text
    assert first.index("The code_of_conduct") < first.index("The newsletter")
    assert "First &lt;b&gt;part" in first
    for hours in ("many", "", "0", "201", "0001" + "9" * 5000):
        wrong = await browser.submit("/become-a-mentor", **(FIELDS | {"hours_month": hours}))
        assert (wrong.status_code, "a number of hours" in wrong.text, "Testing" in wrong.text) == (400, True, True)
    sent = await browser.submit("/become-a-mentor", **FIELDS)
    assert (sent.status_code, sent.headers["location"]) == (303, "/become-a-mentor/sent")
    ((_, _, body),) = house.asked("intake", "POST")
    assert [one["kind"] for one in json.loads(body)["consents"]] == ["code_of_conduct", "data_processing"]
    assert "We sent you a mail" in (await browser.see("/become-a-mentor/sent")).text


async def test_opening_the_link_confirms_nothing(browser, house):
    page = await browser.see(f"/become-a-mentor/confirm/{TOKEN}")
    assert (page.status_code, "Yes, I applied" in page.text) == (200, True)
    assert house.asked("intake", "POST") == []
    house.says("intake", "POST", f"{APPLICATIONS}/confirm", {"received": True})
    assert "Thank you" in (await browser.submit(f"/become-a-mentor/confirm/{TOKEN}")).text
    house.says("intake", "POST", f"{APPLICATIONS}/confirm", {"status": 404, "title": "x", "type": "x"}, 404)
    assert (await browser.submit(f"/become-a-mentor/confirm/{TOKEN}")).status_code == 404


async def test_a_coordinator_decides(browser, house):
    house.says("intake", "GET", "/api/intake/doors", [])
    house.says("intake", "GET", APPLICATIONS, {"items": [application()]})
    await browser.sign_in("coordinator")
    page = (await browser.see("/joining")).text
    assert "&lt;b&gt;Testing&lt;/b&gt;" in page
    for what in ("accept", "decline"):
        house.says("intake", "POST", f"{APPLICATIONS}/{ONE}/{what}", application())
        answer = await browser.submit(f"/joining/applications/{ONE}/{what}", version="2")
        assert (answer.status_code, answer.headers["location"]) == (303, "/joining")
    assert (await browser.submit(f"/joining/applications/{ONE}/burn", version="2")).status_code == 404
