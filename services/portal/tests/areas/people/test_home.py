"""A coordinator's home: who waits, the longest first, with what comes next."""


async def test_a_coordinator_sees_who_waits_longest_first(browser, house):
    people = [
        house.person(name="Ines", status="pending", status_changed_at="2026-10-01T10:00:00Z"),
        house.person(name="Amara", status="pending", intro_reminder_at="2026-10-08T10:00:00Z"),
        house.person(name="Chen", status="matching", status_changed_at="2025-01-01T10:00:00Z"),
    ]
    house.says("person", "GET", "/api/person/people", {"items": people, "total": 3})
    await browser.sign_in("coordinator")
    text = (await browser.see("/")).text
    assert text.index("Chen") < text.index("Ines")
    assert "Find a mentor" in text
    assert "Invite to an introduction" in text
    assert "Remind them to schedule the introduction" in text
    [path] = [path for path, _, _ in house.asked("person", "GET") if "status=matching" in path]
    assert "status=pending" in path


async def test_others_see_nobody_waiting(browser, house):
    await browser.sign_in("mentor", person=house.mara)
    assert "Waiting for you" not in (await browser.see("/")).text
