"""Too much? What mentors and members see of it before anything is committed, and who doesn't."""

from typing import Any

import msgspec
import pytest

FORECAST = {
    "until": "2026-12-06T17:00:00Z",
    "budget_minutes": 360,
    "minutes_per_week": 360,
    "low_minutes": 300,
    "middle_minutes": 420,
    "high_minutes": 540,
    "over": 0.71,
    "pace": 1.2,
    "pace_times": 14,
    "little_known": False,
}


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def forecast(house: Any) -> dict[str, Any]:
    """Curriculum says that what Noah has now is probably too much."""
    item = {"resource_id": house.resources[1], "low_minutes": 25, "middle_minutes": 45, "high_minutes": 80}
    said = FORECAST | {"items": [item | {"typical_minutes": 40, "times": 12, "spent_minutes": 0}]}
    house.says("curriculum", "POST", f"/api/curriculum/curricula/{house.noah}/forecast", said)
    return said


def asked(house: Any) -> list[dict[str, Any]]:
    return [msgspec.json.decode(body) for _, path, _, body in house["curriculum"].requests if "forecast" in path]


async def test_a_mentor_sees_that_it_is_too_much_why_and_how_to_lighten_it(browser, house, forecast):
    await browser.sign_in("mentor", person=house.mara)
    text = flat((await browser.see(f"/members/{house.noah}")).text)
    assert "<strong>5 to 9 h</strong> until" in text
    assert "Noah has 6 h: <strong>probably too much</strong> (7 in 10 that it is more)" in text
    why = f"/members/{house.noah}/forecast?coming=no&amp;item={house.assignments[1]}"
    assert f'<a href="{why}">Why</a>' in text
    assert asked(house)[0]["assignment_ids"] == [house.assignments[1]]
    assert 'id="load-coming" hx-target="this"' in text  # not that of the form around it: the whole plan
    text = flat((await browser.see(why.replace("&amp;", "&"))).text)
    assert "12 times known, half of them up to 40 min" in text
    assert "Noah takes about 1.2 times as long as others, from 14 times." in text
    assert (asked(house)[-1]["assignment_ids"], asked(house)[-1]["coming"]) == ([house.assignments[1]], False)
    part = await browser.see(
        f"/members/{house.noah}/forecast?item={house.assignments[1]}&item={house.assignments[2]}&next=2026-12-09T10:00",
        headers={"HX-Request": "true"},
    )
    assert "probably too much" in part.text
    assert "<html" not in part.text
    last = asked(house)[-1]
    assert (last["assignment_ids"], last["until"], last["coming"]) == (
        [house.assignments[1], house.assignments[2]],
        "2026-12-09",
        True,
    )


async def test_the_page_of_the_plan_stands_without_a_forecast(browser, house):
    """Curriculum of the release before has none."""
    await browser.sign_in("member")
    page = await browser.see(f"/members/{house.noah}")
    assert page.status_code == 200
    assert "too much" not in page.text


async def test_coordinators_arent_shown_somebodys_pace(browser, house, forecast):
    await browser.sign_in("coordinator", person=None)
    page = await browser.see(f"/members/{house.noah}")
    assert (page.status_code, "too much" in page.text, asked(house)) == (200, False, [])
    assert (await browser.see(f"/members/{house.noah}/forecast?item={house.assignments[1]}")).status_code == 404


async def test_the_last_two_go_to_next_by_one_click_and_come_back(browser, house, forecast):
    plan = house.curriculum(3)
    plan["now"] += [plan["next"][0] | {"state": "now", "position": 2}]
    plan["next"] = []
    house.says("curriculum", "GET", f"/api/curriculum/curricula/{house.noah}", plan)
    for one in plan["now"]:
        path = f"/api/curriculum/curricula/{house.noah}/assignments/{one['id']}/move"
        house.says("curriculum", "POST", path, house.curriculum(5))
    await browser.sign_in("mentor", person=house.mara)
    assert 'id="lighten"' in (await browser.see(f"/members/{house.noah}")).text
    done = await browser.submit(f"/members/{house.noah}/curriculum/lighten", version="3")
    assert done.status_code == 303
    moves = [path for path, _, _ in house.asked("curriculum", "POST") if path.endswith("/move")]
    assert [path.split("/")[-2] for path in moves] == [one["id"] for one in reversed(plan["now"])]
    page = flat((await browser.see(done.headers["location"].partition("#")[0])).text)
    assert "to Next." in page
    assert "/curriculum/lighten/undo" in page
    ids = " ".join(one["id"] for one in plan["now"])
    undone = await browser.submit(f"/members/{house.noah}/curriculum/lighten/undo", version="5", items=ids)
    assert undone.status_code == 303
    bodies = [
        msgspec.json.decode(body) for path, _, body in house.asked("curriculum", "POST") if path.endswith("/move")
    ]
    assert bodies[-1] == {"state": "now", "position": None}


