"""The page on which people give and withdraw their consents."""

PERSON = "/api/person/people/019a0000-0001-7000-8000-000000000002/consents"
GIVEN = {
    "id": "019a0000-0013-7000-8000-000000000020",
    "version": 3,
    "kind": "newsletter",
    "document_version": "2020-01",
    "given_at": "2026-11-01T10:00:00Z",
    "withdrawn_at": None,
}
DOCUMENTS = [
    {"kind": "newsletter", "version": "2024-09", "title": "News <by> mail", "text": "First.\n\nSecond."},
    {"kind": "recording", "version": "2026-11", "title": "Recording", "text": "Only my mentor."},
]


def says(house) -> None:
    before = {**GIVEN, "id": "019a0000-0013-7000-8000-000000000021", "withdrawn_at": "2026-11-02T10:00:00Z"}
    house.says("person", "GET", "/api/person/consent-documents", DOCUMENTS)
    house.says("person", "GET", PERSON, {"items": [GIVEN, before], "total": 2})


async def test_it_shows_each_text_and_what_stands(browser, house) -> None:
    says(house)
    await browser.sign_in("member")
    page = (await browser.see("/account/consents")).text
    for words in (
        "News &lt;by&gt; mail",
        "<p>Second.</p>",
        "Not given",
        "Text of 2026-11",
        "replaced by the one above",
    ):
        assert words in page
    assert 'href="/account/consents" aria-current="page"' in page, "the account's menu leads there"
    assert page.count("to the text of 2020-01") == 2, "the one that stands and the one of before"


async def test_a_consent_is_given_to_the_version_that_was_shown_and_withdrawn(browser, house) -> None:
    says(house)
    await browser.sign_in("member")
    house.says("person", "POST", PERSON, {**GIVEN, "kind": "recording"})
    given = await browser.submit("/account/consents/recording/give", document_version="2026-11")
    assert (given.status_code, given.headers["location"]) == (303, "/account/consents")
    house.says("person", "POST", f"{PERSON}/{GIVEN['id']}/withdraw", {**GIVEN, "version": 4})
    withdrawn = await browser.submit(f"/account/consents/{GIVEN['id']}/withdraw", version="3")
    assert withdrawn.status_code == 303
    for address in ("/account/consents/whatever/give", f"/account/consents/{GIVEN['id']}/withdraw"):
        assert (await browser.submit(address, version="x")).status_code == 404
