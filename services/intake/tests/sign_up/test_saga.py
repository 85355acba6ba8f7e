"""A sign-up on its way: one person, one invitation, however often it comes and wherever it is interrupted."""

import asyncio
from uuid import UUID

import pytest

from gatehouse_intake.sign_up import queries
from gatehouse_intake.tables import DB

API = "/api/intake"
NAMES = ["Nguyễn Thị Ánh", "Siobhán O'Neil", "Zoë 🌱 Brontë", "ליאור כהן", "محمد"]


async def test_a_stranger_becomes_a_person_with_an_invitation(desk):
    answer = await desk.signs_up(
        "Ada+Join@Bücher.example ", "  Ada  Lovelace ", time_zone="Europe/London", goal="Maths"
    )
    assert (answer.status_code, answer.json()) == (202, {"received": True})
    await desk.works()
    (found,) = await desk.of("ada+join@xn--bcher-kva.example")
    assert (found["state"], found["name"], found["problem"]) == ("invited", "Ada Lovelace", None)
    assert found["person_id"] == str(desk.person_of(found["email"]))
    assert desk.asked() == (1, 1)
    await desk.hears("mail_sent", person_id=found["person_id"], kind="intro_reminder", about_id=None)
    assert await desk.states_of(found["email"]) == ["invited"]
    await desk.hears("mail_sent", person_id=found["person_id"], kind="welcome", about_id=found["invitation_id"])
    assert await desk.states_of(found["email"]) == ["welcomed"]
    await desk.hears("mentoring_started", member_id=found["person_id"], mentor_id=UUID(int=1))
    assert await desk.states_of(found["email"]) == ["matched"]


@pytest.mark.parametrize("number", range(len(NAMES)))
async def test_any_name_goes_through(desk, number):
    address = f"name{number}@example.org"
    assert (await desk.signs_up(address, NAMES[number])).status_code == 202
    await desk.works()
    assert [(one["state"], one["name"]) for one in await desk.of(address)] == [("invited", NAMES[number])]


async def test_fifty_at_once_of_the_same_form_are_one_sign_up(desk):
    form = desk.form()

    async def one() -> int:
        """Sent until it is taken: a service that has more to do than it can says so (503)."""
        while (answer := await desk.signs_up("fifty@example.org", form=form)).status_code == 503:
            pass
        return answer.status_code

    assert set(await asyncio.gather(*(one() for _ in range(50)))) == {202}
    await desk.works()
    assert await desk.states_of("fifty@example.org") == ["invited"]
    assert desk.asked() == (1, 1)


async def test_two_forms_of_one_address_are_one_person_and_one_duplicate(desk):
    for address in ("Twice@example.org", "twice@EXAMPLE.org"):
        await desk.signs_up(address)
    await desk.works()
    assert sorted(await desk.states_of("twice@example.org")) == ["duplicate", "invited"]
    assert desk.asked() == (2, 1)


async def test_the_answer_does_not_tell_who_is_known(desk):
    desk.statuses["known@example.org"] = "active"
    answers = [await desk.signs_up(address) for address in ("known@example.org", "unknown@example.org")]
    assert answers[0].content == answers[1].content
    assert {one.headers["content-length"] for one in answers} == {answers[0].headers["content-length"]}
    await desk.works()
    assert await desk.states_of("known@example.org") == ["duplicate"]


class Killed(BaseException):
    """As a process that dies: nothing after it runs."""


@pytest.mark.parametrize("boundary", ["person answered", "person kept", "identity answered", "invitation kept"])
async def test_wherever_it_is_interrupted_it_goes_on(desk, boundary, monkeypatch):
    address = f"{boundary.replace(' ', '-')}@example.org"
    name = "take_person" if "person" in boundary else "take_invitation"
    real = getattr(queries, name)

    async def dies(*values):
        if boundary.endswith("kept"):
            await real(*values)
        raise Killed

    await desk.signs_up(address)
    monkeypatch.setattr(queries, name, dies)
    with pytest.raises(Killed):
        await desk.works()
    monkeypatch.undo()
    await DB.execute("update intake.job set lease = null, leased_until = null, due_at = now() where key <> ''")
    await desk.works()
    assert await desk.states_of(address) == ["invited"]


