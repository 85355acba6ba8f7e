"""The library: what a path shows its reader."""


async def test_a_path_shows_a_member_how_far_they_are(browser, house):
    await browser.sign_in("member")
    resources = [house.resource(number) for number in (1, 3, 4)] + [house.resource(1) | {"id": house.noah}]
    topics = [{"id": house.resources[1], "name": "T", "resources": resources}]
    path = {"id": house.resources[1], "name": "Odin", "modules": [{"id": house.noah, "name": "M", "topics": topics}]}
    house.says("topics", "GET", f"/api/topics/paths/{house.resources[1]}", path)
    text = (await browser.see(f"/paths/{house.resources[1]}")).text
    assert "<strong>1 of 4</strong> completed" in text
    for state in ("Now", "Later", "Completed"):
        assert text.count(f">{state}</span>") == 1


async def test_a_path_shows_others_no_progress(browser, house):
    await browser.sign_in("coordinator", person=house.mara)
    text = (await browser.see(f"/paths/{house.resources[1]}")).text
    assert "completed" not in text


async def test_a_path_is_shown_while_curriculum_is_away(browser, house):
    await browser.sign_in("member")
    house.says("curriculum", "GET", f"/api/curriculum/curricula/{house.noah}", {"status": 503}, 503)
    assert (await browser.see(f"/paths/{house.resources[1]}")).status_code == 200
