"""Somebody applies to be a mentor: nobody is known before a click in the mail, and few mails leave for many forms."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from gatehouse_chassis.events import service_token
from gatehouse_intake.tables import DB

API = "/api/intake/applications"
AGREED = [{"kind": kind, "document_version": "2026-1"} for kind in ("code_of_conduct", "data_processing")]
MENTOR = {
    "consents": AGREED,
    "name": "Zoë 🌱 O'Neil",
    "knows": "Testing, and patience",
    "hours_month": 6,
    "time_zone": "Europe/Oslo",
}


async def applies(desk: Any, email: str, **changes: Any) -> Any:
    body = desk.proven({"form": desk.form(), "email": email, **MENTOR, **changes})
    return await desk.service.post(API, json=body)


async def of(desk: Any, email: str) -> list[dict[str, Any]]:
    answer = await desk.service.get(API, params={"search": email}, headers=desk.service.by("coordinator"))
    return answer.json()["items"]


async def mails_asked_for(application: dict[str, Any]) -> int:
    text = "select count(*) from intake.event where type = 'intake.application.received' and subject_id = $1"
    return await DB.fetchval(text, application["id"])


async def link_of(desk: Any, application: dict[str, Any]) -> Any:
    token = service_token.sign(desk.key, by="communication", to="intake")
    return await desk.service.post(f"{API}/{application['id']}/link", headers={"Authorization": f"Bearer {token}"})


async def confirmed(desk: Any, email: str) -> dict[str, Any]:
    assert (await applies(desk, email)).status_code == 202
    (found,) = await of(desk, email)
    link = (await link_of(desk, found)).json()
    assert (link["email"], link["name"]) == (email, MENTOR["name"])
    token = link["url"].rpartition("/")[2]
    assert (await desk.service.post(f"{API}/confirm", json={"token": token})).status_code == 200
    assert (await desk.service.post(f"{API}/confirm", json={"token": token})).status_code == 404, "once"
    (found,) = await of(desk, email)
    return found


async def decides(desk: Any, application: dict[str, Any], what: str, by: str = "coordinator") -> Any:
    headers = desk.service.by(by, if_match=f'"{application["version"]}"')
    return await desk.service.post(f"{API}/{application['id']}/{what}", headers=headers)


async def test_an_accepted_applicant_becomes_a_mentor(desk):
    found = await confirmed(desk, "mentor@example.org")
    assert (found["state"], desk.asked()) == ("confirmed", (0, 0)), "person hears of nobody before the decision"
    assert (await decides(desk, found, "accept", by="member")).status_code == 403
    assert (await decides(desk, found, "accept")).json()["state"] == "accepted"
    await desk.works()
    asked = [json.loads(body) for method, _, _, body in desk.people.requests if method == "POST"]
    assert [(one["email"], one["status"]) for one in asked] == [("mentor@example.org", "active")]
    assert [one["consents"] for one in asked] == [AGREED]
    invited = [json.loads(body) for method, _, _, body in desk.identity.requests if method == "POST"]
    assert [one["roles"] for one in invited] == [["mentor"]]


async def test_an_unconfirmed_one_never_reaches_person_and_is_deleted_after_7_days(desk):
    await applies(desk, "silent@example.org")
    (found,) = await of(desk, "silent@example.org")
    for what in ("accept", "decline"):
        assert (await decides(desk, found, what)).status_code == 409
    jobs = desk.service.app.state.jobs
    began = await DB.now()
    try:
        for day, left in ((6.9, 1), (7.1, 0)):
            jobs.clock = lambda day=day: began + timedelta(days=day)
            await jobs.run_now("forget_applications")
            await desk.works()
            assert len(await of(desk, "silent@example.org")) == left
    finally:
        jobs.clock = lambda: None
    assert desk.asked() == (0, 0)


async def test_many_forms_ask_for_five_mails_and_answer_the_same(desk):
    answers = {(await applies(desk, "Flood@example.org")).content for _ in range(20)}
    (found,) = await of(desk, "flood@example.org")
    assert await mails_asked_for(found) == 5
    form = desk.form()
    answers |= {(await applies(desk, "flood2@example.org", form=form)).content for _ in range(5)}
    (other,) = await of(desk, "flood2@example.org")
    assert await mails_asked_for(other) == 1
    await confirmed(desk, "flood3@example.org")
    answers.add((await applies(desk, "flood3@example.org")).content)
    assert len(answers) == 1


async def test_the_last_form_counts_and_only_the_link_in_its_own_mail(desk):
    await applies(desk, "corrects@example.org", knows="Tpying")
    (found,) = await of(desk, "corrects@example.org")
    old = (await link_of(desk, found)).json()["url"].rpartition("/")[2]
    form = desk.form()
    for _ in range(2):
        await applies(desk, "corrects@example.org", form=form, knows="Typing", why="It helps")
    assert (await desk.service.post(f"{API}/confirm", json={"token": old})).status_code == 404
    new = (await link_of(desk, found)).json()["url"].rpartition("/")[2]
    assert (await desk.service.post(f"{API}/confirm", json={"token": new})).status_code == 200
    (found,) = await of(desk, "corrects@example.org")
    assert (found["state"], found["knows"], found["why"], found["mails"]) == ("confirmed", "Typing", "It helps", 2)


async def test_a_link_that_is_clicked_twice_at_once_confirms_once(desk):
    await applies(desk, "hasty@example.org")
    (found,) = await of(desk, "hasty@example.org")
    token = {"token": (await link_of(desk, found)).json()["url"].rpartition("/")[2]}
    answers = await asyncio.gather(*(desk.service.post(f"{API}/confirm", json=token) for _ in range(4)))
    assert sorted(one.status_code for one in answers) == [200, 404, 404, 404]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"consents": AGREED[:1]}, "data_processing"),
        ({"proof": "e30="}, "form"),
        ({"website": "x"}, "website"),
        ({"hours_month": 0}, "hours_month"),
        ({"knows": "two\nlines"}, "knows"),
    ],
)
async def test_what_programs_send_is_refused(desk, changes, field):
    answer = await applies(desk, "bot@example.org", **changes)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    quick = await applies(desk, "bot@example.org", form=desk.form(opened_before=1))
    assert quick.status_code == 400
    assert await of(desk, "bot@example.org") == []


async def test_only_the_service_that_sends_mails_gets_a_link(desk):
    await applies(desk, "link@example.org")
    (found,) = await of(desk, "link@example.org")
    old = (await link_of(desk, found)).json()["url"].rpartition("/")[2]
    await link_of(desk, found)
    answer = await desk.service.post(f"{API}/confirm", json={"token": old})
    assert answer.status_code == 404, "a newer one replaced it"
    headers = desk.service.by("admin")
    assert (await desk.service.post(f"{API}/{found['id']}/link", headers=headers)).status_code == 401


async def test_who_is_known_already_is_seen_by_a_coordinator(desk):
    desk.statuses["known-mentor@example.org"] = "matching"
    found = await confirmed(desk, "known-mentor@example.org")
    await decides(desk, found, "accept")
    await desk.works()
    (found,) = await of(desk, "known-mentor@example.org")
    assert "make them active" in found["problem"]
    desk.statuses["known-mentor@example.org"] = "active"
    assert (await decides(desk, found, "retry")).status_code == 200
    await desk.works()
    (found,) = await of(desk, "known-mentor@example.org")
    assert found["problem"] is None
