"""A click is a use, the first one a start; what was said about a completion; what was stopped."""

import asyncio
import random
from typing import Any
from uuid import uuid4

import pytest

from gatehouse_chassis.testing import InProcessClient
from gatehouse_curriculum.tables import DB

from ..conftest import BASE, NOAH, Headers, resource_id

COUNTS = DB.prepare_sql("select count(*)::integer from use where assignment_id = $1")
EVENTS = DB.prepare_sql(
    "select count(*)::integer from event where type = 'curriculum.assignment.' || $2 and subject_id = $1"
)


class Plan:
    """Noah's curriculum, as he uses it."""

    def __init__(self, service: InProcessClient, noah: Headers) -> None:
        self.service, self.noah, self.address = service, noah, f"{BASE}/{NOAH}"

    async def read(self) -> dict[str, Any]:
        return (await self.service.get(self.address, headers=self.noah)).json()

    async def send(self, command: str, body: Any = None) -> Any:
        headers = {**self.noah, "If-Match": f'"{(await self.read())["version"]}"'}
        return await self.service.post(f"{self.address}/{command}", json=body, headers=headers)

    async def assigned(self, number: int) -> str:
        answer = await self.send("assign", {"resource_id": resource_id(number)})
        assert answer.status_code == 200, answer.text
        return answer.json()["assigned"][0]

    async def click(self, assignment: str, **body: Any) -> Any:
        return await self.service.post(f"{self.address}/assignments/{assignment}/uses", json=body, headers=self.noah)

    async def one(self, id: str) -> dict[str, Any]:
        seen = await self.read()
        return next(one for state in ("now", "next", "later", "completed") for one in seen[state] if one["id"] == id)


@pytest.fixture(scope="module")
def plan(curriculum: InProcessClient, noah: Headers) -> Plan:
    return Plan(curriculum, noah)


@pytest.mark.parametrize(("number", "clicks"), [(600, 100), pytest.param(601, 1_000, marks=pytest.mark.deep)])
async def test_many_clicks_at_once_are_one_start_and_as_many_uses(plan: Plan, number: int, clicks: int) -> None:
    """All at once. The service tells those that are too many to come again (503), and a page sends them again."""
    id = await plan.assigned(number)

    async def click() -> Any:
        use, longest = str(uuid4()), 0.1
        while (answer := await plan.click(id, id=use)).status_code == 503:
            await asyncio.sleep(random.uniform(0, longest))
            longest = min(2 * longest, 2)
        return answer

    answers = await asyncio.gather(*(click() for _ in range(clicks)))
    assert {answer.status_code for answer in answers} == {201}
    assert sum(answer.json()["started"] for answer in answers) == 1
    one = await plan.one(id)
    assert (one["use_count"], one["state"], one["started_at"] is not None) == (clicks, "later", True)
    assert await COUNTS.value(id) == await EVENTS.value(id, "used") == clicks
    assert await EVENTS.value(id, "started") == 1


async def test_a_click_that_is_sent_again_counts_once_and_never_in_the_future(plan: Plan) -> None:
    id, click = await plan.assigned(602), str(uuid4())
    first = await plan.click(id, id=click, used_at="2199-01-01T00:00:00Z")
    again = await plan.click(id, id=click, used_at="2000-01-01T00:00:00Z")
    assert (first.json()["recorded"], again.json()["recorded"]) == (True, False)
    one = await plan.one(id)
    assert one["use_count"] == 1
    assert one["assigned_at"] <= one["started_at"] <= one["last_used_at"] < "2199"
    await plan.send(f"assignments/{id}/unstart")
    third = await plan.click(id, id=click)
    assert (third.json()["recorded"], third.json()["started"]) == (False, False)
    assert (await plan.one(id))["started_at"] is None


async def test_only_the_members_own_clicks_count(plan: Plan, mara: Headers, coordinator: Headers) -> None:
    id = await plan.assigned(603)
    address = f"{plan.address}/assignments/{id}"
    for other in (mara, coordinator):
        assert (await plan.service.post(f"{address}/uses", json={}, headers=other)).status_code == 403
        target = await plan.service.get(f"{address}/target", headers=other)
        assert target.json()["resource_id"] == resource_id(603)
    assert (await plan.one(id))["started_at"] is None


async def test_what_was_taken_out_starts_nothing(plan: Plan) -> None:
    id = await plan.assigned(604)
    await plan.send(f"assignments/{id}/unassign")
    refused = await plan.click(id)
    assert (refused.status_code, "taken out" in refused.json()["detail"]) == (409, True)
    assert (await plan.click(str(uuid4()))).status_code == 404
    assert await COUNTS.value(id) == 0


async def test_how_long_it_took_is_said_afterwards_and_survives_an_undo(plan: Plan) -> None:
    id = await plan.assigned(605)
    assert (await plan.send(f"assignments/{id}/minutes", {"minutes": 40})).status_code == 409
    await plan.send(f"assignments/{id}/complete")
    assert (await plan.one(id))["minutes"] is None  # unknown isn't none
    for wrong in (0, -5, 6_001, "a while"):
        assert (await plan.send(f"assignments/{id}/minutes", {"minutes": wrong})).status_code == 400
    await plan.send(f"assignments/{id}/minutes", {"minutes": 40})
    await plan.send(f"assignments/{id}/reopen")
    await plan.send(f"assignments/{id}/complete")
    assert (await plan.one(id))["minutes"] == 40
    await plan.send(f"assignments/{id}/minutes", {"minutes": None})
    assert (await plan.one(id))["minutes"] is None


async def test_a_member_stops_what_their_mentor_added_and_takes_that_back(plan: Plan, mara: Headers) -> None:
    headers = {**mara, "If-Match": f'"{(await plan.read())["version"]}"'}
    body = {"resource_id": resource_id(606), "state": "next"}
    given = await plan.service.post(f"{plan.address}/assign", json=body, headers=headers)
    id = given.json()["assigned"][0]
    await plan.click(id)
    stopped = await plan.send(f"assignments/{id}/stop")
    assert (stopped.status_code, id in {one["id"] for one in stopped.json()["next"]}) == (200, False)
    assert await EVENTS.value(id, "stopped") == 1
    assert (await plan.click(id)).status_code == 409
    back = await plan.send(f"assignments/{id}/restore")
    assert (back.status_code, back.json()["next"][-1]["id"]) == (200, id)
    one = await plan.one(id)
    assert (one["stopped_at"], one["started_at"] is not None) == (None, True)
