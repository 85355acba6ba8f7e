"""Who schedules no introduction: marked for a reminder on day 7, timed out on day 14, on a clock that the test sets."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from gatehouse_chassis.testing import person_id
from gatehouse_person.tables import DB

PEOPLE = "/api/person/people"
NAMES = count()


class Newcomers:
    """Adds people and looks at them as a coordinator does; moves the jobs' clock."""

    def __init__(self, person, by) -> None:
        self.person = person
        self.by = by
        self.jobs = person.app.state.jobs
        self.began = datetime.now(UTC)

    async def add(self) -> str:
        number = next(NAMES)
        body = {"name": f"Newcomer {number}", "email": f"newcomer-{number}@example.org"}
        answer = await self.person.post(PEOPLE, headers=self.by("coordinator"), json=body)
        return answer.json()["id"]

    async def see(self, id: str) -> dict:
        return (await self.person.get(f"{PEOPLE}/{id}", headers=self.by("coordinator"))).json()

    async def on_day(self, day: float) -> None:
        """Jobs run as on that day after the test began; the days before, they didn't."""
        self.jobs.clock = lambda: self.began + timedelta(days=day, minutes=1)
        for name in ("mark_intro_reminders", "time_out"):
            await self.jobs.run_now(name)
        await self.jobs.run_due()

    async def change(self, id: str, **fields) -> dict:
        headers = self.by("coordinator", if_match=f'"{(await self.see(id))["version"]}"')
        return (await self.person.patch(f"{PEOPLE}/{id}", headers=headers, json=fields)).json()


@pytest.fixture
def newcomers(person, by):
    yield Newcomers(person, by)
    person.app.state.jobs.clock = lambda: None


async def test_a_newcomer_is_marked_on_day_7_and_timed_out_on_day_14(newcomers):
    id = await newcomers.add()
    await newcomers.on_day(6.9)
    assert (await newcomers.see(id))["intro_reminder_at"] is None
    await newcomers.on_day(7)
    marked = await newcomers.see(id)
    assert marked["intro_reminder_at"] is not None
    assert marked["status"] == "pending"
    await newcomers.on_day(8)
    assert (await newcomers.see(id)) == marked, "once"
    told = "select count(*) from person.event where type = 'person.introduction.awaited' and subject_id = $1"
    assert await DB.fetchval(told, id) == 1
    await newcomers.on_day(13.9)
    assert (await newcomers.see(id))["status"] == "pending"
    await newcomers.on_day(14)
    gone = await newcomers.see(id)
    assert (gone["status"], gone["intro_reminder_at"], gone["changed_by"]) == ("timed_out", None, None)
    assert gone["status_reason"] == "Scheduled no introduction within 14 days"
    request = await DB.fetchval("select changed_request from person.person where id = $1", id)
    assert request.startswith("job-time_out-"), "the row says which run it was"
    await newcomers.on_day(30)
    assert (await newcomers.see(id)) == gone


async def test_who_schedules_an_introduction_is_neither_reminded_nor_timed_out(newcomers):
    id = await newcomers.add()
    await newcomers.on_day(7)
    await newcomers.on_day(13 + (23 * 60 + 58) / 1440)  # and a minute
    changed = await newcomers.change(id, intro_scheduled_for="2027-01-01T09:00:00Z")
    assert changed["intro_reminder_at"] is None
    await newcomers.on_day(40)
    assert (await newcomers.see(id)) == changed
    await newcomers.change(id, intro_scheduled_for=None)
    await newcomers.on_day(40)
    assert (await newcomers.see(id))["status"] == "timed_out", "it was called off, and the time is over"


async def test_jobs_that_did_not_run_for_weeks_do_everything_at_once(newcomers):
    late, onboarding = await newcomers.add(), await newcomers.add()
    headers = newcomers.by("coordinator", if_match='"1"')
    await newcomers.person.post(f"{PEOPLE}/{onboarding}/status", headers=headers, json={"status": "onboarding"})
    await newcomers.on_day(60)
    assert [(await newcomers.see(id))["status"] for id in (late, onboarding)] == ["timed_out", "timed_out"]


async def test_nobody_else_is_touched(newcomers):
    others = "select jsonb_object_agg(id, version) from person.person where status not in ('pending', 'onboarding')"
    before = await DB.fetchval(others)
    await newcomers.on_day(90)
    after = await DB.fetchval(others)
    assert before.items() <= after.items()
    assert (await newcomers.see(str(person_id(17))))["status"] == "onboarding", "their introduction is scheduled"
