"""A member's curriculum: what is shown, and the commands with their conflicts."""

from typing import get_args

import pytest

from gatehouse_portal.areas.learning.actions import CommandName

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
    assert 'value="unassign"' not in text  # what the mentor added, they only propose to remove
    assert 'value="propose-remove"' in text


async def test_everything_says_who_did_it(browser, house):
    await browser.sign_in("member")
    text = " ".join((await browser.see(f"/members/{house.noah}")).text.split())
    now = text.partition('id="now-title"')[2].partition('id="next-title"')[0]
    assert "Started 31 Oct 2026</time> by you" in now
    assert "Planned 30 Oct 2026</time> by Mara Lindgren" in now
    assert "6 Nov 2199" in now
    assert "room for about <strong>8 h</strong>" in now
    assert "Added 1 Oct 2026</time> by Mara Lindgren" in text.partition('id="next-title"')[2]
    assert "1 Nov 2026</time> by you" in text.partition('id="completed"')[2]
    assert "8 h a week" in text
    house.says("person", "GET", f"/api/person/people/{house.mara}", refused(404, "not-found"), 404)
    assert "by a former mentor" in (await browser.see(f"/members/{house.noah}")).text


async def test_a_curriculum_of_the_release_before_is_shown_too(browser, house):
    """A task of curriculum that knows no plan may answer while a new one is rolled out."""
    await browser.sign_in("member")
    old = {key: value for key, value in house.curriculum().items() if key not in ("planning", "people")}
    for state in ("now", "next", "later", "completed"):
        old[state] = [{key: item[key] for key in ("id", "resource_id", "state", "assigned_at")} for item in old[state]]
    house.says("curriculum", "GET", f"/api/curriculum/curricula/{house.noah}", old)
    text = (await browser.see(f"/members/{house.noah}")).text
    assert "No period is planned yet." in text
    assert "Resource 1" in text


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
    place = f"/members/{house.noah}?just={house.assignments[1]}#item-{house.assignments[1]}"
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


async def test_a_member_adds_to_their_own_curriculum_and_to_no_other(browser, house):
    await browser.sign_in("member")
    assert "Add to my curriculum" in (await browser.see(f"/members/{house.noah}")).text
    assert "Odin" in (await browser.see(f"/members/{house.noah}/assign?search=o")).text
    house.says("curriculum", "GET", f"/api/curriculum/curricula/{house.mara}", refused(404, "not-found"), 404)
    assert (await browser.get(f"/members/{house.mara}/assign?search=o")).status_code == 404


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
        ("start", "now:1", [("unstart", b"")]),
        ("start", "next:3", [("unstart", b""), ("move", b'{"state":"next","position":3}')]),
        ("start", "next:3:started::", [("move", b'{"state":"next","position":3}')]),
        ("complete", "later:7", [("reopen", b""), ("move", b'{"state":"later","position":7}')]),
        ("reopen", "completed:1", [("complete", b"")]),
        ("now", "later:7::own:", [("move", b'{"state":"later","position":7}')]),
        ("next", "later:7:started:own:", [("move", b'{"state":"later","position":7}')]),
        ("later", "now:2:started::", [("start", b"")]),
        ("unassign", "next:3", [("restore", b"")]),
        ("propose-later", "next:3", [("decline", b"")]),
        ("propose-later", "next:3:::remove", [("propose", b'{"change":"remove"}')]),
        ("withdraw", "next:3:::later", [("propose", b'{"change":"later"}')]),
        ("accept", "next:3::own:later", [("move", b'{"state":"next","position":3}')]),
        ("accept", "next:3::own:remove", [("restore", b"")]),
    ],
)
@pytest.mark.parametrize("headers", [None, HTMX])
async def test_each_action_can_be_undone(browser, house, elements, headers, case):
    number, (action, place, sent) = 2, case
    await browser.sign_in("mentor", person=house.mara)
    await browser.see(f"/members/{house.noah}")
    for what in (*get_args(CommandName), "propose"):
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


@pytest.mark.parametrize(("action", "place"), [("decline", "next:3::own:later"), ("later", "now:2::"), ("start", "?")])
async def test_what_can_not_be_undone_by_who_did_it_offers_no_undo(browser, house, action, place):
    await browser.sign_in("mentor", person=house.mara)
    for what in ("decline", "move", "start"):
        house.says("curriculum", "POST", command(house, 2, what), house.curriculum(9))
    address = f"/members/{house.noah}/curriculum/{house.assignments[2]}"
    fields = {"action": action, "version": "3", "name": "Resource 2", "place": place}
    answer = await browser.submit(address, headers=HTMX, **fields)
    assert "Resource 2" in answer.text.partition("data-toast")[2]
    assert 'id="undo"' not in answer.text


@pytest.mark.parametrize(
    "steps", ["", "explode", "move:next:-1", "move:now:99999", "start start start", "../archive", "propose:completed"]
)
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


