"""Admin: what operators read about a service."""


async def test_an_operator_sees_what_one_address_may_send(browser):
    limit = {"route": "POST /api/identity/token", "per_minute": 60, "at_once": 30}
    browser.house.says("identity", "GET", "/config", {"settings": [], "limits": [limit]})
    await browser.sign_in("sre")
    page = (await browser.see("/admin/identity")).text
    assert "Limits for strangers" in page
    assert "POST /api/identity/token" in page
    assert "Limits for strangers" not in (await browser.see("/admin/person")).text