async def test_a_service_that_is_away_is_asked_again_and_seen_meanwhile(desk):
    desk.people.answers["POST", "/api/person/people/of-sign-ups"] = (503, {"status": 503})
    await desk.signs_up("later@example.org")
    await desk.works()
    (found,) = await desk.of("later@example.org")
    assert (found["state"], found["tries"]) == ("received", 1)
    assert "tried again by itself" in found["problem"]
    desk.reset()
    assert (await desk.decides(found, "retry")).status_code == 200
    await desk.works()
    assert [(one["state"], one["problem"], one["tries"]) for one in await desk.of("later@example.org")] == [
        ("invited", None, 0)
    ]


async def test_a_welcome_mail_that_came_back_is_a_coordinators_to_settle(desk):
    await desk.signs_up("bounced@example.org")
    await desk.works()
    (found,) = await desk.of("bounced@example.org")
    ids = {"person_id": found["person_id"], "kind": "welcome", "about_id": found["invitation_id"]}
    await desk.hears("mail_sent", **ids)
    await desk.hears("mail_bounced", **(ids | {"kind": "intro_reminder"}))
    (found,) = await desk.of("bounced@example.org")
    assert found["problem"] is None
    await desk.hears("mail_bounced", **ids)
    (found,) = await desk.of("bounced@example.org")
    assert (found["state"], "came back" in found["problem"]) == ("welcomed", True)
    assert (await desk.decides(found, "retry")).json()["problem"] is None
    assert await desk.states_of("bounced@example.org") == ["welcomed"]


async def test_who_left_is_opened_again_by_a_coordinator(desk):
    desk.statuses["back@example.org"] = "timed_out"
    await desk.signs_up("back@example.org")
    await desk.works()
    (found,) = await desk.of("back@example.org")
    assert (found["state"], desk.asked()) == ("returning", (1, 0))
    desk.statuses["back@example.org"] = "pending"
    assert (await desk.decides(found, "retry")).status_code == 200
    await desk.works()
    assert await desk.states_of("back@example.org") == ["invited"]


async def test_who_times_out_leaves_the_way_and_the_late_mail_changes_nothing(desk):
    await desk.signs_up("slow@example.org")
    await desk.works()
    (found,) = await desk.of("slow@example.org")
    await desk.hears("status_changed", about=UUID(found["person_id"]), status="onboarding")
    await desk.hears("status_changed", about=UUID(found["person_id"]), status="timed_out")
    await desk.hears("mail_sent", person_id=found["person_id"], kind="welcome", about_id=found["invitation_id"])
    assert await desk.states_of("slow@example.org") == ["timed_out"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"website": "https://spam.example"}, "website"),
        ({"email": "nobody"}, "email"),
        ({"name": "\t"}, "name"),
        ({"form": "made up"}, "form"),
        ({"extra": 1}, "extra"),
    ],
)
async def test_what_programs_send_is_refused(desk, changes, field):
    body = {"form": desk.form(), "name": "Ada", "email": "bot@example.org"} | changes
    answer = await desk.service.post(f"{API}/sign-ups", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    quick = await desk.signs_up("bot@example.org", form=desk.form(opened_before=0))
    assert (quick.status_code, "too quickly" in quick.text) == (400, True)
    await desk.works()
    assert (await desk.of("bot@example.org"), desk.asked()) == ([], (0, 0))


async def test_one_address_sends_ten_at_once(desk):
    sender = {"X-Forwarded-For": "203.0.113.7"}
    body = {"form": desk.form(), "name": "Ada", "email": "many@example.org", "website": "x"}
    answers = [await desk.service.post(f"{API}/sign-ups", json=body, headers=sender) for _ in range(12)]
    assert [one.status_code for one in answers] == [400] * 10 + [429] * 2


async def test_only_coordinators_see_and_decide(desk):
    await desk.signs_up("seen@example.org")
    (found,) = await desk.of("seen@example.org")
    headers = desk.service.by("member", if_match='"1"')
    assert (await desk.service.get(f"{API}/sign-ups", headers=headers)).status_code == 404
    for what in ("retry", "reject"):
        assert (await desk.service.post(f"{API}/sign-ups/{found['id']}/{what}", headers=headers)).status_code == 403
    assert (await desk.decides(found, "reject")).json()["state"] == "rejected"
    await desk.works()
    assert desk.asked() == (0, 0)
    (found,) = await desk.of("seen@example.org")
    assert (await desk.decides(found, "retry")).status_code == 409
