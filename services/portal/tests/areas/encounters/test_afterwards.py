"""What happens to meetings afterwards: a text is put right, private texts are opened, a member is handed over."""

from typing import Any

import msgspec

from .test_pages import ID, encounter, written

REFUSED = {"type": "urn:x", "title": "Conflict", "status": 409, "detail": "Somebody was quicker."}
TOMAS = "019a0000-0001-7000-8000-000000000004"


def ended(house: Any, **changes: Any) -> dict[str, Any]:
    return encounter(house, state="finished", outcome="held") | changes


async def test_a_text_is_put_right_from_what_it_is_and_kept_where_it_is_refused(browser: Any, house: Any) -> None:
    house.says("encounter", "GET", f"/api/encounter/encounters/{ID}", ended(house))
    house.says("encounter", "GET", f"/api/encounter/encounters/{ID}/attempts", {"items": []})
    await browser.sign_in("mentor", person=house.mara)
    page = (await browser.see(f"/encounters/{ID}")).text
    assert f'href="/encounters/{ID}/amend/since"' in page
    form = f"/encounters/{ID}/amend/since"
    shown = await browser.see(form)
    assert "It&lt;/b&gt; went well</textarea>" in shown.text
    assert shown.headers["content-type"].startswith("text/html")
    path = f"/api/encounter/encounters/{ID}/amendments"
    house.says("encounter", "POST", path, REFUSED, 409)
    refused = await browser.submit(form, version="3", text="Mine", reason="Misheard")
    assert (refused.status_code, ">\nMine</textarea>" in refused.text) == (409, True)
    assert ("Somebody was quicker." in refused.text, 'value="Misheard"' in refused.text) == (True, True)
    house.says("encounter", "POST", path, {"id": ID, "version": 4, "member_id": house.noah})
    done = await browser.submit(form, version="3", text="a\r\nb", reason="Misheard")
    assert (done.status_code, done.headers["location"]) == (303, f"/encounters/{ID}")
    _, headers, given = house.asked("encounter", "POST")[-1]
    assert headers["if-match"] == '"3"'
    assert msgspec.json.decode(given) == {"prompt_key": "since", "text": "a\nb", "reason": "Misheard"}


async def test_nobody_else_amends(browser: Any, house: Any) -> None:
    house.says("encounter", "GET", f"/api/encounter/encounters/{ID}", ended(house, standing="member"))
    await browser.sign_in("member", person=house.noah)
    assert "/amend/" not in (await browser.see(f"/encounters/{ID}")).text
    assert (await browser.see(f"/encounters/{ID}/amend/since")).status_code == 404


async def test_private_texts_are_opened_with_a_reason_only(browser: Any, house: Any) -> None:
    house.says("encounter", "GET", f"/api/encounter/encounters/{ID}", ended(house, standing="coordination", answers=[]))
    path = f"/api/encounter/encounters/{ID}/disclosures"
    house.says("encounter", "POST", path, {"type": "urn:x", "title": "No", "status": 400}, 400)
    await browser.sign_in("coordinator")
    assert "Open private texts in an emergency" in (await browser.see(f"/encounters/{ID}")).text
    refused = await browser.submit(f"/encounters/{ID}/disclose", reason="")
    assert (refused.status_code, "Say why" in refused.text) == (409, True)
    house.says("encounter", "POST", path, {"answers": [written("worry", "Not safe at home")], "notes": []}, 201)
    opened = await browser.submit(f"/encounters/{ID}/disclose", reason="Somebody may come to harm")
    assert ("Not safe at home" in opened.text, opened.headers["cache-control"]) == (True, "no-store")


async def test_a_member_is_handed_over(browser: Any, house: Any) -> None:
    pair = {
        "id": ID,
        "version": 5,
        "mentor_id": house.mara,
        "member_id": house.noah,
        "started_at": "2026-01-05T10:00:00Z",
    }
    house.says("person", "GET", "/api/person/mentor-assignments", {"items": [pair]})
    tomas = {"id": TOMAS, "name": "תומס O'Neil 🌱", "status": "active"}
    house.says("person", "GET", f"/api/person/people/{TOMAS}", tomas)
    room = [{"person_id": one, "members_max": 2} for one in (house.mara, TOMAS)]
    house.says("intake", "GET", "/api/intake/mentors", {"items": room})
    brief = {"next": encounter(house, state="planned"), "held_count": 3}
    house.says("encounter", "GET", f"/api/encounter/members/{house.noah}/brief", brief)
    house.says("encounter", "GET", "/api/encounter/series", {"items": []})
    await browser.sign_in("coordinator")
    address = f"/members/{house.noah}/mentor"
    page = (await browser.see(address)).text
    for text in ("Mara Lindgren", "תומס O&#39;Neil 🌱", "is called off", "shared of 3 meetings", "0 of 2 members"):
        assert text in page, text
    assert f'value="{house.mara}"' not in page
    ends, begins = f"/api/person/mentor-assignments/{ID}/end", "/api/person/mentor-assignments"
    house.says("person", "POST", ends, pair | {"version": 6})
    house.says("person", "POST", begins, REFUSED, 409)
    fields = {"mentor": TOMAS, "present": ID, "version": "5", "reason": "Moves away"}
    refused = await browser.submit(address, **fields)
    assert (refused.status_code, "Somebody was quicker." in refused.text) == (409, True)
    house.says("person", "POST", begins, pair | {"mentor_id": TOMAS}, 201)
    done = await browser.submit(address, **fields)
    assert (done.status_code, done.headers["location"]) == (303, f"/members/{house.noah}")
    (_, headers, given), (_, _, new) = house.asked("person", "POST")[-2:]
    assert (headers["if-match"], msgspec.json.decode(given)) == ('"5"', {"reason": "Moves away"})
    assert msgspec.json.decode(new) == {"member_id": house.noah, "mentor_id": TOMAS}
    assert (await browser.submit(address, version="5")).status_code == 409


async def test_whoever_isnt_a_coordinator_hands_nobody_over(browser: Any, house: Any) -> None:
    await browser.sign_in("mentor", person=house.mara)
    assert (await browser.see(f"/members/{house.noah}/mentor")).status_code == 404
    assert (await browser.submit(f"/members/{house.noah}/mentor", mentor=TOMAS)).status_code == 403
