"""Forecasts over HTTP: what is said of a list, to whom, what changes it, and what came of it."""

import math
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from gatehouse_chassis.testing import InProcessClient, Peer
from gatehouse_curriculum.forecast.fitting import settle
from gatehouse_curriculum.tables import DB

from ..conftest import BASE, NOAH, Headers, resource_id

FIRST, MANY = 610, 12
# By hand: times as a service client would bring them, of people who are nobody else's test.
IMPORT = DB.prepare_sql(
    "with made as (insert into curriculum (id, person_id) values ($1, $2) returning id) "
    "insert into assignment (id, curriculum_id, resource_id, state, position, completed_at, minutes) "
    "select gen_random_uuid(), made.id, given.resource_id, 'completed', given.number, now(), given.minutes "
    "from made, unnest($3::uuid[], $4::integer[]) with ordinality as given(resource_id, minutes, number)"
)
ENDED = DB.prepare_sql(
    "update period set committed_at = now() - interval '9 days', ends_at = now() - interval '2 days' where id = $1"
)


@pytest.fixture(scope="module")
async def learned(curriculum: InProcessClient, topics: Peer) -> None:
    """Eight people took 40 minutes for each of twelve resources, give or take; the night's fit has run."""
    lengths = [{"id": resource_id(number), "kind": "article"} for number in range(1, 726)]
    topics.answers["GET", "/api/topics/lengths"] = (200, lengths)
    ids = [resource_id(FIRST + number) for number in range(MANY)]
    for person in range(8):
        minutes = [round(40 * math.exp(0.2 * math.sin(7 * person + 3 * number))) for number in range(MANY)]
        await IMPORT.execute(uuid4(), uuid4(), ids, minutes)
    await night(curriculum)


async def night(service: InProcessClient) -> None:
    jobs = service.app.state.jobs
    await jobs.run_now("fit_forecasts")
    assert await jobs.run_due() == 1
    assert not any(state.failures for state in await jobs.states())


class Member:
    """A new member's plan."""

    def __init__(self, service: InProcessClient, address: str, coordinator: Headers, own: Headers) -> None:
        self.service, self.address, self.coordinator, self.own = service, address, coordinator, own

    async def send(self, command: str, body: Any = None, method: str = "POST") -> dict[str, Any]:
        version = (await self.service.get(self.address, headers=self.coordinator)).json()["version"]
        headers = {**self.coordinator, "If-Match": f'"{version}"'}
        answer = await self.service.request(method, f"{self.address}/{command}", json=body, headers=headers)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def has(self, *numbers: int) -> list[str]:
        return [(await self.send("assign", {"resource_id": resource_id(one)}))["assigned"][0] for one in numbers]

    async def asks(self, **body: Any) -> dict[str, Any]:
        answer = await self.service.post(f"{self.address}/forecast", json=body, headers=self.own)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def member(curriculum: InProcessClient, coordinator: Headers, empty: Callable[[], Any], learned: None) -> Member:
    address = await empty()
    own = curriculum.tokens.headers("member", person=address.rpartition("/")[2], account=str(uuid4()))
    return Member(curriculum, address, coordinator, own)


async def test_a_list_is_said_to_be_too_much_before_it_is_committed(member: Member) -> None:
    ids = await member.has(*range(FIRST, FIRST + MANY))
    await member.send("commitment", {"minutes_per_week": 360, "meets_every_days": 7}, "PUT")
    few, all_of_it = await member.asks(assignment_ids=ids[:3]), await member.asks(assignment_ids=ids)
    assert few["budget_minutes"] == all_of_it["budget_minutes"] == 360
    assert few["over"] < 0.05
    assert all_of_it["over"] > 0.5
    assert 150 < all_of_it["low_minutes"] < all_of_it["middle_minutes"] < all_of_it["high_minutes"] < 1_000
    item = all_of_it["items"][0]
    assert (item["times"], 20 < item["typical_minutes"] < 70) == (8, True)
    assert not all_of_it["little_known"]


async def test_little_is_known_of_new_people_and_new_resources(member: Member) -> None:
    new = await member.asks(resource_ids=[resource_id(700 + number) for number in range(3)])
    assert new["little_known"]
    assert new["high_minutes"] > 3 * new["low_minutes"]
    assert (await member.asks())["over"] == 0


