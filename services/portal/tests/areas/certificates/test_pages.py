"""Certificates on pages: for everybody, for the member, and for those who propose and confirm."""

from typing import Any

import pytest

AWARD = "019a0000-0051-7000-8000-000000000001"
ACHIEVEMENT = "019a0000-0050-7000-8000-000000000002"
NOAH, MARA = "019a0000-0001-7000-8000-000000000002", "019a0000-0001-7000-8000-000000000001"
PAGE = f"/api/credential/credentials/{AWARD}"


def shown(**changes: Any) -> dict[str, Any]:
    return {
        "id": AWARD,
        "standing": "valid",
        "visibility": "unlisted",
        "person_name": "ליאור <b>Noah</b>",
        "achievement": "Web page builder",
        "edition": 2,
        "description": "Builds pages.",
        "criteria": "A page.",
        "level": "apprentice",
        "specialty": "ui",
        "skills": ["HTML"],
        "evidence": [],
        "issuer": "Agile Learning Institute",
        "issued_at": "2026-10-01T10:00:00Z",
        "valid_until": None,
        "revoked_at": None,
        "reason": None,
        "document": {"id": "x", "proof": {}},
    } | changes


def award(**changes: Any) -> dict[str, Any]:
    return {
        "id": AWARD,
        "version": 1,
        "person_id": NOAH,
        "person_name": "Noah Adeyemi",
        "achievement_id": ACHIEVEMENT,
        "state": "proposed",
        "visibility": "private",
        "evidence": [],
        "note": None,
        "proposed_by": MARA,
        "proposed_at": "2026-10-01T10:00:00Z",
        "confirmed_by": None,
        "issued_at": None,
        "valid_until": None,
        "ended_at": None,
        "end_reason": None,
    } | changes


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Valid"),
        ({"standing": "expired", "valid_until": "2026-10-02T10:00:00Z"}, "Expired"),
        ({"standing": "revoked", "revoked_at": "2026-10-03T10:00:00Z", "reason": "By mistake."}, "By mistake."),
    ],
)
async def test_a_stranger_reads_in_words_whether_it_is_good(browser: Any, house: Any, changes: Any, words: str) -> None:
    house.says("credential", "GET", PAGE, shown(**changes))
    answer = await browser.see(f"/credentials/{AWARD}")
    assert (answer.status_code, words in answer.text, "<b>Noah" in answer.text) == (200, True, False)
    assert answer.headers["x-robots-tag"] == "noindex"


async def test_an_erased_members_page_is_gone(browser: Any, house: Any) -> None:
    problem = {"type": "urn:gatehouse:problem:gone", "title": "Gone", "status": 410}
    house.says("credential", "GET", PAGE, problem, 410)
    answer = await browser.see(f"/credentials/{AWARD}")
    assert (answer.status_code, "is gone" in answer.text) == (410, True)


async def test_a_pasted_certificate_is_checked(browser: Any, house: Any) -> None:
    verdict = {"verdict": "invalid", "reason": "wrong_signature", "words": "Something was changed.", "ours": False}
    nothing = dict.fromkeys(("id", "issuer_id", "issuer_name", "recipient", "valid_from", "valid_until"))
    house.says("credential", "POST", "/api/credential/credentials/verify", {**verdict, **nothing, "name": "Chef"})
    await browser.see("/credentials/verify")
    answer = await browser.submit("/credentials/verify", text='{"a": 1}')
    assert "Not valid." in answer.text
    assert "Something was changed." in answer.text
    assert "nothing here confirms" in answer.text
    nothing_sent = await browser.submit("/credentials/verify", text=" ")
    assert nothing_sent.status_code == 422


async def test_a_file_that_is_too_large_is_named_in_the_form(browser: Any) -> None:
    await browser.see("/credentials/verify")
    files = {"file": ("badge.png", b"\x89PNG" + bytes(300_000), "image/png")}
    answer = await browser.post("/credentials/verify", data={"form_token": browser.token}, files=files)
    assert (answer.status_code, "at most 250 kB" in answer.text) == (422, True)


async def test_whoever_proposed_it_has_no_button_to_confirm_it(browser: Any, house: Any) -> None:
    house.says("credential", "GET", "/api/credential/awards", {"items": [award()]})
    for reader, buttons in ((MARA, False), ("019a0000-0001-7000-8000-000000000015", True)):
        await browser.sign_in("mentor", person=reader)
        answer = await browser.see("/certificates")
        assert (f"/certificates/{AWARD}/confirm" in answer.text) is buttons


async def test_what_the_service_refuses_is_said(browser: Any, house: Any) -> None:
    await browser.sign_in("mentor", person="019a0000-0001-7000-8000-000000000015")
    house.says("credential", "GET", "/api/credential/awards", {"items": [award()]})
    await browser.see("/certificates")
    detail = "You proposed it: another person has to confirm it."
    refused = {"type": "urn:gatehouse:problem:forbidden", "title": "No", "status": 403, "detail": detail}
    house.says("credential", "POST", f"/api/credential/awards/{AWARD}/confirm", refused, 403)
    answer = await browser.submit(f"/certificates/{AWARD}/confirm", version="1")
    assert (answer.status_code, detail in answer.text) == (400, True)


async def test_a_members_page_shows_an_award_whatever_became_of_its_achievement(browser: Any, house: Any) -> None:
    house.says("credential", "GET", "/api/credential/awards", {"items": [award(state="issued")]})
    house.says("credential", "GET", "/api/credential/achievements", {"items": []})
    await browser.sign_in("mentor", person=MARA)
    answer = await browser.see(f"/members/{NOAH}")
    assert (answer.status_code, f"/certificates/{AWARD}" in answer.text) == (200, True)
    asked = [path for path, _, _ in house.asked("credential", "GET") if "/achievements" in path]
    assert len(asked) == 2, "for the present ones, and for those that are archived"


async def test_a_member_chooses_who_sees_it(browser: Any, house: Any) -> None:
    await browser.sign_in("member")
    house.says("credential", "GET", f"/api/credential/awards/{AWARD}/credential", shown(visibility="private"))
    house.says("credential", "GET", f"/api/credential/awards/{AWARD}", award(state="issued"))
    answer = await browser.see(f"/certificates/{AWARD}")
    assert ("Who sees it" in answer.text, "linkedin.com" in answer.text) == (True, False)
    house.says("credential", "GET", f"/api/credential/awards/{AWARD}/credential", shown())
    assert "linkedin.com/profile/add?startTask=CERTIFICATION_NAME" in (await browser.see(f"/certificates/{AWARD}")).text
    house.says("credential", "POST", f"/api/credential/awards/{AWARD}/visibility", award(visibility="public"))
    assert (await browser.submit(f"/certificates/{AWARD}/visibility", visibility="public", version="1")).is_redirect
    ((_, _, body),) = house.asked("credential", "POST")
    assert b"public" in body
