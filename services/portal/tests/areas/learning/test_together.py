"""A plan that two have open at once: its texts without JavaScript, and places among neighbours."""

import msgspec
import pytest

HTMX = {"HX-Request": "true"}


@pytest.fixture
def texts(house) -> str:
    path = f"/api/curriculum/curricula/{house.noah}/texts"
    reason = f"reason:{house.assignments[2]}"
    found = {"goals": {"text": "Ship <it>", "digest": "ab12"}, reason: {"text": "for the job", "digest": "cd34"}}
    house.says("curriculum", "GET", path, {"texts": found})
    return path


async def test_the_texts_are_forms_that_work_without_a_script(browser, house, texts):
    await browser.sign_in("member")
    text = (await browser.see(f"/members/{house.noah}")).text
    assert 'data-shared="goals">Ship &lt;it&gt;</textarea>' in text
    assert 'data-shared="notes"></textarea>' in text
    assert f'data-shared="reason:{house.assignments[2]}">for the job</textarea>' in text
    house.says("curriculum", "PUT", f"{texts}/goals", {"texts": {}})
    answer = await browser.submit(f"/members/{house.noah}/texts/goals", text="Ship\r\nmore", seen="ab12")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/members/{house.noah}#together")
    _, _, body = house.asked("curriculum", "PUT")[-1]
    assert msgspec.json.decode(body) == {"text": "Ship\nmore", "seen": "ab12"}


async def test_of_a_text_that_changed_meanwhile_both_are_shown(browser, house, texts):
    await browser.sign_in("member")
    await browser.see(f"/members/{house.noah}")
    problem = {"type": "urn:gatehouse:problem:stale-version", "title": "No", "status": 412, "detail": "Somebody else"}
    house.says("curriculum", "PUT", f"{texts}/goals", problem, 412)
    answer = await browser.submit(f"/members/{house.noah}/texts/goals", text="what I wrote", seen="old")
    assert answer.status_code == 412
    assert "Ship &lt;it&gt;</textarea>" in answer.text
    assert ">what I wrote</textarea>" in answer.text


async def test_who_may_not_write_them_sees_no_field(browser, house):
    await browser.sign_in("member")
    problem = {"type": "urn:gatehouse:problem:forbidden", "title": "No", "status": 404, "detail": "No"}
    house.says("curriculum", "GET", f"/api/curriculum/curricula/{house.noah}/texts", problem, 404)
    assert "data-shared" not in (await browser.see(f"/members/{house.noah}")).text


async def test_a_place_among_neighbours_needs_no_version_and_can_be_undone(browser, house, texts):
    await browser.sign_in("mentor", person=house.mara)
    await browser.see(f"/members/{house.noah}")
    where = f"/api/curriculum/curricula/{house.noah}/assignments/{house.assignments[2]}/move"
    house.says("curriculum", "POST", where, house.curriculum(4))
    answer = await browser.submit(
        f"/members/{house.noah}/curriculum/{house.assignments[2]}/place",
        state="now",
        after=house.assignments[1],
        name="Resource 2",
        place="next:1::own:",
        headers=HTMX,
    )
    assert "Moved “Resource 2” to Now." in answer.text
    assert 'value="move:next:1"' in answer.text
    path, headers, body = next(one for one in house.asked("curriculum", "POST") if one[0] == where)
    assert path == where
    assert "if-match" not in headers
    assert msgspec.json.decode(body) == {"state": "now", "after": house.assignments[1]}


async def test_the_page_asks_for_a_ticket_of_its_socket(browser, house):
    await browser.sign_in("member")
    path = f"/api/curriculum/curricula/{house.noah}/texts/ticket"
    ticket = {"path": f"/api/curriculum/curricula/{house.noah}/documents/1", "ticket": "sealed", "seconds": 60}
    house.says("curriculum", "POST", path, ticket)
    answer = await browser.get(f"/members/{house.noah}/texts/ticket")
    assert answer.json() == ticket
    assert answer.headers["cache-control"] == "no-store"
