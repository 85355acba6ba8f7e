"""Scripts on their pages: what was typed stays, keys stay, and what encounter refuses is said."""

import json

ONE = "019a0000-0031-7000-8000-000000000001"
PATH = f"/api/encounter/scripts/{ONE}"
PROMPTS = [{"key": "goal", "kind": "text", "prompt": "What is the goal?"}]
SCRIPT = {"id": ONE, "version": 3, "name": "O'Neil’s <b>", "state": "published", "latest_number": 1, "prompts": PROMPTS}
VERSION = {"id": ONE, "number": 1, "prompts": PROMPTS, "published_at": "2026-11-01T10:00:00Z"}


def typed(*prompts, **more):
    fields = {"version": "3", "name": "First", "purpose": ""}
    for number, (key, words) in enumerate(prompts):
        fields |= {f"key-{number}": key, f"prompt-{number}": words, f"kind-{number}": "text"}
    return fields | more


def stand(house):
    house.says("encounter", "GET", "/api/encounter/scripts", {"items": [SCRIPT]})
    house.says("encounter", "GET", PATH, SCRIPT)
    house.says("encounter", "GET", f"{PATH}/versions", [VERSION])


async def test_a_script_is_written_and_published(browser, house):
    stand(house)
    await browser.sign_in("coordinator")
    assert "version 1" in (await browser.see("/scripts")).text
    page = (await browser.see(f"/scripts/{ONE}")).text
    assert ("publish as version 2" in page, "&lt;b&gt;" in page) == (True, True)
    house.says("encounter", "PATCH", PATH, SCRIPT)
    rows = (("goal", "What is the goal?"), ("", "  Điều gì   khó? "), ("", "Điều gì khó!"), ("", "שאלה"), ("", ""))
    choices = {"kind-1": "radio", "options-1": "one; two;", "required-1": "on", "audience-1": "author_only"}
    assert (await browser.submit(f"/scripts/{ONE}", **typed(*rows, **choices))).status_code == 303
    sent = json.loads(house.asked("encounter", "PATCH")[-1][2])
    assert [one["key"] for one in sent["prompts"]] == ["goal", "ieu_gi_kho", "ieu_gi_kho_2", "prompt"]
    assert sent["prompts"][1] | {"key": "k"} == {
        "key": "k",
        "kind": "radio",
        "prompt": "Điều gì khó?",
        "help": None,
        "options": ["one", "two"],
        "audience": "author_only",
        "required": True,
    }
    house.says("encounter", "POST", f"{PATH}/publish", SCRIPT)
    assert (await browser.submit(f"/scripts/{ONE}/publish", version="3")).status_code == 303
    assert (await browser.submit(f"/scripts/{ONE}/burn", version="3")).status_code == 404


async def test_what_is_refused_stays_typed(browser, house):
    stand(house)
    await browser.sign_in("staff")
    await browser.see(f"/scripts/{ONE}")
    for status in (400, 409, 412):
        refused = {"type": "urn:gatehouse:problem:stale-version", "title": "x", "status": status, "detail": "Not so."}
        house.says("encounter", "PATCH", PATH, refused, status)
        answer = await browser.submit(f"/scripts/{ONE}", **typed(("goal", "Typed just now")))
        assert (answer.status_code, "Typed just now" in answer.text) == (400, True), status


async def test_mentors_read_scripts_and_write_none(browser, house):
    stand(house)
    await browser.sign_in("mentor")
    page = (await browser.see(f"/scripts/{ONE}")).text
    assert ("What is the goal?" in page, "publish as" in page) == (True, False)
    assert (await browser.submit(f"/scripts/{ONE}", **typed())).status_code == 403
    await browser.sign_in("member")
    assert (await browser.get("/scripts")).status_code == 404
