"""What is new, mails to look at, and the mailbox of this machine."""

import msgspec
import pytest

API = "/api/communication"
ID = "019a0000-0024-7000-8000-000000000001"
AT = "2026-11-01T10:00:00Z"
MAIL = {"id": ID, "delivery_id": ID, "recipient": "zoe@example.org", "subject": "Welcome, <Zoë>", "received_at": AT}


def happened(house, kind: str, about: str, **more) -> dict:
    return {"id": ID, "version": 1, "kind": kind, "about_id": about, "read_at": None, "created_at": AT} | more


async def test_home_says_what_is_new_and_the_page_all_that_happened(browser, house):
    found = [
        happened(house, "mentoring_started", house.mara),
        happened(house, "plan_committed", house.noah, read_at=AT),
    ]
    house.says("communication", "GET", f"{API}/notifications", {"items": found, "total": 2})
    house.says("communication", "POST", f"{API}/notifications/read", {"read": 1})
    await browser.sign_in("member")
    assert "You and Mara Lindgren learn together from now on" in (await browser.see("/")).text
    page = (await browser.see("/notifications")).text
    assert "Your plan until the next meeting was agreed" in page
    done = await browser.submit("/notifications/read", until=AT)
    assert (done.status_code, done.headers["location"]) == (303, "/notifications")
    assert "1 is read now." in (await browser.see("/notifications")).text
    ((_, _, body),) = house.asked("communication", "POST")
    assert body == b'{"until":"2026-11-01T10:00:00Z"}'


async def test_without_communication_home_says_so_and_shows_the_rest(browser, house):
    house.says("communication", "GET", f"{API}/notifications", {"status": 503}, 503)
    await browser.sign_in("member")
    page = (await browser.see("/")).text
    assert "What is new can’t be shown right now" in page
    assert "Welcome, Noah" in page


async def test_a_coordinator_decides_about_a_mail_that_may_not_have_left(browser, house):
    mail = {
        "id": ID,
        "version": 4,
        "event_id": ID,
        "person_id": house.noah,
        "kind": "welcome",
        "state": "unknown",
        "address": "noah@example.org",
        "created_at": AT,
    }
    house.says("communication", "GET", f"{API}/deliveries", {"items": [mail], "total": 1})
    house.says("person", "GET", "/api/person/people", {"items": []})
    house.says("communication", "POST", f"{API}/deliveries/{ID}/settle", mail | {"state": "sent"})
    await browser.sign_in("coordinator")
    page = (await browser.see("/")).text
    assert "May not have left." in page
    assert "Noah Adeyemi" in page
    assert (await browser.submit(f"/deliveries/{ID}/settle", version="4")).status_code == 303
    ((_, headers, _),) = house.asked("communication", "POST")
    assert headers["if-match"] == '"4"'
    for path, version in ((f"/deliveries/{ID}/burn", "4"), (f"/deliveries/{ID}/settle", "4x")):
        assert (await browser.submit(path, version=version)).status_code == 404


async def test_the_mailbox_shows_a_mail_as_text_and_nothing_of_it_runs(browser, house):
    whole = MAIL | {
        "sender": "Institute <hello@institute.invalid>",
        "to": "Zoë <zoe@example.org>",
        "text": "Hello\nhttps://gate.example.org/welcome/abc",
        "html": "<script>alert(1)</script>",
        "source": "From: x",
    }
    house.says("communication", "GET", f"{API}/mailbox", [MAIL])
    house.says("communication", "GET", f"{API}/mailbox/{ID}", whole)
    assert "Welcome, &lt;Zoë&gt;" in (await browser.see("/mail")).text
    page = (await browser.see(f"/mail/{ID}")).text
    assert "<script>alert" not in page
    assert 'href="https://gate.example.org/welcome/abc"' in page


@pytest.mark.parametrize("path", ["/mail", f"/mail/{ID}"])
async def test_elsewhere_there_is_no_mailbox(portal, house, path, monkeypatch):
    monkeypatch.setattr(portal.app.state, "service", _in("production", portal.app.state.service))
    house.says("communication", "GET", f"{API}/mailbox", [MAIL])
    async with house.browser(portal) as browser:
        assert (await browser.see(path)).status_code == 404
    assert house.asked("communication", "GET") == []


def _in(environment: str, service):
    return msgspec.structs.replace(service, environment=environment)
