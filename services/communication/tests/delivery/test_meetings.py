"""Mails about meetings: to both the day before, to the member when there is a summary, and nothing of what was said."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from gatehouse_communication.tables import DB

NAMES = ("Nguyễn Thị O'Neil 🌱", "ליאור כהן")


class Meeting:
    """A member and a mentor, and what encounter says of their meeting."""

    def __init__(self, office: Any, **ahead: float) -> None:
        self.office, self.id = office, uuid4()
        zone = {"time_zone": "Asia/Kathmandu"}
        self.member = office.knows(uuid4(), NAMES[0], "thi+gate@xn--bcher-kva.example", **zone)
        self.mentor = office.knows(uuid4(), NAMES[1], "lior@example.org", **zone)
        self.is_at(**ahead)

    def is_at(self, state: str = "planned", /, **ahead: float) -> None:
        self.at = datetime.now(UTC) + timedelta(**ahead)
        body = {"id": str(self.id), "member_id": str(self.member), "mentor_id": str(self.mentor), "state": state}
        answer = (200, body | {"planned_from": self.at.isoformat()})
        self.office.encounters.answers["GET", f"/api/encounter/appointments/{self.id}"] = answer

    async def hears(self, what: str) -> None:
        await self.office.hears(what, about=self.id, member_id=self.member, mentor_id=self.mentor)

    async def passes(self, **time: float) -> None:
        """The meeting comes closer by so much."""
        await DB.execute(
            "update communication.delivery set created_at = created_at - $2::interval where about_id = $1",
            self.id,
            timedelta(**time),
        )
        left = self.at - datetime.now(UTC) - timedelta(**time)
        self.is_at(seconds=left.total_seconds())

    async def reminders(self) -> dict[UUID, str]:
        found = "select person_id, state from communication.delivery where about_id = $1 and kind = 'meeting_reminder'"
        return {row["person_id"]: row["state"] for row in await DB.fetch(found, self.id)}


async def due_at(meeting: Meeting) -> list[datetime]:
    found = (
        "select job.due_at from communication.job join communication.delivery on delivery.id::text = job.key "
        "where delivery.about_id = $1"
    )
    return [row[0] for row in await DB.fetch(found, meeting.id)]


async def test_both_are_reminded_once_the_day_before_by_their_own_clocks(office):
    meeting = Meeting(office, days=9)
    await meeting.hears("meeting_planned")
    await office.works()
    assert office.mailman.sent == []
    for due in await due_at(meeting):
        assert abs(due - (meeting.at - timedelta(hours=24))) < timedelta(minutes=1)
    await meeting.passes(days=8, hours=12)
    await office.retried()
    assert await meeting.reminders() == {meeting.member: "sent", meeting.mentor: "sent"}
    subjects = {one.person_id: str(one.message["Subject"]) for one in office.mailman.sent}
    wall = meeting.at.astimezone(UTC) + timedelta(hours=5, minutes=45)
    assert NAMES[0] in subjects[meeting.mentor]
    assert f"{wall:%H:%M} (Asia/Kathmandu)" in subjects[meeting.mentor], subjects
    assert "\u2068" in subjects[meeting.member], "a name from right to left has a direction of its own"
    await meeting.hears("meeting_planned")
    await office.retried()
    assert len(office.mailman.sent) == 2


@pytest.mark.parametrize(
    ("ahead", "becomes"),
    [({"hours": 20}, "planned"), ({"days": 3}, "void"), ({"days": 3}, "open")],
)
async def test_who_agreed_just_now_or_meets_no_more_is_not_reminded(office, ahead, becomes):
    meeting = Meeting(office, **ahead)
    await meeting.hears("meeting_planned")
    meeting.is_at(becomes, **ahead)
    await office.retried()
    assert set((await meeting.reminders()).values()) == {"skipped"}
    assert office.mailman.sent == []


async def test_a_meeting_that_moves_is_reminded_of_at_its_new_time(office):
    meeting = Meeting(office, days=3)
    await meeting.hears("meeting_planned")
    await office.works()
    meeting.is_at(days=12)
    await meeting.hears("meeting_planned")
    await office.works()
    assert [due.date() for due in await due_at(meeting)] == [(meeting.at - timedelta(days=1)).date()] * 2
    assert office.mailman.sent == []


async def test_the_member_hears_of_a_summary_and_of_nothing_that_it_says(office):
    meeting = Meeting(office, days=-1)
    await meeting.hears("meeting_finished")
    await office.works()
    (handover,) = office.mailman.sent
    text = handover.message.get_body(("plain",)).get_content()
    assert handover.person_id == meeting.member
    assert f"https://gate.example.org/encounters/{meeting.id}" in text
    assert NAMES[1] not in text


async def test_an_introduction_proposes_times_and_a_pulse_has_a_link(office):
    member, mentor = office.knows(uuid4(), time_zone="Europe/Oslo"), office.knows(uuid4(), time_zone="Europe/Oslo")
    at = {"times": ["2026-12-08T16:00:00Z"]}
    for one, other in ((member, mentor), (mentor, member)):
        office.intake.answers["GET", f"/api/intake/matches/times/{one}/{other}"] = (200, at)
    await office.hears("mentoring_started", member_id=member, mentor_id=mentor)
    capacity = uuid4()
    link = {"url": "https://gate.example.org/still-with-us/abc"}
    office.intake.answers["POST", f"/api/intake/mentors/{capacity}/link"] = (200, link)
    await office.hears("mentor_asked", about=capacity, person_id=mentor)
    office.knows(member, time_zone="Europe/Oslo", intro_scheduled_for="2026-12-01T09:30:00Z")
    await office.hears("introduction_scheduled", person_id=member)
    await office.works()
    texts = [one.message.get_body(("plain",)).get_content() for one in office.mailman.sent]
    assert sum("Tuesday 8 December, 17:00 (Europe/Oslo)" in text for text in texts) == 2
    assert sum(link["url"] in text for text in texts) == 1
    assert sum("Tuesday 1 December, 10:30 (Europe/Oslo)" in text for text in texts) == 1


async def test_news_that_nobody_looked_at_are_one_mail_a_week(office):
    member = office.knows(uuid4())
    for _ in range(3):
        await office.hears("introduction_scheduled", person_id=member)
    jobs = office.service.app.state.jobs
    for _ in range(2):
        await jobs.run_now("weekly_digest")
        await office.works()
    found = [one for one in office.mailman.sent if one.person_id == member]
    subjects = [str(one.message["Subject"]) for one in found]
    assert subjects == ["Ada, what happened this week: 3 things"]
