"""Many links at once: a list that is pasted, and links that moved."""

import msgspec

from gatehouse_portal.areas.library.links import links_in

BOOKMARKS = """<DL><p>
<DT><A HREF="https://a.example/?x=1&amp;y=2" ADD_DATE="1">A &lt;page</A>
* [Git](https://b.example/git) - short
1. The book: https://c.example/book.
https://d.example/
nothing here
"""


def test_lists_as_people_have_them_are_read() -> None:
    assert [one["url"] for one in links_in(BOOKMARKS)] == [
        "https://a.example/?x=1&y=2",
        "https://b.example/git",
        "https://c.example/book",
        "https://d.example/",
    ]
    assert [one.get("name") for one in links_in(BOOKMARKS)][1:] == ["Git", "The book", None]


async def test_a_list_is_sent_in_parts_and_counted(browser, house):
    await browser.sign_in("mentor", person=house.mara)
    house.says("topics", "POST", "/api/topics/links/import", {"added": [house.resources[1]], "known": 2})
    text = "\n".join(f"https://a.example/{number}" for number in range(501))
    answer = await browser.submit("/resources/import", links=text)
    assert answer.status_code == 303
    sent = [len(msgspec.json.decode(body)["links"]) for _, _, body in house.asked("topics", "POST")]
    assert sent == [500, 1]
    assert "Added 2 resources; 4 were there already." in (await browser.see("/resources")).text
    assert (await browser.submit("/resources/import", links="no link")).status_code == 400


async def test_links_that_moved_are_put_right_by_one_click(browser, house):
    await browser.sign_in("mentor", person=house.mara)
    moved = house.resource(1) | {"link_status": "moved", "version": 3}
    house.says("topics", "GET", "/api/topics/resources", {"items": [moved]})
    house.says("topics", "GET", f"/api/topics/resources/{house.resources[1]}", moved)
    check = house.link_check(result="moved", final_url="https://new.example/", url=moved["url"])
    where = f"/api/topics/resources/{house.resources[1]}"
    house.says("topics", "GET", f"{where}/link-checks", {"items": [check]})
    house.says("topics", "PATCH", where, moved)
    assert "https://new.example/" in (await browser.see("/resources/moved")).text
    answer = await browser.submit("/resources/moved", link=f"{house.resources[1]}:3")
    assert answer.status_code == 303
    assert msgspec.json.decode(house.asked("topics", "PATCH")[0][2]) == {"url": "https://new.example/"}
    page = (await browser.see("/resources/moved")).text
    assert "1 link changed, in every path and plan." in page


async def test_members_change_no_links(browser):
    await browser.sign_in("member")
    for path in ("/resources/import", "/resources/moved"):
        assert (await browser.get(path)).status_code == 404
