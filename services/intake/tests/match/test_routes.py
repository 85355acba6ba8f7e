"""A coordinator introduces two: person hears of it once, whoever asks again and however many at once."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from gatehouse_chassis.events import service_token
from gatehouse_intake.tables import DB

API = "/api/intake"


class Institute:
    """A mentor with a place left, and members who wait, as person would answer."""

    def __init__(self, desk: Any, waiting: int = 2) -> None:
        self.desk, self.mentor = desk, uuid4()
        self.members = [uuid4() for _ in range(waiting)]
        self.mentored: set[UUID] = set()
        answers = desk.people.answers
        answers["GET", f"/api/person/people/{self.mentor}"] = (200, self.person(self.mentor, "active"))
        answers["GET", "/api/person/people"] = lambda *_: (200, {"items": self.waiting()})
        answers["GET", "/api/person/mentor-assignments"] = lambda *_: (200, {"items": [], "total": len(self.mentored)})
        answers["POST", "/api/person/mentor-assignments"] = self.assign
        for one in self.members:
            answers["GET", f"/api/person/people/{one}"] = (200, self.person(one, "matching"))
            answers["POST", f"/api/person/people/{one}/status"] = (200, {})

    def person(self, id: UUID, status: str) -> dict[str, Any]:
        return {
            "id": str(id),
            "version": 3,
            "name": "Zoë 🌱 O'Neil",
            "status": status,
            "status_changed_at": "2026-11-01T10:00:00Z",
            "mastery": "master" if id == self.mentor else "candidate",
            "specialty": "api",
            "time_zone": "Europe/Oslo",
        }

    def waiting(self) -> list[dict[str, Any]]:
        return [self.person(one, "matching") for one in self.members if one not in self.mentored]

    def assign(self, *_: Any) -> tuple[int, Any]:
        body = self.desk.people.requests[-1][3]
        member = next(one for one in self.members if str(one).encode() in body)
        self.mentored.add(member)
        return 201, {"id": str(uuid4()), "mentor_id": str(self.mentor), "member_id": str(member)}

    async def takes(self, members: int, **more: Any) -> Any:
        body = {"members_max": members, **more}
        headers = self.desk.own("mentor", self.mentor)
        return await self.desk.service.put(f"{API}/mentors/{self.mentor}", json=body, headers=headers)

    async def introduces(self, member: UUID, by: str = "coordinator") -> Any:
        body = {"mentor_id": str(self.mentor), "member_id": str(member)}
        return await self.desk.service.post(f"{API}/matches", json=body, headers=self.desk.service.by(by))

    def assigned(self) -> int:
        asked = [path for method, path, *_ in self.desk.people.requests if method == "POST"]
        return asked.count("/api/person/mentor-assignments")


async def test_one_request_introduces_two_and_the_same_again_changes_nothing(desk):
    at = Institute(desk)
    suggest = f"{API}/mentors/{at.mentor}/suggestions"
    by = desk.service.by("coordinator")
    assert "how many members" in (await desk.service.get(suggest, headers=by)).json()["refusal"]
    assert (await at.takes(1)).status_code == 200
    found = (await desk.service.get(suggest, headers=by)).json()
    assert (found["left"], len(found["items"])) == (1, 2)
    assert (await desk.service.get(suggest, headers=desk.service.by("candidate"))).status_code == 404
    assert (await at.introduces(at.members[0], by="member")).status_code == 403
    first, again = await at.introduces(at.members[0]), await at.introduces(at.members[0])
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (first.json()["state"], at.assigned()) == ("introduced", 1)
    assert [one["kind"] for one in first.json()["reasons"]] == [one["kind"] for one in found["items"][0]["reasons"]]
    full = await at.introduces(at.members[1])
    assert (full.status_code, "1 of the 1" in full.json()["detail"]) == (409, True)
    token = service_token.sign(desk.key, by="communication", to="intake")
    address = f"{API}/matches/times/{at.members[0]}/{at.mentor}"
    times = await desk.service.get(address, headers={"Authorization": f"Bearer {token}"})
    assert times.json()["times"] == first.json()["times"] != []
    assert (await desk.service.get(address, headers=by)).status_code == 401


async def test_of_many_at_once_no_more_are_introduced_than_the_mentor_takes(desk):
    at = Institute(desk, waiting=5)
    await at.takes(2)
    answers = await asyncio.gather(*(at.introduces(one) for one in at.members))
    assert len(at.mentored) == sum(one.status_code == 201 for one in answers) <= 2
    assert {one.status_code for one in answers} <= {201, 409}


async def test_who_has_a_mentor_or_mentors_nobody_isnt_offered(desk):
    at = Institute(desk)
    await at.takes(2)
    suggest = f"{API}/mentors/{at.mentor}/suggestions"
    by, answers = desk.service.by("coordinator"), desk.people.answers
    pair = {"id": str(uuid4()), "mentor_id": str(uuid4()), "member_id": str(at.members[0])}
    answers["GET", "/api/person/mentor-assignments"] = (200, {"items": [pair], "total": 0})
    found = (await desk.service.get(suggest, headers=by)).json()["items"]
    assert [one["member_id"] for one in found] == [str(at.members[1])]
    assert "has a mentor" in (await at.introduces(at.members[0])).json()["detail"]
    answers["GET", f"/api/person/people/{at.mentor}"] = (200, at.person(at.mentor, "hold"))
    assert "don’t take part" in (await desk.service.get(suggest, headers=by)).json()["refusal"]
    assert at.assigned() == 0


async def test_what_person_refuses_comes_to_nothing_and_can_be_tried_again(desk):
    at = Institute(desk)
    await at.takes(2)
    desk.people.answers["POST", "/api/person/mentor-assignments"] = (
        409,
        {"type": "about:blank", "title": "Conflict", "status": 409, "detail": "has a mentor"},
    )
    refused = await at.introduces(at.members[0])
    assert (refused.status_code, refused.json()["detail"]) == (409, "has a mentor")
    desk.people.answers["POST", "/api/person/mentor-assignments"] = at.assign
    assert (await at.introduces(at.members[0])).status_code == 201


@pytest.mark.parametrize("contact", ["a meeting", "their word", "the end"])
async def test_who_isnt_in_touch_within_5_days_is_a_coordinators_task_once(desk, contact):
    at = Institute(desk)
    await at.takes(2)
    match = (await at.introduces(at.members[0])).json()
    jobs, by = desk.service.app.state.jobs, desk.service.by("coordinator")
    began = await DB.now()

    async def silent() -> list[Any]:
        params = {"silent": "true", "mentor": str(at.mentor)}
        return (await desk.service.get(f"{API}/matches", params=params, headers=by)).json()["items"]

    try:
        for days, tasks in ((4.9, 0), (5.1, 1), (6, 1)):
            jobs.clock = lambda days=days: began + timedelta(days=days)
            await jobs.run_now("watch_matches")
            await desk.works()
            assert len(await silent()) == tasks
    finally:
        jobs.clock = lambda: None
    noted = (await silent())[0]
    ids = {"member_id": at.members[0], "mentor_id": at.mentor}
    if contact == "a meeting":
        await desk.hears("met", **ids)
    elif contact == "the end":
        await desk.hears("mentoring_ended", **ids)
    else:
        address, version = f"{API}/matches/{match['id']}/started", f'"{noted["version"]}"'
        stranger = desk.own("mentor", uuid4(), if_match=version)
        assert (await desk.service.post(address, headers=stranger)).status_code == 404
        own = desk.own("mentor", at.mentor, if_match=version)
        assert (await desk.service.post(address, headers=own)).json()["state"] == "started"
    assert await silent() == []
    published = "select count(*) from intake.event where subject_id = $1 and type = 'intake.match.started'"
    assert await DB.fetchval(published, match["id"]) == (0 if contact == "the end" else 1)
