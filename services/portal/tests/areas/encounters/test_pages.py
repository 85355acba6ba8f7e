"""The pages of encounters, without JavaScript."""

from typing import Any

import msgspec
import pytest

ID = "019a0000-0033-7000-8000-000000000004"
NEXT = "019a0000-0033-7000-8000-000000000005"
SCRIPTS = [
    {"script_version_id": "019a0000-0032-7000-8000-000000000001", "name": "First meeting"},
    {"script_version_id": "019a0000-0032-7000-8000-000000000002", "name": "Regular meeting"},
]
PROMPTS = [
    {"key": "part", "kind": "heading", "prompt": "Since then"},
    {"key": "since", "kind": "text", "prompt": "What happened?"},
    {"key": "worry", "kind": "text", "prompt": "What worries me", "audience": "author_only"},
    {"key": "sure", "kind": "scale", "prompt": "How sure?"},
]


def written(key: str, text: str = "", **more: Any) -> dict[str, Any]:
    return {"prompt_key": key, "version": 2, "audience": "shared", "text": text} | more


def encounter(house: Any, **changes: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "version": 3,
        "member_id": house.noah,
        "mentor_id": house.mara,
        "state": "open",
        "planned_from": "2025-12-01T16:00:00Z",
        "planned_to": "2025-12-01T17:00:00Z",
        "time_zone": "Europe/Oslo",
        "script_version_id": SCRIPTS[1]["script_version_id"],
        "script_name": "Regular meeting",
        "standing": "author",
        "script": {"name": "Regular meeting", "number": 1, "prompts": PROMPTS},
        "answers": [
            written("since", "\n<b>It</b> went well"),
            written("worry", "Tired", audience="author_only"),
            written("sure", value="4"),
            written("summary"),
            written("notes"),
            written("private_notes", audience="author_only"),
        ],
    } | changes


@pytest.fixture
async def mentor(browser: Any, house: Any) -> Any:
    house.says("encounter", "GET", f"/api/encounter/encounters/{ID}", encounter(house))
    house.says("encounter", "GET", f"/api/encounter/encounters/{ID}/attempts", {"items": []})
    house.says("encounter", "GET", "/api/encounter/script-choices", SCRIPTS)
    await browser.sign_in("mentor", person=house.mara)
    return browser


