"""A list of links becomes resources once, however it is spelled, and all of it or none."""

from gatehouse_chassis.testing import InProcessClient

LINKS = "/api/topics/links/import"


async def test_a_list_that_is_sent_again_adds_nothing(topics: InProcessClient, mentor: dict[str, str]) -> None:
    sent = [{"url": f"https://list.example/{number}", "name": f"Page {number}"} for number in range(1, 21)]
    sent += [{"url": "http://www.list.example/1/?utm_source=x"}, {"url": "https://list.example/git-in-short.html"}]
    first = await topics.post(LINKS, json={"links": sent}, headers=mentor)
    assert first.status_code == 200, first.text
    assert (len(first.json()["added"]), first.json()["known"]) == (21, 1)
    again = await topics.post(LINKS, json={"links": sent}, headers=mentor)
    assert (again.json()["added"], again.json()["known"]) == ([], 22)
    last = (await topics.get(f"/api/topics/resources/{first.json()['added'][-1]}", headers=mentor)).json()
    assert (last["name"], last["kind"], last["link_status"]) == ("Git in short", "article", "unchecked")
    other = [{"url": "https://list.example/new"}, {"url": "no address"}]
    assert (await topics.post(LINKS, json={"links": other}, headers=mentor)).status_code == 400
    found = await topics.get("/api/topics/links", params={"url": "https://list.example/new"}, headers=mentor)
    assert found.json() == []
