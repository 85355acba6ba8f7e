"""Links of a plan: what counts as a click, where it leads, and what happens when something is away."""

from typing import Any
from uuid import uuid4

import msgspec
import pytest

from gatehouse_portal.areas.learning.clicks import is_click

CLICK = {
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-User": "?1",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "same-origin",
}
UNFURLERS = (
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "facebookexternalhit/1.1",
    "WhatsApp/2.23.20.0",
    "TelegramBot (like TwitterBot)",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0)",
    "Mozilla/5.0 (Windows NT 10.0) SkypeUriPreview Preview/0.5",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0)",
    "Barracuda Sentinel (EE)",
    "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
)
# What fetches links without a person: by what it sends, if it has somebody's cookie at all.
NO_CLICKS: list[tuple[str, dict[str, str]]] = [
    *(("GET", {"User-Agent": agent}) for agent in UNFURLERS),
    ("HEAD", {}),
    ("HEAD", CLICK),
    ("GET", CLICK | {"Sec-Purpose": "prefetch"}),
    ("GET", CLICK | {"Sec-Purpose": "prefetch;prerender"}),
    ("GET", CLICK | {"Purpose": "prefetch"}),
    ("GET", CLICK | {"X-Moz": "prefetch"}),
    ("GET", CLICK | {"X-Purpose": "preview"}),
    ("GET", CLICK | {"Sec-Fetch-User": "?0"}),
    ("GET", {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}),
    ("GET", CLICK | {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}),
    ("GET", CLICK | {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}),
    ("GET", CLICK | {"Sec-Fetch-Dest": "iframe"}),
]


@pytest.fixture
def link(house: Any) -> str:
    """The link of something in Noah's plan; curriculum and topics answer as they do."""
    found = {"assignment_id": house.assignments[1], "resource_id": house.resources[1]}
    address = f"/api/curriculum/curricula/{house.noah}/assignments/{house.assignments[1]}"
    house.says("curriculum", "GET", f"{address}/target", found)
    house.says("curriculum", "POST", f"{address}/uses", found | {"recorded": True, "started": True}, 201)
    return f"/go/{house.assignments[1]}"


def uses(house: Any) -> list[dict[str, Any]]:
    return [msgspec.json.decode(body) for path, _, body in house.asked("curriculum", "POST") if path.endswith("/uses")]


async def test_a_click_is_recorded_and_leads_to_the_resource(browser, house, link):
    await browser.sign_in("member")
    id = str(uuid4())
    answer = await browser.get(f"{link}?use={id}&resource={house.resources[2]}&url=https://evil.example", headers=CLICK)
    assert (answer.status_code, answer.headers["location"]) == (303, "https://learn.example/1")
    assert answer.headers.get_list("referrer-policy") == ["no-referrer"]
    assert answer.headers["cache-control"] == "no-store"
    assert uses(house) == [{"id": id}]


async def test_what_no_person_clicked_starts_nothing(browser, house, link):
    assert len(NO_CLICKS) >= 20
    await browser.sign_in("member")
    for method, headers in NO_CLICKS:
        answer = await browser.request(method, link, headers=headers)
        assert (answer.status_code, answer.headers["location"]) == (303, "https://learn.example/1"), (method, headers)
    assert uses(house) == []
    assert not any(
        is_click(method, {name.lower(): value for name, value in sent.items()}) for method, sent in NO_CLICKS
    )


async def test_without_a_session_nothing_is_told(browser, house, link):
    answer = await browser.get(link, headers=CLICK)
    assert "learn.example" not in answer.text + answer.headers.get("location", "")
    assert (uses(house), house.asked("topics", "GET")) == ([], [])


async def test_learning_goes_on_while_curriculum_is_away(browser, house, link):
    await browser.sign_in("member")
    where = f"/api/curriculum/curricula/{house.noah}/assignments/{house.assignments[1]}/uses"
    house.says("curriculum", "POST", where, {"type": "about:blank", "title": "Away", "status": 503}, 503)
    answer = await browser.get(f"{link}?resource={house.resources[1]}", headers=CLICK)
    assert (answer.status_code, answer.headers["location"]) == (303, "https://learn.example/1")
    house.says("curriculum", "POST", where, {"recorded": True}, 201)
    id = str(uuid4())
    house.says("curriculum", "POST", f"{where}/{id}/end", None, 204)
    await browser.see(f"/members/{house.noah}")
    again = await browser.submit(link, use=id, used_at="2026-11-01T10:00:00.123Z")
    assert again.status_code == 204
    assert uses(house)[-1] == {"id": id, "used_at": "2026-11-01T10:00:00.123000+00:00"}
    assert house.asked("curriculum", "POST")[-1][0] == f"{where}/{id}/end"  # the reader is back


async def test_a_link_of_what_was_taken_out_explains_itself(browser, house, link):
    await browser.sign_in("member")
    gone = {"type": "urn:gatehouse:problem:conflict", "title": "No", "status": 409, "detail": "This was taken out."}
    where = f"/api/curriculum/curricula/{house.noah}/assignments/{house.assignments[1]}/uses"
    house.says("curriculum", "POST", where, gone, 409)
    answer = await browser.get(link, headers=CLICK)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "This was taken out." in (await browser.see("/")).text


async def test_a_member_says_how_long_it_took_and_what_they_think(browser, house):
    await browser.sign_in("member")
    done = f"/api/curriculum/curricula/{house.noah}/assignments/{house.assignments[4]}"
    house.says("curriculum", "POST", f"{done}/minutes", house.curriculum(4))
    house.says("topics", "PUT", f"/api/topics/resources/{house.resources[4]}/ratings/mine", {})
    page = (await browser.see(f"/members/{house.noah}?just={house.assignments[4]}")).text
    assert "About how long did it take?" in page
    where = f"/members/{house.noah}/curriculum/{house.assignments[4]}"
    said = await browser.submit(f"{where}/minutes", minutes="30", version="3", name="Resource 4")
    assert said.status_code == 303
    toast = (await browser.see(said.headers["location"])).text
    assert "Noted: “Resource 4” took about 30 min." in toast
    rated = await browser.submit(f"{where}/rating", stars="4", line="Skip part 2.", resource_id=house.resources[4])
    assert rated.status_code == 303
    assert [msgspec.json.decode(body) for _, _, body in house.asked("topics", "PUT")] == [
        {"stars": 4, "line": "Skip part 2."}
    ]
    for wrong in ({"minutes": "0"}, {"minutes": "x"}, {"minutes": "99999"}):
        assert (await browser.submit(f"{where}/minutes", version="3", **wrong)).status_code == 400
    assert (await browser.submit(f"{where}/rating", stars="6", resource_id=house.resources[4])).status_code == 400
