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
    assert "Remove" not in text  # that is for mentors


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
    place = f"/members/{house.noah}#item-{house.assignments[1]}"
    assert (answer.status_code, answer.headers["location"]) == (303, place)
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
    assert "<p>Started “Resource 2”.</p>" in answer.text
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


async def test_a_mentor_creates_a_curriculum_where_there_is_none(browser, house):
    await browser.sign_in("mentor", person=house.mara)
    house.says("curriculum", "GET", f"/api/curriculum/curricula/{house.noah}", refused(404, "not-found"), 404)
    assert "Create a curriculum" in (await browser.see(f"/members/{house.noah}")).text
    house.says("curriculum", "POST", "/api/curriculum/curricula", house.curriculum(1), 201)
    assert (await browser.submit(f"/members/{house.noah}/curriculum")).status_code == 303


async def test_somebody_elses_curriculum_isnt_there(browser, house):
    await browser.sign_in("mentor", person=house.resources[1])
    house.says("curriculum", "GET", f"/api/curriculum/curricula/{house.noah}", refused(404, "not-found"), 404)
    public = {"id": house.noah, "name": "Noah Adeyemi", "mastery": "apprentice", "specialty": "ui"}
    house.says("person", "GET", f"/api/person/people/{house.noah}", public)
    assert (await browser.get(f"/members/{house.noah}")).status_code == 404


async def test_staff_see_the_profile_of_whose_curriculum_they_may_not_see(browser, house):
    """Every name in the list of members leads to a page, also for finance and marketing."""
    await browser.sign_in("staff", person=house.mara)
    house.says("curriculum", "GET", f"/api/curriculum/curricula/{house.noah}", refused(404, "not-found"), 404)
    text = (await browser.see(f"/members/{house.noah}")).text
    assert "noah@example.org" in text
    assert "open to the member, their mentor and coordinators" in text
    assert "Create a curriculum" not in text


def command(house, number, what):
    return f"/api/curriculum/curricula/{house.noah}/assignments/{house.assignments[number]}/{what}"


def undo_form(elements, text):
    """Where the toast's form leads, and its fields."""
    found, inside = {}, False
    for tag, attributes in elements(text).found:
        if tag == "form":
            inside = attributes.get("action", "").endswith("/undo")
            found = {"action": attributes["action"]} if inside else found
        if inside and tag == "input" and attributes["name"] != "form_token":
            found[attributes["name"]] = attributes["value"]
        inside = inside and tag != "button"
    return found.pop("action"), found


@pytest.mark.parametrize(
    "case",
    [
        ("complete", "now:1", [("reopen", b"")]),
        ("start", "next:3", [("move", b'{"state":"next","position":3}')]),
        ("complete", "later:7", [("reopen", b""), ("move", b'{"state":"later","position":7}')]),
        ("reopen", "completed:1", [("complete", b"")]),
        ("next", "later:7", [("move", b'{"state":"later","position":7}')]),
        ("later", "now:2", [("start", b"")]),
        ("unassign", "next:3", [("restore", b"")]),
    ],
)
@pytest.mark.parametrize("headers", [None, HTMX])
async def test_each_action_can_be_undone(browser, house, elements, headers, case):
    number, (action, place, sent) = 2, case
    await browser.sign_in("mentor", person=house.mara)
    await browser.see(f"/members/{house.noah}")
    for what in ("start", "complete", "reopen", "move", "unassign", "restore"):
        house.says("curriculum", "POST", command(house, number, what), house.curriculum(9))
    address = f"/members/{house.noah}/curriculum/{house.assignments[number]}"
    fields = {"action": action, "version": "3", "name": f"Resource {number}", "place": place}
    answer = await browser.submit(address, headers=headers, **fields)
    assert answer.status_code == (200 if headers else 303), answer.text
    text = answer.text if headers else (await browser.see(f"/members/{house.noah}")).text
    assert "Resource" in text.partition("data-toast")[2]
    where, undo = undo_form(elements, text)
    assert undo["version"] == "9"  # what the action left
    house["curriculum"].requests.clear()
    undone = await browser.submit(where, headers=headers, **undo)
    assert undone.status_code == (200 if headers else 303)
    asked = house.asked("curriculum", "POST")
    assert [(path.rpartition("/")[2], body) for path, _, body in asked] == sent


async def test_a_toast_is_shown_once(browser, house):
    await browser.sign_in("member")
    house.says("curriculum", "POST", command(house, 1, "complete"), house.curriculum(4))
    address = f"/members/{house.noah}/curriculum/{house.assignments[1]}"
    await browser.submit(address, action="complete", version="3", name="Resource 1", place="now:1")
    assert "data-toast" in (await browser.see(f"/members/{house.noah}")).text
    assert "data-toast" not in (await browser.see(f"/members/{house.noah}")).text


async def test_a_member_can_take_back_complete(browser, house):
    await browser.sign_in("member")
    text = (await browser.see(f"/members/{house.noah}")).text
    assert 'value="reopen"' in text.partition('id="completed"')[2]


