"""The library: what a path shows its reader."""

import pytest


async def test_a_path_shows_a_member_how_far_they_are(browser, house):
    await browser.sign_in("member")
    resources = [house.resource(number) for number in (1, 3, 4)] + [house.resource(1) | {"id": house.noah}]
    topics = [{"id": house.resources[1], "name": "T", "resources": resources}]
    path = {"id": house.resources[1], "name": "Odin", "modules": [{"id": house.noah, "name": "M", "topics": topics}]}
    house.says("topics", "GET", f"/api/topics/paths/{house.resources[1]}", path)
    text = (await browser.see(f"/paths/{house.resources[1]}")).text
    assert "<strong>1 of 4</strong> completed" in text
    for state in ("Now", "Later", "Completed"):
        assert text.count(f">{state}</span>") == 1


async def test_a_path_shows_others_no_progress(browser, house):
    await browser.sign_in("coordinator", person=house.mara)
    text = (await browser.see(f"/paths/{house.resources[1]}")).text
    assert "completed" not in text


async def test_a_path_is_shown_while_curriculum_is_away(browser, house):
    await browser.sign_in("member")
    house.says("curriculum", "GET", f"/api/curriculum/curricula/{house.noah}", {"status": 503}, 503)
    assert (await browser.see(f"/paths/{house.resources[1]}")).status_code == 200


HTMX = {"HX-Request": "true"}


def undo_of(elements, text):
    """The toast's form: where it leads, and its fields."""
    toast = text.partition("data-toast")[2]
    found = {}
    for tag, attributes in elements(toast).found:
        if tag == "form":
            found["action"] = attributes["action"]
        if tag == "input" and attributes["name"] != "form_token":
            found[attributes["name"]] = attributes["value"]
    return found.pop("action"), found


async def test_a_resource_shows_how_long_it_is_and_how_its_link_was(browser, house):
    await browser.sign_in("member")
    path = f"/api/topics/resources/{house.resources[1]}"
    known = {"length_minutes": 40, "length_pages": 1, "length_source": "fetched", "link_status": "moved"}
    house.says("topics", "GET", path, house.resource(1) | known)
    moved = house.link_check(result="moved", http_status=301, final_url="https://learn.example/new")
    house.says(
        "topics",
        "GET",
        f"{path}/link-checks",
        {"items": [moved, house.link_check(withdrawn_at="2026-11-02T10:00:00Z")]},
    )
    text = " ".join((await browser.see(f"/resources/{house.resources[1]}")).text.split())
    assert '40 min, 1 page <span class="muted">(fetched)</span>' in text
    assert "Its address has moved" in text
    assert "Led to https://learn.example/new" in text
    assert "taken back" in text
    assert "<form" not in text.partition('id="resource"')[2].partition("</main>")[0]  # members read


async def test_what_nobody_has_said_or_looked_at_says_what_to_do(browser, house):
    await browser.sign_in("mentor", person=house.mara)
    house.says("topics", "GET", f"/api/topics/resources/{house.resources[1]}/link-checks", {"items": []})
    text = (await browser.see(f"/resources/{house.resources[1]}")).text
    assert "Nobody has said yet" in text
    assert "Open the link, and record what you saw." in text


@pytest.mark.parametrize("headers", [None, HTMX])
async def test_a_length_is_said_and_taken_back(browser, house, elements, headers):
    await browser.sign_in("mentor", person=house.mara)
    await browser.see(f"/resources/{house.resources[1]}")
    path = f"/api/topics/resources/{house.resources[1]}"
    changed = house.resource(1) | {"version": 4, "length_minutes": 40, "length_source": "stated"}
    house.says("topics", "PATCH", path, changed)
    address = f"/resources/{house.resources[1]}/length"
    answer = await browser.submit(address, headers=headers, minutes="40", words="", source="stated", version="3")
    assert answer.status_code == (200 if headers else 303)
    ((_, sent, body),) = house.asked("topics", "PATCH")
    assert sent["if-match"] == '"3"'
    assert b'"length_minutes":40,"length_words":null' in body
    text = answer.text if headers else (await browser.see(f"/resources/{house.resources[1]}")).text
    assert "“Resource 1” has 40 min." in text
    where, undo = undo_of(elements, text)
    assert undo == {"minutes": "", "words": "", "pages": "", "source": "stated", "version": "4"}
    house["topics"].requests.clear()
    await browser.submit(where, headers=headers, **undo)
    assert b'"length_source":null' in house.asked("topics", "PATCH")[0][2]


async def test_somebody_else_was_faster_with_a_length(browser, house):
    await browser.sign_in("mentor", person=house.mara)
    await browser.see(f"/resources/{house.resources[1]}")
    stale = {"type": "urn:gatehouse:problem:stale-version", "title": "No", "status": 412}
    house.says("topics", "PATCH", f"/api/topics/resources/{house.resources[1]}", stale, 412)
    answer = await browser.submit(f"/resources/{house.resources[1]}/length", headers=HTMX, minutes="40", version="2")
    assert answer.status_code == 412
    assert "was changed after you opened this page" in answer.text


@pytest.mark.parametrize(
    ("name", "value"),
    [("minutes", "0"), ("minutes", "-1"), ("words", "many"), ("pages", "9" * 9), ("source", "odd"), ("version", "x")],
)
async def test_a_length_that_is_none_is_refused(browser, house, name, value):
    await browser.sign_in("mentor", person=house.mara)
    await browser.see(f"/resources/{house.resources[1]}")
    sent = {"version": "3", "minutes": "1", name: value}
    assert (await browser.submit(f"/resources/{house.resources[1]}/length", **sent)).status_code == 400
    assert house.asked("topics", "PATCH") == []


async def test_a_check_is_recorded_and_taken_back(browser, house, elements):
    await browser.sign_in("mentor", person=house.mara)
    await browser.see(f"/resources/{house.resources[1]}")
    path = f"/api/topics/resources/{house.resources[1]}/link-checks"
    after = house.resource(1) | {"link_status": "moved", "check_id": house.assignments[2]}
    house.says("topics", "POST", path, after, 201)
    fields = {"result": "moved", "final_url": " https://learn.example/new ", "note": ""}
    told = await browser.submit(f"/resources/{house.resources[1]}/checks", headers=HTMX, **fields)
    assert "Recorded how the link of “Resource 1” is." in told.text
    assert house.asked("topics", "POST")[0][2] == b'{"result":"moved","final_url":"https://learn.example/new"}'
    where, undo = undo_of(elements, told.text)
    house.says("topics", "POST", f"{path}/{house.assignments[2]}/withdraw", house.resource(1))
    assert "Undone." in (await browser.submit(where, headers=HTMX, **undo)).text


async def test_a_resource_says_how_it_went_for_others(browser, house):
    await browser.sign_in("member")
    text = " ".join((await browser.see(f"/resources/{house.resources[1]}")).text.split())
    assert "1,200 completed it, 2 stopped; it took them about 40 min, half of them between 30 min and 1 h" in text
    assert "4.33 of 5" in text
    assert "“Skip part 2.”" in text
    house.says("curriculum", "GET", f"/api/curriculum/resources/{house.resources[1]}/statistics", {}, 503)
    text = (await browser.see(f"/resources/{house.resources[1]}")).text
    assert "completed it" not in text
    assert "4.33 of 5" in text
