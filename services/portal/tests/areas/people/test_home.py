"""Homes: who waits, the longest first, with what comes next; how members are doing; who needs access."""

from datetime import UTC, datetime

import msgspec
import pytest

from gatehouse_portal.areas.people import home
from gatehouse_portal.areas.people.structs import CurriculumInList, Person


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


NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "now_count", "changed", "word", "why"),
    [
        ("active", 2, "2026-11-29T12:00:00Z", "On track", ""),
        ("active", 2, "2026-11-09T13:00:00Z", "On track", ""),
        ("active", 2, "2026-11-09T12:00:00Z", "At risk", "nothing moved for 21 days"),
        ("active", 0, "2026-11-29T12:00:00Z", "At risk", "nothing is agreed for now"),
        ("hold", 0, "2026-01-01T12:00:00Z", "Paused", ""),
        ("matching", 0, "2026-01-01T12:00:00Z", "", ""),
    ],
)
def test_how_a_member_is_doing(house, status, now_count, changed, word, why):
    person = msgspec.convert(house.person(status=status), Person)
    progress = CurriculumInList(person_id=person.id, now_count=now_count, changed_at=datetime.fromisoformat(changed))
    said = home.mentored(person, progress, NOW)
    assert (said.word, said.why) == (word, why)


async def test_an_admin_sees_who_needs_access_and_which_consents_are_missing(browser, house):
    made = {"id": house.account, "email": "ines@example.org", "created_at": "2026-11-01T10:00:00Z"}
    asked = []

    def accounts(path, headers):
        asked.append(path)
        if "status=invited" in asked[-1]:
            return 200, {"items": [made | {"name": "Ines", "person_id": house.noah}], "total": 1}
        return 200, {"items": [made | {"name": "Nobody’s"}], "total": 1}

    house.says("identity", "GET", "/api/identity/accounts", accounts)
    house.says("person", "GET", "/api/person/people", {"items": [house.person(name="Zoë")], "total": 1})
    await browser.sign_in("admin")
    text = (await browser.see("/")).text
    assert f'href="/people/{house.noah}#sign-in">Send the mail again' in text
    assert "signed in, and has no role yet" in text
    assert "Zoë" in text[text.index("Consents that are missing") :]
    assert any("has_role=false" in one for one in asked)
    [path] = [path for path, _, _ in house.asked("person", "GET") if "lacks_consent" in path]
    assert "lacks_consent=code_of_conduct&lacks_consent=data_processing" in path


async def test_an_admin_for_whom_nothing_waits_is_told_so(browser, house):
    house.says("identity", "GET", "/api/identity/accounts", {"items": [], "total": 0})
    house.says("person", "GET", "/api/person/people", {"items": [], "total": 0})
    await browser.sign_in("admin")
    text = (await browser.see("/")).text
    assert "has signed in and has a role" in text
    assert "Everybody who takes part has agreed" in text
