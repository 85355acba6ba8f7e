"""One page is one resource, however its address is written."""

from uuid import uuid4

from gatehouse_chassis.testing import InProcessClient

BASE, LINKS = "/api/topics/resources", "/api/topics/links"


async def test_of_the_seeds_links_one_pair_is_reported(topics: InProcessClient, member: dict[str, str]) -> None:
    found = (await topics.get(f"{LINKS}/twins", headers=member)).json()
    assert [[one["number"] for one in group["resources"]] for group in found] == [[297, 675]]
    assert found[0]["key"] == "agilemanifesto.org"


async def test_another_spelling_finds_it_and_is_refused_through_every_door(
    topics: InProcessClient, mentor: dict[str, str]
) -> None:
    page = f"https://example.org/{uuid4().hex}"
    new = {"name": page, "url": page, "kind": "article", "level": "master"}
    made = (await topics.post(BASE, json=new, headers=mentor)).json()
    spelled = page.replace("https://", "http://WWW.") + "/?utm_source=mail"
    found = await topics.get(LINKS, params={"url": spelled}, headers=mentor)
    assert [one["id"] for one in found.json()] == [made["id"]]
    assert (await topics.get(LINKS, params={"url": page + "x"}, headers=mentor)).json() == []
    refused = await topics.post(BASE, json=new | {"url": spelled}, headers=mentor)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (409, "url")
    assert f"resource {made['number']}" in refused.json()["detail"]
    other = (await topics.post(BASE, json=new | {"url": page + "/other"}, headers=mentor)).json()
    headers = {**mentor, "If-Match": '"1"'}
    assert (await topics.patch(f"{BASE}/{other['id']}", json={"url": spelled}, headers=headers)).status_code == 409
    # Its own spelling may change.
    own = await topics.patch(f"{BASE}/{made['id']}", json={"url": page + "/"}, headers=headers)
    assert (own.status_code, own.json()["url"]) == (200, page + "/")