@pytest.mark.parametrize("steps", ["", "explode", "move:next:-1", "move:now:99999", "start start start", "../archive"])
async def test_a_mangled_undo_is_refused(browser, house, steps):
    await browser.sign_in("member")
    address = f"/members/{house.noah}/curriculum/{house.assignments[1]}/undo"
    assert (await browser.submit(address, steps=steps, version="3")).status_code == 400
    assert house.asked("curriculum", "POST") == []


def path_of(house, count):
    """A path of `count` resources, of which the first four are in the curriculum."""
    ids = [f"019a0000-0004-7000-8000-{number:012d}" for number in range(1, count + 1)]
    modules = [
        {"id": ids[0], "name": "M", "topics": [{"id": ids[0], "name": "T", "resources": [{"id": id} for id in ids]}]}
    ]
    return {"id": house.resources[1], "name": "Engineer Kit", "modules": modules}


@pytest.mark.parametrize("headers", [None, HTMX])
async def test_assigning_a_lot_asks_first_and_says_how_much(browser, house, headers):
    await browser.sign_in("mentor", person=house.mara)
    house.says("topics", "GET", f"/api/topics/paths/{house.resources[1]}", path_of(house, 436))
    fields = {"path_id": house.resources[1], "state": "next", "version": "3", "name": "Engineer Kit"}
    address = f"/members/{house.noah}/curriculum/assign"
    asked = await browser.submit(address, headers=headers, **fields)
    assert asked.status_code == 200
    assert house.asked("curriculum", "POST") == []
    text = " ".join(asked.text.split())
    assert "Assign all of “Engineer Kit”?" in text
    assert "432 new resources</strong> would go to Next, which has 1 now and would have 433." in text
    assert "4 of the path are in the curriculum already" in text
    assert text.index("Cancel") < text.index("Assign 432 to Next")
    house.says("curriculum", "POST", f"/api/curriculum/curricula/{house.noah}/assign", house.curriculum(4))
    confirmed = await browser.submit(address, headers=headers, **fields, confirmed="yes")
    assert confirmed.status_code == (200 if headers else 303)
    assert len(house.asked("curriculum", "POST")) == 1


async def test_assigning_a_few_does_not_ask(browser, house):
    await browser.sign_in("mentor", person=house.mara)
    house.says("topics", "GET", f"/api/topics/paths/{house.resources[1]}", path_of(house, 14))
    house.says("curriculum", "POST", f"/api/curriculum/curricula/{house.noah}/assign", house.curriculum(4))
    fields = {"path_id": house.resources[1], "state": "next", "version": "3", "name": "Engineer Kit"}
    assert (await browser.submit(f"/members/{house.noah}/curriculum/assign", **fields)).status_code == 303


async def test_what_was_assigned_at_once_is_taken_out_at_once(browser, house, elements):
    await browser.sign_in("mentor", person=house.mara)
    at = "2026-11-20T10:00:00.123456+00:00"
    after = house.curriculum(4)
    for state in ("now", "next"):
        after[state][0]["assigned_at"] = at
    answer = after | {"assigned": [house.assignments[1], house.assignments[2]], "skipped": [house.resources[3]]}
    house.says("curriculum", "POST", f"/api/curriculum/curricula/{house.noah}/assign", answer)
    house.says("curriculum", "GET", f"/api/curriculum/curricula/{house.noah}", after)
    fields = {"path_id": house.resources[1], "state": "next", "version": "3", "name": "Odin", "note": "Begin with this"}
    told = await browser.submit(f"/members/{house.noah}/curriculum/assign", headers=HTMX, **fields)
    assert "Assigned 2 resources of “Odin” to Next. 1 was there already." in told.text
    assert f'id="assign-{house.resources[1]}" hx-swap-oob="true"><span class="chip good">Assigned' in told.text
    assert b'"note":"Begin with this"' in house.asked("curriculum", "POST")[0][2]
    where, undo = undo_form(elements, told.text)
    house.says("curriculum", "POST", f"/api/curriculum/curricula/{house.noah}/unassign", house.curriculum(5))
    house["curriculum"].requests.clear()
    assert "2 resources removed" in (await browser.submit(where, headers=HTMX, **undo)).text
    ((_, headers, body),) = house.asked("curriculum", "POST")
    assert headers["if-match"] == '"4"'
    assert body == f'{{"assignment_ids":["{house.assignments[1]}","{house.assignments[2]}"]}}'.encode()


async def test_much_in_next_is_folded_by_topic(browser, house):
    await browser.sign_in("member")
    long = house.curriculum()
    long["next"] = [
        long["next"][0] | {"id": f"019a0000-0011-7000-8000-{n:012d}", "topic_id": house.resources[1 + n // 20]}
        for n in range(40)
    ]
    house.says("curriculum", "GET", f"/api/curriculum/curricula/{house.noah}", long)
    names = [{"id": house.resources[1], "name": "Git"}, {"id": house.resources[2], "name": "CSS"}]
    house.says("topics", "GET", "/api/topics/topics", {"items": names})
    text = (
        (await browser.see(f"/members/{house.noah}"))
        .text.partition('id="next-title"')[2]
        .partition('id="later-title"')[0]
    )
    assert text.count("<details") >= 2
    assert "Git" in text
    assert "CSS" in text
