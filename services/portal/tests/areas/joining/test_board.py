"""The coordinators' board: who can't go on first, one thing to do for each."""

import pytest

SIGN_UPS, DOORS = "/api/intake/sign-ups", "/api/intake/doors"
ONE = "019a0000-0040-7000-8000-000000000001"


def sign_up(**changes):
    return {
        "id": ONE,
        "version": 3,
        "source": "form",
        "external_id": "f-1",
        "name": "Zoë O'Neil",
        "email": "zoe@example.org",
        "time_zone": "Europe/Oslo",
        "goal": None,
        "state": "welcomed",
        "state_changed_at": "2026-11-20T10:00:00Z",
        "person_id": ONE,
        "problem": None,
        "tries": 0,
        "twins": 0,
        "created_at": "2026-11-20T10:00:00Z",
    } | changes


@pytest.fixture
async def coordinator(browser, house):
    found = [
        sign_up(),
        sign_up(name="<i>Stuck</i>", state="received", person_id=None, problem="Squarespace answers 404", tries=3),
        sign_up(name="Returns", state="returning", twins=1),
    ]
    house.says("intake", "GET", SIGN_UPS, {"items": found, "next": None, "total": 3})
    doors = [{"source": "sheet_row", "is_open": True, "is_ready": False, "token_issued_at": None}]
    house.says("intake", "GET", DOORS, doors)
    await browser.sign_in("coordinator")
    return browser


async def test_who_cannot_go_on_comes_first_with_the_reason(coordinator):
    page = (await coordinator.see("/joining")).text
    assert page.index("Squarespace answers 404") < page.index("Zoë O&#39;Neil")
    assert "&lt;i&gt;Stuck&lt;/i&gt;" in page
    assert "Tried 3 times" in page
    assert "1 other sign-up has nearly the same address" in page


async def test_a_time_is_read_by_the_clock_where_they_live(coordinator, house):
    house.says("intake", "POST", f"{SIGN_UPS}/{ONE}/introduction", sign_up(state="scheduled"))
    await coordinator.see("/joining")
    form = {"version": "3", "zone": "Europe/Oslo", "at": "2026-12-01T17:00"}
    assert (await coordinator.submit(f"/joining/{ONE}/introduction", **form)).status_code == 303
    (_, headers, body) = house.asked("intake", "POST")[-1]
    assert (headers["if-match"], b"2026-12-01T16:00:00Z" in body) == ('"3"', True)
    wrong = await coordinator.submit(f"/joining/{ONE}/introduction", **(form | {"at": "soon"}))
    assert (wrong.status_code, "takes a day and a time" in wrong.text) == (400, True)


@pytest.mark.parametrize("what", ["retry", "reject"])
async def test_they_decide(coordinator, house, what):
    house.says("intake", "POST", f"{SIGN_UPS}/{ONE}/{what}", sign_up())
    await coordinator.see("/joining")
    answer = await coordinator.submit(f"/joining/{ONE}/{what}", version="3")
    assert (answer.status_code, answer.headers["location"]) == (303, "/joining")


async def test_the_token_is_shown_once(coordinator, house):
    house.says("intake", "POST", f"{DOORS}/sheet_row/token", {"token": "tok-123"}, 201)
    await coordinator.see("/joining")
    assert "tok-123" in (await coordinator.submit("/joining/token")).text
    assert "tok-123" not in (await coordinator.see("/joining")).text


async def test_a_member_has_no_such_page(browser, house):
    await browser.sign_in("member")
    assert (await browser.get("/joining")).status_code == 404
