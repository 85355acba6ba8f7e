"""My way: what a member sees first, what they do there without a script, and what is left when a service is away."""

from typing import Any

import pytest

AWAY = {"type": "about:blank", "title": "Away", "status": 503}


def flat(text: str) -> str:
    return " ".join(text.split())


async def test_one_page_says_what_is_next_agreed_likely_and_done(browser, house):
    await browser.sign_in("member")
    house["topics"].requests.clear()
    text = flat((await browser.see("/")).text)
    assert f'id="continue" href="/go/{house.assignments[1]}?resource={house.resources[1]}"' in text
    for said in (
        "Agreed until <strong>",
        "You completed <strong>4</strong> in the last 8 weeks",
        "what is now is done between",
        "Mara Lindgren",
        "1 of 4 done",
        "1 completed, 1 now, 1 next, 1 later",
        "November 2026",
        "Python (1)",
    ):
        assert said in text
    assert len([one for one in house.asked("topics", "GET") if "/resources" in one[0]]) == 1


async def test_done_is_one_form_and_its_undo_another(browser, house):
    await browser.sign_in("member")
    await browser.see("/")
    where = f"/api/curriculum/curricula/{house.noah}/assignments/{house.assignments[1]}"
    house.says("curriculum", "POST", f"{where}/complete", house.curriculum(4))
    form = f"/members/{house.noah}/curriculum/{house.assignments[1]}"
    fields = {"action": "complete", "version": "3", "back": "way", "name": "Resource 1", "place": "now:1:started::"}
    done = await browser.submit(form, **fields)
    assert (done.status_code, done.headers["location"]) == (303, f"/?just={house.assignments[1]}#afterwards")
    house.says("curriculum", "GET", f"/api/curriculum/curricula/{house.noah}/way", finished(house))
    page = flat((await browser.see(done.headers["location"].partition("#")[0])).text)
    assert "Completed “Resource 1”." in page
    assert "About how long did it take?" in page
    assert f'action="{form}/undo"' in page
    assert 'hx-target="#"' not in page
    house.says("curriculum", "POST", f"{where}/reopen", house.curriculum(5))
    undone = await browser.submit(f"{form}/undo", steps="reopen", version="4", back="way", name="Resource 1")
    assert (undone.status_code, undone.headers["location"]) == (303, "/#way")


def finished(house: Any) -> dict[str, Any]:
    way = house.way(4)
    one = way["now"].pop() | {"state": "completed", "completed_at": "2026-11-02T10:00:00Z"}
    return way | {"completed": [one, *way["completed"]], "goes_on": way["next"][0]}


async def test_without_topics_names_are_as_they_were(browser, house):
    await browser.sign_in("member")
    house.says("topics", "GET", "/api/topics/resources", AWAY, 503)
    answer = await browser.see("/")
    assert answer.status_code == 200
    for number in (1, 2, 4):
        assert f"Resource {number}" in answer.text
    assert "Links of resources can’t be shown right now" in answer.text
    assert "/go/" not in answer.text


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("?skill=Python&month=2026-11", {"skill=Python", "month=2026-11"}),
        ("?month=nonsense&before=x", set()),
        ("?before=10000999", set()),
        ("?before=12", {"before=12"}),
    ],
)
async def test_the_timeline_is_filtered(browser, house, query, asked):
    await browser.sign_in("member")
    house["curriculum"].requests.clear()
    await browser.see("/" + query)
    (sent,) = [path for path, _, _ in house.asked("curriculum", "GET") if "/way" in path]
    assert set(filter(None, sent.partition("?")[2].split("&"))) == asked


async def test_somebody_without_a_plan_is_told_what_happens(browser, house):
    await browser.sign_in("member")
    missing = {"type": "urn:gatehouse:problem:not-found", "title": "No", "status": 404}
    house.says("curriculum", "GET", f"/api/curriculum/curricula/{house.noah}/way", missing, 404)
    assert "Your mentor begins it with you" in (await browser.see("/")).text


async def test_a_goal_is_said_reached_and_taken_back(browser, house):
    await browser.sign_in("member")
    goal = {"id": house.assignments[1], "text": "Ship it alone", "horizon": "year", "state": "open"}
    house.says("curriculum", "GET", f"/api/curriculum/curricula/{house.noah}/way", house.way(goals=[goal]))
    where = f"/api/curriculum/curricula/{house.noah}/goals"
    house.says("curriculum", "POST", where, goal, 201)
    house.says("curriculum", "POST", f"{where}/{goal['id']}/settle", goal | {"state": "reached"})
    assert "This year" in (await browser.see("/")).text
    said = await browser.submit("/goals", text="Ship it alone", horizon="year")
    reached = await browser.submit(f"/goals/{goal['id']}", state="reached")
    assert [answer.headers["location"] for answer in (said, reached)] == ["/#goals", "/#goals"]
    assert "Reached: “Ship it alone”." in (await browser.see("/")).text
    # A drop that is taken back, and that taken back, is dropped again: never reached.
    for fields, undo in (({"state": "dropped"}, ("open", "dropped")), ({"before": "dropped"}, ("dropped", "open"))):
        await browser.submit(f"/goals/{goal['id']}", **{"state": "open"} | fields)
        page = (await browser.see("/")).text
        for name, value in zip(("state", "before"), undo, strict=True):
            assert f'<input type="hidden" name="{name}" value="{value}">' in page
    for fields in ({"text": " ", "horizon": "year"}, {"text": "x", "horizon": "soon"}):
        assert (await browser.submit("/goals", **fields)).status_code == 400
    assert (await browser.submit(f"/goals/{goal['id']}", state="won")).status_code == 400