async def test_a_mentor_writes_and_finishes(mentor: Any, house: Any, elements: Any) -> None:
    page = await mentor.see(f"/encounters/{ID}")
    assert page.status_code == 200, page.text
    assert "&lt;b&gt;It&lt;/b&gt; went well</textarea>" in page.text
    found = elements(page.text).found
    drafts = {attrs["data-draft"]: attrs["data-version"] for _, attrs in found if "data-draft" in attrs}
    assert drafts[f"/encounter/encounters/{ID}/answers/since"] == "2"
    assert len(drafts) == 6
    assert not [tag for tag, attrs in found if "disabled" in attrs]
    house.says("encounter", "PUT", f"/api/encounter/encounters/{ID}/answers/since", written("since"))
    done = {"id": ID, "version": 4, "member_id": house.noah, "agreed_until": "2026-12-15T16:00:00Z"}
    house.says("encounter", "POST", f"/api/encounter/encounters/{ID}/finish", done)
    fields = {
        "version": "3",
        "zone": "Europe/Oslo",
        "text-since": "It went better",
        "before-since": "It went well",
        "version-since": "2",
        "text-worry": "Tired",
        "before-worry": "Tired",
        "version-worry": "2",
        "item": house.assignments[2],
        "promise-0": "  Read   on ",
        "side-0": "mentor",
        "due-0": "2026-12-10",
        "promise-1": " ",
        "next": "2026-12-15T17:00",
        "minutes": "45",
    }
    answer = await mentor.submit(f"/encounters/{ID}/finish", **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/members/{house.noah}")
    (put,) = house.asked("encounter", "PUT")
    assert (msgspec.json.decode(put[2])["text"], put[1]["if-match"]) == ("It went better", '"2"')
    (finished,) = house.asked("encounter", "POST")
    assert msgspec.json.decode(finished[2]) == {
        "now_list": [house.assignments[2]],
        "follow_ups": [{"side": "mentor", "text": "Read on", "due_on": "2026-12-10"}],
        "next": {"planned_from": "2026-12-15T16:00:00+00:00", "planned_to": "2026-12-15T16:45:00+00:00"},
    }


async def test_what_another_page_wrote_meanwhile_is_shown_beside_what_was_typed(mentor: Any, house: Any) -> None:
    stale = {"type": "about:blank", "title": "Stale", "status": 412}
    house.says("encounter", "PUT", f"/api/encounter/encounters/{ID}/answers/since", stale, 412)
    await mentor.see(f"/encounters/{ID}")
    fields = {"version": "3", "text-since": "Mine", "before-since": "", "version-since": "1"}
    answer = await mentor.submit(f"/encounters/{ID}/finish", **fields)
    assert answer.status_code == 422
    assert ">\nMine</textarea>" in answer.text
    assert "It&lt;/b&gt; went well</p>" in answer.text
    assert not house.asked("encounter", "POST")


async def test_a_missing_answer_is_said_and_nothing_that_was_agreed_on_is_lost(mentor: Any, house: Any) -> None:
    problem = {
        "type": "about:blank",
        "title": "No",
        "status": 400,
        "errors": [{"field": "answers.since", "message": "this prompt needs an answer"}],
    }
    house.says("encounter", "POST", f"/api/encounter/encounters/{ID}/finish", problem, 400)
    await mentor.see(f"/encounters/{ID}")
    fields = {"version": "3", "promise-0": "Read on", "next": "2026-12-15T17:00", "item": house.assignments[2]}
    answer = await mentor.submit(f"/encounters/{ID}/finish", **fields)
    assert "Still needed: “What happened?”." in answer.text
    assert 'value="Read on"' in answer.text
    assert 'value="2026-12-15T17:00"' in answer.text
    assert f'value="{house.assignments[2]}" checked' in answer.text


async def test_another_script_is_chosen_in_place(mentor: Any, house: Any) -> None:
    row = {"id": ID, "version": 2, "member_id": house.noah}
    house.says("encounter", "PATCH", f"/api/encounter/encounters/{ID}", row)
    house.says("encounter", "POST", f"/api/encounter/encounters/{ID}/open", row)
    planned = encounter(house, state="planned", answers=[])
    house.says("encounter", "GET", f"/api/encounter/encounters/{ID}", planned)
    page = await mentor.see(f"/encounters/{ID}")
    assert "Before you begin" in page.text
    first, regular = (one["script_version_id"] for one in SCRIPTS)
    await mentor.submit(f"/encounters/{ID}/open", version="1", script=regular, script_before=regular)
    assert not house.asked("encounter", "PATCH")
    await mentor.submit(f"/encounters/{ID}/open", version="1", script=first, script_before=regular)
    ((_, headers, body),) = house.asked("encounter", "PATCH")
    assert (msgspec.json.decode(body), headers["if-match"]) == ({"script_version_id": first}, '"1"')
    assert [one[1]["if-match"] for one in house.asked("encounter", "POST")] == ['"1"', '"2"']


async def test_a_member_reads_what_is_shared(browser: Any, house: Any) -> None:
    shown = encounter(
        house,
        state="finished",
        outcome="held",
        standing="member",
        summary="It went well.",
        held_from="2025-12-01T16:05:00Z",
        answers=[written("since", "A lot"), written("sure", value="4")],
        follow_ups=[
            {"id": NEXT, "version": 1, "encounter_id": ID, "member_id": house.noah, "side": "member", "text": "Read on"}
        ],
        amendments=[
            {
                "before": "Little",
                "after": "A lot",
                "reason": "Misheard",
                "amended_at": "2026-12-02T10:00:00Z",
                "prompt_key": "since",
            }
        ],
    )
    house.says("encounter", "GET", f"/api/encounter/encounters/{ID}", shown)
    await browser.sign_in("member")
    page = await browser.see(f"/encounters/{ID}")
    for text in (
        "Meeting with Mara Lindgren",
        "It went well.",
        "A lot",
        "4 of 5",
        "Read on",
        "Misheard",
        "Mon 1 Dec, 17:05",
    ):
        assert text in page.text, text
    assert "Put something right" not in page.text
    note = {"id": NEXT, "version": 1, "author_id": house.noah, "audience": "shared", "text": "Thanks"}
    house.says("encounter", "POST", "/api/encounter/notes", note, 201)
    answer = await browser.submit(f"/encounters/{ID}/note", text="Thanks", back="https://evil.example/")
    assert answer.headers["location"] == f"/encounters/{ID}"
    assert msgspec.json.decode(house.asked("encounter", "POST")[0][2])["audience"] == "shared"


async def test_a_coordinator_opens_private_texts_with_a_reason(browser: Any, house: Any) -> None:
    shown = encounter(house, state="finished", outcome="held", standing="coordination", answers=[])
    house.says("encounter", "GET", f"/api/encounter/encounters/{ID}", shown)
    opened = {"answers": [written("worry", "Tired", audience="author_only")], "notes": []}
    house.says("encounter", "POST", f"/api/encounter/encounters/{ID}/disclosures", opened, 201)
    await browser.sign_in("coordinator", person=house.mara)
    page = await browser.see(f"/encounters/{ID}")
    assert "Tired" not in page.text
    answer = await browser.submit(f"/encounters/{ID}/disclose", reason="Somebody may be in danger")
    assert "Tired" in answer.text


async def test_home_shows_what_comes_next(mentor: Any, house: Any) -> None:
    planned = encounter(house, state="planned")
    house.says("encounter", "GET", "/api/encounter/encounters", {"items": [planned]})
    brief = {"last": encounter(house, state="finished", outcome="held", summary="It went well."), "held_count": 1}
    house.says("encounter", "GET", f"/api/encounter/members/{house.noah}/brief", brief)
    page = await mentor.see("/")
    for text in ("Noah Adeyemi", "It went well.", 'action="/encounters/', "Regular meeting</option>"):
        assert text in page.text, text
    house.says("encounter", "GET", "/api/encounter/encounters", {"status": 503}, 503)
    away = await mentor.see("/")
    assert (away.status_code, "can’t be shown right now" in away.text) == (200, True)


async def test_a_persons_page_has_their_meetings_by_month(mentor: Any, house: Any) -> None:
    older = encounter(house, id=NEXT, state="finished", outcome="no_show", planned_from="2025-10-01T16:00:00Z")
    held = encounter(house, state="finished", outcome="held", summary="It went well.")
    house.says("encounter", "GET", "/api/encounter/encounters", {"items": [held, older]})
    page = await mentor.see(f"/members/{house.noah}")
    for text in ("December 2025", "October 2025", "It went well.", "Nobody came", "Plan a meeting", "Meet regularly"):
        assert text in page.text, text
    no = {"status": 404, "title": "No", "type": "about:blank"}
    house.says("encounter", "GET", f"/api/encounter/members/{house.noah}/brief", no, 404)
    assert "October 2025" not in (await mentor.see(f"/members/{house.noah}")).text


@pytest.mark.parametrize(
    ("path", "fields", "sent", "body"),
    [
        ("encounters/{id}/no-show", {}, ("POST", "/api/encounter/encounters/{id}/no-show"), None),
        (
            "encounters/{id}/cancel",
            {"reason": "Ill"},
            ("POST", "/api/encounter/encounters/{id}/cancel"),
            {"reason": "Ill"},
        ),
        (
            "encounters/{id}/time",
            {"begins": "2026-12-02T10:00", "minutes": "30", "zone": "America/New_York"},
            ("PATCH", "/api/encounter/encounters/{id}"),
            {"planned_from": "2026-12-02T15:00:00+00:00", "planned_to": "2026-12-02T15:30:00+00:00"},
        ),
        ("follow-ups/{id}/done", {"back": "/"}, ("POST", "/api/encounter/follow-ups/{id}/done"), None),
    ],
)
async def test_other_forms(mentor: Any, house: Any, path: str, fields: Any, sent: tuple[str, str], body: Any) -> None:
    row = {"id": ID, "version": 4, "member_id": house.noah, "encounter_id": ID, "side": "mentor", "text": "x"}
    house.says("encounter", sent[0], sent[1].format(id=ID), row)
    await mentor.see("/")
    answer = await mentor.submit("/" + path.format(id=ID), version="3", **fields)
    assert answer.status_code == 303, answer.text
    ((_, headers, given),) = house.asked("encounter", sent[0])
    assert (headers["if-match"], msgspec.json.decode(given) if given else None) == ('"3"', body)
