"""Several people edit one curriculum at once: whoever comes second is told, and nothing that was accepted is lost."""

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatehouse_chassis.testing import InProcessClient

from ..conftest import Headers, resource_id

STATES = ("later", "next", "now", "completed")
STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),  # which editor
        st.sampled_from(["read", "read", "assign", "start", "complete", "move", "unassign"]),
        st.integers(0, 30),  # which of the assignments it sees, or which resource
    ),
    min_size=4,
    max_size=14,
)


def everything(curriculum: dict[str, Any]) -> dict[str, str]:
    """State by resource."""
    return {one["resource_id"]: state for state in STATES for one in curriculum[state]}


def expected(before: dict[str, str], command: str, resource: str) -> dict[str, str]:
    """What an accepted command makes of the states."""
    if command == "unassign":
        return {key: value for key, value in before.items() if key != resource}
    after = {"assign": "later", "start": "now", "complete": "completed", "move": "next"}[command]
    return before if command == "assign" and resource in before else {**before, resource: after}


async def send(
    service: InProcessClient, headers: Headers, address: str, seen: dict[str, Any], command: str, number: int
) -> tuple[Any, str]:
    """A command for the version seen; the answer, and the resource that it is about."""
    versioned = {**headers, "If-Match": f'"{seen["version"]}"'}
    if command == "assign":
        resource = resource_id(number + 1)
        body = {"resource_id": resource}
        return await service.post(f"{address}/assign", json=body, headers=versioned), resource
    there = [one for state in STATES for one in seen[state]]
    one = there[number % len(there)]
    body = {"state": "next"} if command == "move" else None
    answer = await service.post(f"{address}/assignments/{one['id']}/{command}", json=body, headers=versioned)
    return answer, one["resource_id"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_however_reads_and_commands_interleave_no_accepted_command_is_lost(
    curriculum: InProcessClient, coordinator: Headers, empty: Callable[[], Any], steps: list[tuple[int, str, int]]
) -> None:
    address = await empty()
    read = (await curriculum.get(address, headers=coordinator)).json()
    seen = [read, read, read]
    version, states = 1, {}
    for who, command, number in steps:
        if command == "read":
            seen[who] = (await curriculum.get(address, headers=coordinator)).json()
            continue
        if command != "assign" and not everything(seen[who]):
            continue
        answer, resource = await send(curriculum, coordinator, address, seen[who], command, number)
        if seen[who]["version"] != version:
            assert answer.status_code == 412
            continue
        assert answer.status_code in (200, 409)
        if answer.status_code == 200:
            states = expected(states, command, resource)
            seen[who] = answer.json()
            version = seen[who]["version"]
    stored = (await curriculum.get(address, headers=coordinator)).json()
    assert everything(stored) == states
    assert stored["version"] == version


async def test_of_two_commands_at_the_same_moment_one_is_told_to_read_again(
    curriculum: InProcessClient, coordinator: Headers, empty: Callable[[], Any]
) -> None:
    address = await empty()
    seen = (await curriculum.get(address, headers=coordinator)).json()
    answers = await asyncio.gather(
        *(send(curriculum, coordinator, address, seen, "assign", number) for number in range(4))
    )
    assert sorted(answer.status_code for answer, _ in answers) == [200, 412, 412, 412]


async def test_editors_who_read_again_when_told_lose_nothing(
    curriculum: InProcessClient, coordinator: Headers, empty: Callable[[], Any]
) -> None:
    address = await empty()

    async def edit(number: int) -> None:
        for _ in range(50):
            seen = (await curriculum.get(address, headers=coordinator)).json()
            answer, _ = await send(curriculum, coordinator, address, seen, "assign", number)
            if answer.status_code == 200:
                return
        raise AssertionError("never came through")

    await asyncio.gather(*(edit(number) for number in range(8)))
    stored = (await curriculum.get(address, headers=coordinator)).json()
    assert set(everything(stored)) == {resource_id(number + 1) for number in range(8)}
    assert [one["position"] for one in stored["later"]] == list(range(1, 9))
    assert stored["version"] == 9
