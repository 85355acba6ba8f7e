"""Matching, a mentor's own page, the monthly question, times for introductions, the calendar's address."""

import json

MENTOR, MEMBER = "019a0000-0001-7000-8000-000000000001", "019a0000-0001-7000-8000-000000000002"
ONE = "019a0000-0065-7000-8000-000000000001"
TOKEN = "aB-_" * 10
NAME = "Zoë 🌱 O'Neil <b>"


def capacity(**changes):
    given = {"id": ONE, "version": 2, "person_id": MENTOR, "members_max": 3, "hours_month": 8}
    return given | {"asked_at": "2026-11-01T10:00:00Z", "answered_at": "2026-11-02T10:00:00Z"} | changes


def match(**changes):
    given = {"id": ONE, "version": 3, "mentor_id": MENTOR, "member_id": MEMBER, "state": "introduced"}
    return given | {"state_changed_at": "2026-11-20T10:00:00Z", "times": []} | changes


def slot(**changes):
    given = {"id": ONE, "version": 1, "host_id": MENTOR, "state": "open"}
    return given | {"begins_at": "2199-11-20T10:00:00Z", "ends_at": "2199-11-20T10:30:00Z"} | changes


def body_of(house, method="POST"):
    return json.loads(house.asked("intake", method)[-1][2])


async def test_a_coordinator_sees_reasons_and_introduces_by_one_click(browser, house):
    house.says("person", "GET", "/api/person/mentor-assignments", {"items": [{"mentor_id": MENTOR}]})
    house.says("intake", "GET", "/api/intake/mentors", {"items": [capacity()]})
    house.says("intake", "GET", "/api/intake/matches", {"items": [match(silent_since="2026-11-26T10:00:00Z")]})
    reasons = [{"kind": "hours", "text": "6 hours a week suit both"}]
    found = {"member_id": MEMBER, "name": NAME, "reasons": reasons, "times": ["2026-12-08T16:00:00Z"]}
    house.says("intake", "GET", f"/api/intake/mentors/{MENTOR}/suggestions", {"left": 2, "items": [found]})
    await browser.sign_in("coordinator")
    page = (await browser.see("/joining/matching")).text
    assert ("1 of 3 members" in page, "no meeting planned yet" in page) == (True, True)
    page = (await browser.see(f"/joining/matching/{MENTOR}")).text
    assert ("6 hours a week suit both" in page, "&lt;b&gt;" in page, "O&#39;Neil" in page) == (True, True, True)
    house.says("intake", "POST", "/api/intake/matches", match(), 201)
    answer = await browser.submit(f"/joining/matching/{MENTOR}/{MEMBER}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/joining/matching")
    assert body_of(house) == {"mentor_id": MENTOR, "member_id": MEMBER}
    refusal = {"type": "urn:x", "title": "Conflict", "status": 409, "detail": "They take a pause."}
    house.says("intake", "POST", "/api/intake/matches", refusal, 409)
    refused = await browser.submit(f"/joining/matching/{MENTOR}/{MEMBER}")
    assert (refused.status_code, "They take a pause." in refused.text) == (409, True)
    house.says("intake", "POST", f"/api/intake/matches/{ONE}/started", match(state="started"))
    assert (await browser.submit(f"/joining/matching/matches/{ONE}/started", version="3")).status_code == 303
    await browser.sign_in("member")
    assert (await browser.get("/joining/matching")).status_code == 404


async def test_a_mentor_says_how_many_and_when_and_keeps_what_was_typed(browser, house):
    windows = [{"weekday": 0, "begins": 1020, "ends": 1200}]
    stated = {"time_zone": "Asia/Kathmandu", "languages": ["en", "ne"], "windows": windows}
    house.says("intake", "GET", f"/api/intake/mentors/{MEMBER}", capacity())
    house.says("intake", "GET", f"/api/intake/availability/{MEMBER}", stated)
    house.says("intake", "PUT", f"/api/intake/mentors/{MEMBER}", capacity())
    house.says("intake", "PUT", f"/api/intake/availability/{MEMBER}", stated)
    await browser.sign_in("mentor")
    page = (await browser.see("/mentoring")).text
    assert ('value="17:00"' in page, 'value="20:00"' in page, 'value="en ne"' in page) == (True, True, True)
    typed = {"members_max": "2", "hours_month": "6", "time_zone": "Asia/Kathmandu", "languages": "EN, ne en"}
    wrong = await browser.submit("/mentoring", **typed, **{"d2a-from": "20:00", "d2a-to": "18:00"})
    assert (wrong.status_code, "Wednesday" in wrong.text, 'value="18:00"' in wrong.text) == (400, True, True)
    assert house.asked("intake", "PUT") == []
    for members in ("many", "21", ""):
        answer = await browser.submit("/mentoring", **(typed | {"members_max": members}))
        assert (answer.status_code, "takes a number up to 20" in answer.text) == (400, True)
    saved = await browser.submit("/mentoring", **typed, **{"d2a-from": "18:00", "d2a-to": "00:00"})
    assert (saved.status_code, saved.headers["location"]) == (303, "/mentoring")
    second, first = (json.loads(body) for _, _, body in house.asked("intake", "PUT"))
    assert first["windows"] == [{"weekday": 2, "begins": 1080, "ends": 1440}]
    assert (first["languages"], second["members_max"], second["is_paused"]) == (["en", "ne"], 2, False)


