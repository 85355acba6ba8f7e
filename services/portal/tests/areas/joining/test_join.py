"""The form for strangers: what was typed stays, and the page says the same whoever sends it."""

FORM, SIGN_UPS = "/api/intake/form", "/api/intake/sign-ups"


async def test_a_stranger_signs_up(browser, house):
    house.says("intake", "GET", FORM, {"form": "token-1"})
    house.says("intake", "POST", SIGN_UPS, {"received": True}, 202)
    page = (await browser.see("/join")).text
    assert 'value="token-1"' in page
    answer = await browser.submit("/join", name="Zoë O'Neil 🌱", email="zoe+x@example.org", form="token-1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/join/sent")
    assert "Check your mailbox" in (await browser.see("/join/sent")).text
    ((_, headers, body),) = house.asked("intake", "POST")
    assert b'"time_zone":null' in body.replace(b" ", b"")
    assert "Zoë O'Neil 🌱".encode() in body
    assert "authorization" not in headers


async def test_what_was_typed_stays_where_something_is_wrong(browser, house):
    house.says("intake", "GET", FORM, {"form": "token-2"})
    errors = [{"field": "email", "message": "takes an e-mail address such as mara@example.org"}]
    refused = {"type": "urn:gatehouse:problem:invalid", "title": "Invalid", "status": 400, "errors": errors}
    house.says("intake", "POST", SIGN_UPS, refused, 400)
    await browser.see("/join")
    answer = await browser.submit("/join", name="ליאור", email="lior", form="token-2", goal="<b>all</b>")
    assert (answer.status_code, "ליאור" in answer.text, 'value="lior"' in answer.text) == (400, True, True)
    assert "takes an e-mail address" in answer.text
    assert "<b>all" not in answer.text