@pytest.mark.parametrize("headers", [None, HTMX])
async def test_a_mentor_commits_a_period_and_takes_it_back(browser, house, elements, headers):
    await browser.sign_in("mentor", person=house.mara)
    text = (await browser.see(f"/members/{house.noah}")).text
    assert "Plan the next period" in text
    assert text.count('name="item"') == 2  # what is now, and what is next
    base = f"/api/curriculum/curricula/{house.noah}"
    after = house.curriculum(4) | {"period_id": house.assignments[1]}
    house.says("curriculum", "POST", f"{base}/periods", after, 201)
    wanted = [house.assignments[2], house.assignments[1]]
    answer = await browser.submit(
        f"/members/{house.noah}/period", headers=headers, item=wanted, until="2026-12-06", version="3"
    )
    assert answer.status_code == (200 if headers else 303), answer.text
    ((_, sent, body),) = house.asked("curriculum", "POST")
    assert sent["if-match"] == '"3"'
    assert body == f'{{"assignment_ids":["{wanted[0]}","{wanted[1]}"],"until":"2026-12-06"}}'.encode()
    text = answer.text if headers else (await browser.see(f"/members/{house.noah}")).text
    assert "Committed 1 resource until 6 Nov 2199." in text
    where, undo = undo_form(elements, text)
    house.says("curriculum", "POST", f"{base}/periods/{house.assignments[1]}/undo", house.curriculum(5))
    house["curriculum"].requests.clear()
    assert (await browser.submit(where, headers=headers, **undo)).status_code == (200 if headers else 303)
    ((path, sent, _),) = house.asked("curriculum", "POST")
    assert (path, sent["if-match"]) == (f"{base}/periods/{house.assignments[1]}/undo", '"4"')


async def test_planning_a_period_isnt_offered_to_the_member(browser, house):
    await browser.sign_in("member")
    text = (await browser.see(f"/members/{house.noah}")).text
    assert "Plan the next period" not in text
    assert "Time for learning" in text


@pytest.mark.parametrize("fields", [{}, {"item": "x"}, {"item": "", "version": "3"}])
async def test_a_mangled_period_is_refused(browser, house, fields):
    await browser.sign_in("mentor", person=house.mara)
    await browser.see(f"/members/{house.noah}")
    assert (await browser.submit(f"/members/{house.noah}/period", **fields)).status_code == 400
    assert house.asked("curriculum", "POST") == []


@pytest.mark.parametrize(
    ("hours", "days", "sent"),
    [
        ("6", "", b'{"minutes_per_week":360,"meets_every_days":null}'),
        ("2,5", "14", b'{"minutes_per_week":150,"meets_every_days":14}'),
    ],
)
async def test_how_much_time_there_is_is_said_and_taken_back(browser, house, elements, hours, days, sent):
    await browser.sign_in("member")
    await browser.see(f"/members/{house.noah}")
    house.says("curriculum", "PUT", f"/api/curriculum/curricula/{house.noah}/commitment", house.curriculum(4))
    address = f"/members/{house.noah}/commitment"
    answer = await browser.submit(address, headers=HTMX, hours=hours, days=days, version="3")
    assert "You have" in answer.text.partition("data-toast")[2]
    toast = answer.text.partition("data-toast")[2]
    ((_, _, body),) = house.asked("curriculum", "PUT")
    assert body == sent
    assert 'name="hours" value="8"' in toast
    assert 'name="days" value="7"' in toast


@pytest.mark.parametrize(
    ("hours", "days"),
    [("", ""), ("many", ""), ("-1", ""), ("81", ""), ("nan", ""), ("1e400", ""), ("6", "0"), ("6", "x")],
)
async def test_a_time_that_is_none_is_refused(browser, house, hours, days):
    await browser.sign_in("member")
    await browser.see(f"/members/{house.noah}")
    address = f"/members/{house.noah}/commitment"
    assert (await browser.submit(address, hours=hours, days=days, version="3")).status_code == 400
    assert house.asked("curriculum", "PUT") == []


async def test_a_page_asks_for_a_ticket_and_for_the_part_that_somebody_changed(browser, house):
    await browser.sign_in("member")
    ticket = {"path": f"/api/curriculum/curricula/{house.noah}/live", "ticket": "sealed", "seconds": 60}
    house.says("curriculum", "POST", f"/api/curriculum/curricula/{house.noah}/ticket", ticket)
    answer = await browser.get(f"/members/{house.noah}/live")
    assert (answer.json(), answer.headers["cache-control"]) == (ticket, "no-store")
    mentor = next(one["account_id"] for one in house.curriculum()["people"] if one["person_id"] == house.mara)
    part = (await browser.get(f"/members/{house.noah}?by={mentor}", headers=HTMX)).text
    assert "Mara Lindgren changed the curriculum." in part
    assert "<html" not in part
    house.says("curriculum", "POST", f"/api/curriculum/curricula/{house.noah}/ticket", refused(404, "not-found"), 404)
    assert (await browser.get(f"/members/{house.noah}/live")).status_code == 404
