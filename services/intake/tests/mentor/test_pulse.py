"""Mentors are asked once a month whether they are still with us. Two silences pause them, and say so once."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from gatehouse_chassis.events import service_token
from gatehouse_intake.tables import DB

API = "/api/intake"


async def published(capacity: dict[str, Any], kind: str) -> int:
    text = "select count(*) from intake.event where type = $1 and subject_id = $2"
    return await DB.fetchval(text, f"intake.mentor.{kind}", capacity["id"])


class Mentor:
    def __init__(self, desk: Any) -> None:
        self.desk, self.id = desk, uuid4()
        self.own = desk.own("mentor", self.id)

    async def says(self, **body: Any) -> dict[str, Any]:
        answer = await self.desk.service.put(f"{API}/mentors/{self.id}", json=body, headers=self.own)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def stands(self) -> dict[str, Any]:
        return (await self.desk.service.get(f"{API}/mentors/{self.id}", headers=self.own)).json()

    async def after(self, **time: float) -> dict[str, Any]:
        jobs = self.desk.service.app.state.jobs
        began = await DB.now()
        try:
            jobs.clock = lambda: began + timedelta(**time)
            for _ in range(2):  # the second run finds nothing to do
                await jobs.run_now("ask_mentors")
                await self.desk.works()
        finally:
            jobs.clock = lambda: None
        return await self.stands()

    async def link(self) -> Any:
        token = service_token.sign(self.desk.key, by="communication", to="intake")
        address = f"{API}/mentors/{(await self.stands())['id']}/link"
        return await self.desk.service.post(address, headers={"Authorization": f"Bearer {token}"})


async def test_two_silences_pause_a_mentor_and_a_coordinator_is_told_once(desk):
    mentor = Mentor(desk)
    await mentor.says(members_max=2, hours_month=8)
    assert (await mentor.after(days=29))["missed"] == 0
    first = await mentor.after(days=31)
    assert (first["missed"], await published(first, "asked")) == (0, 1)
    second = await mentor.after(days=62)
    assert (second["missed"], second["paused_at"], await published(first, "asked")) == (1, None, 2)
    third = await mentor.after(days=93)
    assert (third["pause"], await published(first, "paused"), await published(first, "asked")) == ("silent", 1, 2)
    await mentor.after(days=150)
    assert await published(first, "paused") == 1
    listed = {"pause": "silent", "seen": "false", "person": str(mentor.id)}
    by = desk.service.by("coordinator")
    assert len((await desk.service.get(f"{API}/mentors", params=listed, headers=by)).json()["items"]) == 1
    by = desk.service.by("coordinator", if_match=f'"{third["version"]}"')
    assert (await desk.service.post(f"{API}/mentors/{third['id']}/seen", headers=by)).status_code == 200
    by = desk.service.by("coordinator")
    assert (await desk.service.get(f"{API}/mentors", params=listed, headers=by)).json()["items"] == []
    assert (await mentor.link()).status_code == 409, "who is paused is asked nothing"
    back = await mentor.says(members_max=1)
    assert (back["pause"], back["missed"], back["members_max"]) == (None, 0, 1)


async def test_one_click_in_the_mail_answers_and_may_be_changed(desk):
    mentor = Mentor(desk)
    await mentor.says(members_max=1)
    await mentor.after(days=31)
    old = (await mentor.link()).json()["url"].rpartition("/")[2]
    new = (await mentor.link()).json()["url"].rpartition("/")[2]

    async def answers(token: str, members: int) -> int:
        body = {"token": token, "members_max": members}
        return (await desk.service.post(f"{API}/mentors/answers", json=body)).status_code

    assert [await answers(old, 3), await answers(new, 3), await answers(new, 0)] == [404, 200, 200]
    assert ((await mentor.stands())["members_max"], (await mentor.stands())["missed"]) == (0, 0)
    await mentor.says(members_max=7)
    assert await answers(new, 3) == 200
    assert (await mentor.stands())["members_max"] == 7, "3 or more"


async def test_of_others_only_coordinators_see_and_say_it(desk):
    mentor = Mentor(desk)
    await mentor.says(members_max=1)
    for role, status in (("member", 404), ("mentor", 404), ("coordinator", 200)):
        headers = desk.own(role, uuid4())
        assert (await desk.service.get(f"{API}/mentors/{mentor.id}", headers=headers)).status_code == status
        answer = await desk.service.put(f"{API}/mentors/{mentor.id}", json={"members_max": 2}, headers=headers)
        assert answer.status_code == status
    own = desk.own("member", mentor.id)
    answer = await desk.service.put(f"{API}/mentors/{mentor.id}", json={"members_max": 2}, headers=own)
    assert answer.status_code == 403