async def test_a_member_says_that_a_time_didnt_count(browser, house):
    time = {"assignment_id": house.assignments[1], "resource_id": house.resources[1], "resource_name": "A night off"}
    time |= {"minutes": 400, "stated": True, "unfinished": False, "typical_minutes": 40}
    where = f"/api/curriculum/curricula/{house.noah}"
    house.says("curriculum", "GET", f"{where}/pace", {"pace": 1.4, "low": 1.1, "high": 1.8, "times": [time]})
    house.says("curriculum", "PUT", f"{where}/assignments/{house.assignments[1]}/typical", {})
    await browser.sign_in("member")
    text = flat((await browser.see(f"/members/{house.noah}/pace")).text)
    assert "About 1.4 times as long as others, likely between 1.1 and 1.8." in text
    assert "That one didn’t count" in text
    answer = await browser.submit(
        f"/members/{house.noah}/pace/{house.assignments[1]}", typical="no", name="A night off"
    )
    assert answer.status_code == 303
    assert msgspec.json.decode(house.asked("curriculum", "PUT")[-1][2]) == {"typical": False}
    await browser.sign_in("mentor", person=house.mara)
    assert "That one didn’t count" not in (await browser.see(f"/members/{house.noah}/pace")).text


async def test_how_good_forecasts_are_is_a_page(browser, house):
    fifths = [{"above": n / 5, "forecasts": 9 if n == 4 else 2, "said": 0.9 if n == 4 else None} for n in range(5)]
    found = {"made": 17, "settled": 12, "covered": 0.81, "brier": 0.12, "fifths": fifths, "times": 340}
    house.says("curriculum", "GET", "/api/curriculum/forecasts/calibration", found)
    await browser.sign_in("member")
    text = flat((await browser.see("/forecasts")).text)
    for said in (
        "17, and of 12 it is known what came",
        "81 % (80 % is right)",
        "0.120",
        "80 to 100 %",
        "90 %",
        "Too few",
    ):
        assert said in text


async def test_a_link_that_is_pasted_is_added_and_planned_in_one_step(browser, house, forecast):
    link, plan = "https://learn.example/git-in-short", f"/api/curriculum/curricula/{house.noah}"
    preview = {"url": link, "name": "Git in short", "kind": "video", "length_minutes": 42}
    house.says("topics", "GET", "/api/topics/links", [])
    house.says("topics", "GET", "/api/topics/links/preview", preview)
    await browser.sign_in("mentor", person=house.mara)
    search = f"/members/{house.noah}/assign"
    text = flat((await browser.see(search, params={"search": link})).text)
    assert 'value="Git in short"' in text
    assert "Add to Now" in text
    house.says("topics", "POST", "/api/topics/resources", house.resource(2), 201)
    after = house.curriculum(4)
    new = after["next"][0]["id"]
    house.says("curriculum", "POST", f"{plan}/assign", after | {"assigned": [new], "skipped": []})
    house.says("curriculum", "POST", f"{plan}/assignments/{new}/move", house.curriculum(5))
    fields = {"link": link, "name": "Git in short", "kind": "video", "length_minutes": "42", "state": "now"}
    done = await browser.submit(f"/members/{house.noah}/curriculum/paste", version="3", **fields)
    assert done.status_code == 303
    made = msgspec.json.decode(house.asked("topics", "POST")[0][2])
    assert (made["url"], made["kind"], made["length_minutes"], made["length_words"]) == (link, "video", 42, None)
    sent = [(path.rpartition("/")[2], msgspec.json.decode(body)) for path, _, body in house.asked("curriculum", "POST")]
    assert [path for path, _ in sent] == ["assign", "move"]
    assert sent[0][1]["state"] == "next"
    house.says("topics", "GET", "/api/topics/links", [house.resource(1)])
    assert "Add to Now" not in (await browser.see(search, params={"search": link})).text
    house.says("topics", "GET", "/api/topics/links", [])
    await browser.sign_in("member")
    assert "No resource leads there." in (await browser.see(search, params={"search": link})).text
