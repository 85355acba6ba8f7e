"""Pasting a link: one action to see whether it is there, one more to add it."""

import msgspec

LINK = "https://learn.example/git-in-short.html"


PREVIEW = {"url": LINK, "name": "Git in short", "kind": "video", "length_minutes": 42, "problem": None}


async def test_what_is_there_is_shown(browser, house):
    await browser.sign_in("mentor", person=house.mara)
    house.says("topics", "GET", "/api/topics/links", [house.resource(1)])
    answer = await browser.get("/resources/paste", params={"link": LINK})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/resources/{house.resources[1]}")


async def test_what_isnt_there_is_added_with_one_more_action(browser, house):
    await browser.sign_in("mentor", person=house.mara)
    house.says("topics", "GET", "/api/topics/links", [])
    house.says("topics", "GET", "/api/topics/links/preview", PREVIEW)
    house.says("topics", "POST", "/api/topics/resources", house.resource(2), 201)
    page = (await browser.see("/resources/paste", params={"link": LINK})).text
    assert 'value="Git in short"' in page
    assert '<option value="video" selected>' in page
    assert 'value="42"' in page
    answer = await browser.submit("/resources", link=LINK, name="Git in short", kind="article", level="apprentice")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/resources/{house.resources[2]}")
    body = msgspec.json.decode(house.asked("topics", "POST")[0][2])
    assert (body["url"], body["length_minutes"]) == (LINK, None)


async def test_a_twin_and_nonsense_are_explained(browser, house):
    await browser.sign_in("mentor", person=house.mara)
    await browser.see("/resources/paste")
    twin = {"type": "urn:gatehouse:problem:conflict", "title": "No", "status": 409, "detail": "The same as Odin."}
    house.says("topics", "POST", "/api/topics/resources", twin, 409)
    answer = await browser.submit("/resources", link=LINK, name="Git", kind="article", level="apprentice")
    assert (answer.status_code, "The same as Odin." in answer.text) == (409, True)
    invalid = {"type": "about:blank", "title": "No", "status": 400, "errors": {"url": "no"}}
    house.says("topics", "GET", "/api/topics/links", [])
    house.says("topics", "GET", "/api/topics/links/preview", invalid, 400)
    for wrong in ("javascript:alert(1)", "learn", "https://[::1"):
        answer = await browser.get("/resources/paste", params={"link": wrong})
        assert (answer.status_code, "no address of a page" in answer.text) == (409, True)


async def test_members_add_nothing(browser):
    await browser.sign_in("member")
    assert "Paste a link" not in (await browser.see("/resources")).text
    assert (await browser.get("/resources/paste", params={"link": LINK})).status_code == 404
