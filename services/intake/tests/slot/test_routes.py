"""Whoever is on the way in takes a time; it is in their calendar, and in nobody else's."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
from icalendar import Calendar

API = "/api/intake"


def next_days(*numbers: int) -> list[str]:
    day = datetime.now(UTC).replace(hour=16, minute=30, second=0, microsecond=0)
    return [(day + timedelta(days=number)).isoformat() for number in numbers]


def refusal(detail: str) -> dict[str, Any]:
    return {"type": "about:blank", "title": "Conflict", "status": 409, "detail": detail}


def told(desk: Any, person: UUID) -> list[Any]:
    path = f"/api/person/people/{person}/introduction"
    return [body for method, asked, _, body in desk.people.requests if (method, asked) == ("PUT", path)]


def awaits(desk: Any, person: UUID, answer: tuple[int, Any] = (200, {})) -> None:
    desk.people.answers["PUT", f"/api/person/people/{person}/introduction"] = answer


async def offers(desk: Any, *numbers: int) -> tuple[UUID, list[dict[str, Any]]]:
    host = uuid4()
    by = desk.own("coordinator", host)
    body = {"begins": next_days(*numbers), "minutes": 30}
    for added in (len(numbers), 0):
        assert (await desk.service.post(f"{API}/slots", json=body, headers=by)).json() == {"added": added}
    found = await desk.service.get(f"{API}/slots", params={"host": str(host)}, headers=by)
    return host, found.json()["items"]


async def takes(desk: Any, slot: dict[str, Any], person: UUID) -> Any:
    return await desk.service.post(f"{API}/slots/{slot['id']}/take", headers=desk.own("member", person))


async def test_a_time_is_taken_once_moved_and_cancelled(desk):
    await desk.signs_up("o'neil+talk@example.org", name="Zoë 🌱 O'Neil")
    await desk.works()
    (sign_up,) = await desk.of("o'neil+talk@example.org")
    person = UUID(sign_up["person_id"])
    awaits(desk, person)
    _, slots = await offers(desk, 2, 3)
    others = [uuid4() for _ in range(4)]
    for one in others:
        awaits(desk, one)
    assert (await takes(desk, slots[0], person)).status_code == 200
    assert (await takes(desk, slots[0], person)).status_code == 200, "the same again"
    assert {(await takes(desk, slots[0], one)).status_code for one in others} == {409}
    assert await desk.states_of(sign_up["email"]) == ["scheduled"]
    assert (await takes(desk, slots[1], person)).status_code == 200, "another, in its place"
    answers = await asyncio.gather(*(takes(desk, slots[0], one) for one in others))
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
    moved = (
        await desk.service.get(f"{API}/slots", params={"person": str(person)}, headers=desk.service.by("coordinator"))
    ).json()
    (mine,) = moved["items"]
    assert mine["id"] == slots[1]["id"]
    calendar = await desk.service.get(f"{API}/slots/{mine['id']}/calendar", headers=desk.own("member", person))
    (event,) = Calendar.from_ical(calendar.text).walk("VEVENT")
    assert event.decoded("DTSTART") == datetime.fromisoformat(mine["begins_at"])
    stranger = desk.own("member", uuid4())
    assert (await desk.service.get(f"{API}/slots/{mine['id']}/calendar", headers=stranger)).status_code == 404
    seen = (await desk.service.get(f"{API}/slots", headers=stranger)).json()["items"]
    assert {one["state"] for one in seen} == {"open"}
    by = desk.service.by("coordinator", if_match=f'"{mine["version"]}"')
    assert (await desk.service.post(f"{API}/slots/{mine['id']}/cancel", headers=by)).json()["state"] == "cancelled"
    assert await desk.states_of(sign_up["email"]) == ["welcomed"]
    assert len(told(desk, person)) == 4


async def test_who_comes_learns_who_holds_it_and_nobody_else_does(desk):
    host, slots = await offers(desk, 6)
    guest = uuid4()
    awaits(desk, guest)
    path = f"{API}/slots/{slots[0]['id']}/host"
    known = {"id": str(host), "name": "Ronja O'Neil 🌱", "email": "ronja@example.org"}
    desk.people.answers["GET", f"/api/person/contacts/{host}"] = (200, known)
    assert (await desk.service.get(path, headers=desk.own("member", guest))).status_code == 404, "not theirs yet"
    await takes(desk, slots[0], guest)
    seen = await desk.service.get(path, headers=desk.own("member", guest))
    assert (seen.status_code, seen.json()) == (200, {"name": "Ronja O'Neil 🌱"})
    assert (await desk.service.get(path, headers=desk.own("member", uuid4()))).status_code == 404
    desk.people.answers["GET", f"/api/person/contacts/{host}"] = (404, {"status": 404})
    assert (await desk.service.get(path, headers=desk.own("member", guest))).status_code == 404


async def test_who_timed_out_keeps_no_time(desk):
    _, slots = await offers(desk, 4)
    late = uuid4()
    awaits(desk, late, (409, refusal("This person is timed_out, and awaits no introduction.")))
    refused = await takes(desk, slots[0], late)
    assert (refused.status_code, "timed_out" in refused.text) == (409, True)
    other = uuid4()
    awaits(desk, other)
    assert (await takes(desk, slots[0], other)).status_code == 200, "it is free again"
    odd = await desk.service.post(f"{API}/slots", json={"begins": next_days(-1)}, headers=desk.own("coordinator", late))
    assert (odd.status_code, odd.json()["errors"][0]["field"]) == (400, "begins.0")


async def test_a_calendar_address_holds_until_it_is_renewed_or_revoked(desk):
    person = uuid4()
    awaits(desk, person)
    _, slots = await offers(desk, 5)
    await takes(desk, slots[0], person)
    meeting = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:a@gatehouse\r\nDTSTAMP:20261201T100000Z\r\n"
    )
    meeting += "DTSTART:20261201T160000Z\r\nSUMMARY:Mentoring\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    desk.encounters.answers["GET", f"/api/encounter/calendars/{person}"] = (200, msgspec.Raw(meeting.encode()))
    own = desk.own("member", person)
    assert (await desk.service.get(f"{API}/calendar-feed", headers=own)).status_code == 404

    async def renewed() -> str:
        answer = await desk.service.post(f"{API}/calendar-feed", headers=own)
        return answer.json()["url"].partition("/api/intake")[2]

    old, new = await renewed(), await renewed()
    assert (await desk.service.get(f"{API}{old}")).status_code == 404
    read = await desk.service.get(f"{API}{new}")
    assert read.headers["content-type"].startswith("text/calendar")
    found = Calendar.from_ical(read.text).walk("VEVENT")
    assert sorted(str(one["SUMMARY"]) for one in found) == ["Introduction at the Agile Learning Institute", "Mentoring"]
    assert (await desk.service.delete(f"{API}/calendar-feed", headers=own)).status_code == 204
    assert (await desk.service.get(f"{API}{new}")).status_code == 404