async def test_opening_the_monthly_link_answers_nothing_and_one_click_does(browser, house):
    page = await browser.see(f"/still-with-us/{TOKEN}")
    assert (page.status_code, "3 or more" in page.text, house.asked("intake", "POST")) == (200, True, [])
    house.says("intake", "POST", "/api/intake/mentors/answers", {"received": True})
    assert "Thank you" in (await browser.submit(f"/still-with-us/{TOKEN}", members="0")).text
    assert body_of(house) == {"token": TOKEN, "members_max": 0}
    assert (await browser.submit(f"/still-with-us/{TOKEN}", members="-1")).status_code == 404
    house.says("intake", "POST", "/api/intake/mentors/answers", {"status": 404, "title": "x", "type": "x"}, 404)
    assert (await browser.submit(f"/still-with-us/{TOKEN}", members="1")).status_code == 404


async def test_a_mentors_home_asks_and_offers_times_for_the_first_meeting(browser, house):
    house.says("intake", "GET", f"/api/intake/mentors/{MEMBER}", capacity(asked_at="2026-11-05T10:00:00Z"))
    times = ["2199-12-08T16:00:00Z", "2020-12-08T16:00:00Z"]
    house.says("intake", "GET", "/api/intake/matches", {"items": [match(times=times)]})
    await browser.sign_in("mentor")
    home = (await browser.see("/")).text
    assert ("Are you still with us?" in home, "2199-12-08T16:00:00" in home, "2020-12-08" in home) == (
        True,
        True,
        False,
    )
    house.says("intake", "PUT", f"/api/intake/mentors/{MEMBER}", capacity())
    assert (await browser.submit("/mentoring/answer", members="2")).headers["location"] == "/"
    assert body_of(house, "PUT") == {"members_max": 2}
    house.says("intake", "GET", f"/api/intake/mentors/{MEMBER}", capacity(members_max=7))
    await browser.submit("/mentoring/answer", members="3")
    assert body_of(house, "PUT") == {"members_max": 7}, "3 or more lowers nothing"


async def test_a_candidate_picks_a_time_on_their_home(browser, house):
    me = house.person(id=MEMBER, status="pending", time_zone="Asia/Kathmandu")
    house.says("person", "GET", f"/api/person/people/{MEMBER}", me)
    house.says("intake", "GET", "/api/intake/slots", {"items": [slot()]})
    await browser.sign_in("member")
    home = (await browser.see("/")).text
    assert ("Pick a time" in home, "15:45" in home) == (True, True)
    house.says("intake", "POST", f"/api/intake/slots/{ONE}/take", slot(state="taken", person_id=MEMBER))
    assert (await browser.submit(f"/introduction/{ONE}")).headers["location"] == "/"
    house.says("intake", "GET", "/api/intake/slots", {"items": [slot(state="taken", person_id=MEMBER)]})
    house.says("intake", "GET", f"/api/intake/slots/{ONE}/calendar", "BEGIN:VCALENDAR")
    taken = (await browser.see("/")).text
    assert ("Put it in your calendar" in taken, "a coordinator" in taken) == (True, True)
    house.says("intake", "GET", f"/api/intake/slots/{ONE}/host", {"name": "Ronja O'Neil"})
    assert "You meet <bdi>Ronja O&#39;Neil</bdi>" in (await browser.see("/")).text
    assert (await browser.get(f"/introduction/{ONE}/calendar.ics")).headers["content-type"].startswith("text/calendar")


async def test_a_coordinator_offers_times_by_the_clock_on_the_wall(browser, house):
    house.says("intake", "GET", "/api/intake/slots", {"items": [slot(), slot(state="taken", person_id=MEMBER)]})
    house.says("intake", "POST", "/api/intake/slots", {"added": 4})
    await browser.sign_in("coordinator")
    assert "comes" in (await browser.see("/joining/times")).text
    fields = {"at": "2026-10-20T17:00", "zone": "Europe/Berlin", "weeks": "4"}
    assert (await browser.submit("/joining/times", **fields)).status_code == 303
    hours = [one[11:16] for one in body_of(house)["begins"]]
    assert hours == ["17:00"] * 4, "the clocks go back on the 25th"
    for wrong in ({"at": "soon"}, {"zone": "Mars/Olympus"}):
        assert (await browser.submit("/joining/times", **(fields | wrong))).status_code == 400


async def test_a_calendar_address_is_shown_once(browser, house):
    url = "http://test/api/intake/calendar-feed/abc"
    house.says("intake", "POST", "/api/intake/calendar-feed", {"url": url})
    house.says("intake", "DELETE", "/api/intake/calendar-feed", None, 204)
    await browser.sign_in("member")
    assert "You have no address yet" in (await browser.see("/account/calendar")).text
    assert url in (await browser.submit("/account/calendar")).text
    assert url not in (await browser.see("/account/calendar")).text
    assert (await browser.submit("/account/calendar/revoke")).status_code == 303