async def test_a_time_that_was_just_said_counts_and_may_be_contested(member: Member) -> None:
    """Not only after the night: the next forecast knows it."""
    ids = await member.has(*range(FIRST, FIRST + 6))
    before = await member.asks(assignment_ids=ids[4:])
    for id in ids[:4]:
        await member.send(f"assignments/{id}/complete")
        await member.send(f"assignments/{id}/minutes", {"minutes": 160})
    slow = await member.asks(assignment_ids=ids[4:])
    assert slow["middle_minutes"] > 1.5 * before["middle_minutes"]
    assert (slow["pace_times"], slow["pace"] > 1.7) == (4, True)
    for id in ids[:4]:
        where = f"{member.address}/assignments/{id}/typical"
        assert (await member.service.put(where, json={"typical": False}, headers=member.coordinator)).status_code == 403
        answer = await member.service.put(where, json={"typical": False}, headers=member.own)
        assert answer.status_code == 200, answer.text
    assert answer.json()["pace"] == pytest.approx(1)
    assert all(time["not_typical_at"] for time in answer.json()["times"])
    again = await member.service.put(where, json={"typical": True}, headers=member.own)
    assert again.json()["pace"] > 1.2
    assert [time["minutes"] for time in again.json()["times"]] == [160] * 4


async def test_a_session_left_open_for_14_hours_counts_90_minutes(member: Member) -> None:
    [id] = await member.has(FIRST)
    use = str(uuid4())
    where = f"{member.address}/assignments/{id}/uses"
    await member.service.post(where, json={"id": use}, headers=member.own)
    await DB.prepare_sql("update use set used_at = now() - interval '14 hours' where id = $1").execute(use)
    for _ in range(2):
        assert (await member.service.post(f"{where}/{use}/end", json={}, headers=member.own)).status_code == 204
    assert (await member.service.post(f"{where}/{uuid4()}/end", json={}, headers=member.own)).status_code == 404
    said = await member.asks(assignment_ids=[id])
    assert said["items"][0]["spent_minutes"] == 90
    await member.send(f"assignments/{id}/complete")
    assert (await member.asks(assignment_ids=[id]))["items"] == []  # nothing is left of it
    pace = (await member.service.get(f"{member.address}/pace", headers=member.own)).json()
    assert [(time["minutes"], time["stated"]) for time in pace["times"]] == [(90, False)]


async def test_only_the_member_and_their_mentor_see_it(
    curriculum: InProcessClient, noah: Headers, mara: Headers, coordinator: Headers, learned: None
) -> None:
    for headers, forecast, pace in ((noah, 200, 200), (mara, 200, 200), (coordinator, 403, 404)):
        asked = await curriculum.post(f"{BASE}/{NOAH}/forecast", json={}, headers=headers)
        seen = await curriculum.get(f"{BASE}/{NOAH}/pace", headers=headers)
        assert (asked.status_code, seen.status_code) == (forecast, pace)
    stranger = curriculum.tokens.headers("member", person=str(uuid4()), account=str(uuid4()))
    assert (await curriculum.post(f"{BASE}/{NOAH}/forecast", json={}, headers=stranger)).status_code == 404
    body = {"assignment_ids": [str(uuid4())]}
    assert (await curriculum.post(f"{BASE}/{NOAH}/forecast", json=body, headers=noah)).status_code == 404


async def test_what_was_said_is_compared_with_what_came(member: Member) -> None:
    ids = await member.has(FIRST, FIRST + 1)
    before = (await member.service.get("/api/curriculum/forecasts/calibration", headers=member.own)).json()
    committed = await member.send("periods", {"assignment_ids": ids})
    for id in ids:
        await member.send(f"assignments/{id}/complete")
        await member.send(f"assignments/{id}/minutes", {"minutes": 400})
    await ENDED.execute(committed["period_id"])
    await settle(await DB.now())
    after = (await member.service.get("/api/curriculum/forecasts/calibration", headers=member.own)).json()
    assert (after["made"], after["settled"]) == (before["made"] + 1, before["settled"] + 1)
    row = await DB.fetchrow(
        "select over, took_minutes, least_minutes from forecast_log where period_id = $1", committed["period_id"]
    )
    assert row is not None
    assert (row["took_minutes"], row["least_minutes"]) == (800, 800)
    assert row["over"] < 100
    assert after["times"] >= 8 * MANY
