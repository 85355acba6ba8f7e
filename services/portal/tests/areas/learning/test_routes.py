"""A member's curriculum: what is shown, and the commands with their conflicts."""

import pytest

HTMX = {"HX-Request": "true"}


def refused(status, slug):
    return {"type": f"urn:gatehouse:problem:{slug}", "title": "No", "status": status, "detail": "It can't be."}


async def test_all_four_parts_are_shown_with_names(browser, house):
    await browser.sign_in("member")
    text = (await browser.see(f"/members/{house.noah}")).text
    for part in ("Now", "Next", "Later", "Completed"):
        assert f">{part}</h2>" in text
    for number in house.resources:
        assert f"Resource {number}" in text
    assert "1 Nov 2026" in text
    assert "Take out" not in text  # that is for mentors


async def test_resources_are_asked_for_together(browser, house):
    await browser.sign_in("member")
    house["topics"].requests.clear()
    await browser.see(f"/members/{house.noah}")
    asked = [path for path, _, _ in house.asked("topics", "GET")]
    assert len(asked) == 1
    assert asked[0].count("id=") == 4


async def test_completing_sends_the_version_that_the_page_showed(browser, house):
    await browser.sign_in("member")
    await browser.see(f"/members/{house.noah}")
    where = f"/api/curriculum/curricula/{house.noah}/assignments/{house.assignments[1]}/complete"
    house.says("curriculum", "POST", where, house.curriculum(4))
    answer = await browser.submit(
        f"/members/{house.noah}/curriculum/{house.assignments[1]}", action="complete", version="3"
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"/members/{house.noah}")
    path, headers, _ = house.asked("curriculum", "POST")[0]
    assert path == where
    assert headers["if-match"] == '"3"'


async def test_htmx_gets_the_curriculum_and_what_was_done(browser, house):
    await browser.sign_in("member")
    where = f"/api/curriculum/curricula/{house.noah}/assignments/{house.assignments[2]}/start"
    house.says("curriculum", "POST", where, house.curriculum(4))
    answer = await browser.submit(
        f"/members/{house.noah}/curriculum/{house.assignments[2]}",
        action="start",
        version="3",
        name="Resource 2",
        headers=HTMX,
    )
    assert 'data-announce="Started Resource 2"' in answer.text
    assert 'hx-swap-oob="true"' in answer.text
    assert "<html" not in answer.text


@pytest.mark.parametrize("headers", [None, HTMX])
async def test_a_lost_race_shows_what_changed_and_offers_the_command_again(browser, house, headers):
    await browser.sign_in("member")
    where = f"/api/curriculum/curricula/{house.noah}/assignments/{house.assignments[1]}/complete"
    house.says("curriculum", "POST", where, refused(412, "stale-version"), 412)
    house.says("curriculum", "GET", f"/api/curriculum/curricula/{house.noah}", house.curriculum(7))
    answer = await browser.submit(
        f"/members/{house.noah}/curriculum/{house.assignments[1]}",
        action="complete",
        version="3",
        seen_at="2026-10-20T10:00:00+00:00",
        name="Resource 1",
        headers=headers,
    )
    assert answer.status_code == 412
    assert "“Resource 4” was completed" in answer.text
    assert "Complete “Resource 1”" in answer.text
    assert 'name="version" value="7"' in answer.text
    assert ("<html" in answer.text) is (headers is None)


async def test_what_contradicts_is_explained(browser, house):
    await browser.sign_in("member")
    where = f"/api/curriculum/curricula/{house.noah}/assignments/{house.assignments[4]}/complete"
    house.says("curriculum", "POST", where, refused(409, "conflict"), 409)
    answer = await browser.submit(
        f"/members/{house.noah}/curriculum/{house.assignments[4]}", action="complete", version="3"
    )
    assert answer.status_code == 409
    assert "It can&#39;t be." in answer.text


@pytest.mark.parametrize("fields", [{"version": "x"}, {"version": "3", "action": "explode"}, {}])
async def test_a_mangled_form_is_refused(browser, house, fields):
    await browser.sign_in("member")
    answer = await browser.submit(f"/members/{house.noah}/curriculum/{house.assignments[1]}", **fields)
    assert answer.status_code == 400
    assert house.asked("curriculum", "POST") == []


async def test_a_mentor_finds_and_assigns(browser, house):
    await browser.sign_in("mentor", person=house.mara)
    found = (await browser.see(f"/members/{house.noah}/assign?search=o")).text
    assert "Odin" in found
    assert "Assigned" in found  # what is there already isn't offered again
    house.says("curriculum", "POST", f"/api/curriculum/curricula/{house.noah}/assign", house.curriculum(4))
    answer = await browser.submit(
        f"/members/{house.noah}/curriculum/assign",
        path_id=house.resources[1],
        state="later",
        version="3",
        current_version="5",
    )
    assert answer.status_code == 303
    _, headers, body = house.asked("curriculum", "POST")[0]
    assert headers["if-match"] == '"5"'  # what the page shows by now, rather than when the search was made
    assert b'"path_id"' in body


async def test_assigning_isnt_for_the_member(browser, house):
    await browser.sign_in("member")
    assert (await browser.get(f"/members/{house.noah}/assign?search=o")).status_code == 404


async def test_a_mentor_begins_a_curriculum_where_there_is_none(browser, house):
    await browser.sign_in("mentor", person=house.mara)
    house.says("curriculum", "GET", f"/api/curriculum/curricula/{house.noah}", refused(404, "not-found"), 404)
    assert "Begin a curriculum" in (await browser.see(f"/members/{house.noah}")).text
    house.says("curriculum", "POST", "/api/curriculum/curricula", house.curriculum(1), 201)
    assert (await browser.submit(f"/members/{house.noah}/curriculum")).status_code == 303


async def test_somebody_elses_curriculum_isnt_there(browser, house):
    await browser.sign_in("mentor", person=house.resources[1])
    house.says("curriculum", "GET", f"/api/curriculum/curricula/{house.noah}", refused(404, "not-found"), 404)
    assert (await browser.get(f"/members/{house.noah}")).status_code == 404
