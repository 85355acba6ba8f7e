"""Where a one-time link leads: to signing in, or to why it doesn't."""

import pytest

LOOK = "/api/identity/invitations/look"
TOKEN = "aB-_" * 10


async def test_the_page_says_for_whom_it_is_and_uses_nothing(browser, house):
    house.says("identity", "POST", LOOK, {"name": "Zoë O'Neil", "state": "open"})
    page = (await browser.see(f"/welcome/{TOKEN}")).text
    assert "Zoë O&#39;Neil" in page
    assert f'href="/sign-in/provider?invitation={TOKEN}"' in page
    assert [path for path, _, _ in house.asked("identity", "POST")] == [LOOK]
    away = await browser.get(f"/sign-in/provider?invitation={TOKEN}")
    assert f"invitation={TOKEN}" in away.headers["location"]


async def test_locally_it_signs_in_without_a_provider(browser, house):
    house.says("identity", "POST", LOOK, {"name": "Zoë", "state": "open"})
    house.says("identity", "POST", "/api/identity/invitations/sessions", house.session("member"), 201)
    await browser.see(f"/welcome/{TOKEN}")
    assert (await browser.submit(f"/welcome/{TOKEN}")).headers["location"] == "/"
    assert "Welcome, Noah" in (await browser.see("/")).text


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [("used", 410, "was used already"), ("expired", 410, "has run out"), ("withdrawn", 410, "no longer good")],
)
async def test_a_link_that_is_over_says_why(browser, house, state, status, words):
    house.says("identity", "POST", LOOK, {"name": "Zoë", "state": state})
    answer = await browser.see(f"/welcome/{TOKEN}")
    assert (answer.status_code, words in answer.text, "Zoë" in answer.text) == (status, True, False)


async def test_a_link_that_nobody_knows(browser, house):
    house.says("identity", "POST", LOOK, {"status": 404, "title": "x", "type": "x"}, 404)
    assert (await browser.see(f"/welcome/{TOKEN}")).status_code == 404
