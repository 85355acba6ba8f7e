"""The page that shows people who read their private data."""

READS = "/api/person/people/019a0000-0001-7000-8000-000000000002/reads"


async def test_it_names_who_read_what_and_why(browser, house) -> None:
    entry = {"at": "2026-11-01T10:00:00Z", "what": "GetPerson", "why": "mentor", "actor_id": house.noah}
    unnamed = {**entry, "what": "GetConsent", "why": "staff", "reader_id": None, "reader_name": None}
    house.says("person", "GET", READS, [{**entry, "reader_id": house.mara, "reader_name": "Mara Lindgren"}, unnamed])
    await browser.sign_in("member")
    page = (await browser.see("/account/reads")).text
    for words in ("Mara Lindgren", "Your details", "As your mentor", "Your consents", "As staff"):
        assert words in page
    assert 'href="/account/reads" aria-current="page"' in page, "the account's menu leads there"


async def test_it_says_who_read_a_meeting(browser, house) -> None:
    house.says("person", "GET", READS, [])
    opened = {
        "at": "2026-11-02T10:00:00Z",
        "what": "DisclosePrivateTexts",
        "why": "coordinator",
        "actor_id": house.noah,
    }
    path = f"/api/encounter/members/{house.noah}/reads"
    export = {**opened, "what": "ExportPerson", "why": "admin", "reader_id": None}
    house.says("encounter", "GET", path, [{**opened, "reader_id": house.mara}, {**opened, "reader_id": None}, export])
    await browser.sign_in("member")
    page = (await browser.see("/account/reads")).text
    for words in (
        "Mara Lindgren",
        "A coordinator",
        "in an emergency",
        "As a coordinator",
        "An administrator",
        "All that is kept",
    ):
        assert words in page


async def test_without_person_it_says_so(browser, house) -> None:
    house.says("person", "GET", READS, [])
    await browser.sign_in("member")
    assert "Nobody yet." in (await browser.see("/account/reads")).text
