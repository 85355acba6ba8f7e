"""Finding pages, people, resources and actions: as much as the reader may open."""


async def found(browser, words: str = "") -> str:
    return (await browser.see(f"/find?q={words}")).text


async def test_without_words_it_lists_pages_and_actions(browser, house):
    await browser.sign_in("member")
    text = await found(browser)
    assert ">My curriculum<" in text
    assert "Use dark colours" in text
    assert "Sign out" in text


async def test_a_member_finds_resources_and_no_people(browser, house):
    await browser.sign_in("member")
    house.peers["person"].requests.clear()
    text = await found(browser, "resource")
    assert 'href="https://learn.example/1"' in text
    assert house.asked("person", "GET") == []


async def test_a_mentor_finds_only_their_own_members(browser, house):
    await browser.sign_in("mentor", person=house.mara)
    house.peers["person"].requests.clear()
    assert f'href="/members/{house.noah}"' in await found(browser, "noah")
    assert all(f"mentor={house.mara}" in path for path, _, _ in house.asked("person", "GET"))


async def test_a_service_that_is_away_leaves_the_rest(browser, house):
    await browser.sign_in("coordinator")
    house.says("topics", "GET", "/api/topics/resources", {"status": 503}, 503)
    text = await found(browser, "noah")
    assert "Noah Adeyemi" in text
    assert "topics” doesn&#39;t answer" in text or "topics” doesn't answer" in text


async def test_nothing_found_says_what_was_sought(browser, house):
    await browser.sign_in("board")
    for kind in ("resources", "paths"):
        house.says("topics", "GET", f"/api/topics/{kind}", {"items": []})
    assert "No results for “zzzz”." in await found(browser, "zzzz")


async def test_htmx_gets_only_the_results(browser):
    await browser.sign_in("member")
    text = (await browser.see("/find", headers={"HX-Request": "true"})).text
    assert "<html" not in text
    assert "Pages" in text
