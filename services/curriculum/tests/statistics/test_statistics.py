"""Statistics of a resource equal what its rows say, whatever happened before."""

import random
import statistics
from collections.abc import Callable
from typing import Any

from gatehouse_chassis.testing import InProcessClient

from ..conftest import Headers, resource_id

WHAT = f"/api/curriculum/resources/{resource_id(700)}/statistics"


async def test_they_equal_a_recount_after_any_commands(
    curriculum: InProcessClient, coordinator: Headers, empty: Callable[[], Any]
) -> None:
    chance, plans = random.Random(3), []
    before = (await curriculum.get(WHAT, headers=coordinator)).json()
    assert (before["completed"], before["median_minutes"]) == (0, None)
    for _ in range(6):
        address = await empty()
        headers = {**coordinator, "If-Match": '"1"'}
        body = {"resource_id": resource_id(700)}
        plans.append((await curriculum.post(f"{address}/assign", json=body, headers=headers)).json())
    done: dict[str, int | None] = {}
    said: dict[str, int | None] = {}
    stopped: set[str] = set()
    for _ in range(90):
        number = chance.randrange(len(plans))
        plan = plans[number]
        person, id = plan["person_id"], plan["assigned"][0]
        command = chance.choice(["complete", "complete", "minutes", "minutes", "reopen", "stop", "restore"])
        minutes = chance.choice([None, 5, 20, 45, 90, 400])
        answer = await curriculum.post(
            f"/api/curriculum/curricula/{person}/assignments/{id}/{command}",
            json={"minutes": minutes} if command == "minutes" else None,
            headers={**coordinator, "If-Match": f'"{plan["version"]}"'},
        )
        if answer.status_code != 200:
            assert answer.status_code in (404, 409), answer.text
            continue
        plans[number] = answer.json() | {"assigned": plan["assigned"]}
        if command == "minutes":
            done[id] = said[id] = minutes
        elif command == "complete":
            done[id] = said.get(id)
        elif command == "reopen":
            del done[id]
        elif command == "stop":
            stopped.add(id)
        else:
            stopped.discard(id)
        now = (await curriculum.get(WHAT, headers=coordinator)).json()
        times = sorted(minutes for minutes in done.values() if minutes)
        assert (now["completed"], now["stopped"], now["stated"]) == (len(done), len(stopped), len(times))
        assert now["median_minutes"] == (round(statistics.median(times)) if len(times) >= 3 else None)
        if len(times) >= 3:
            assert times[0] <= now["quarter_minutes"] <= now["median_minutes"] <= now["three_quarters_minutes"]
    assert done
    assert stopped
