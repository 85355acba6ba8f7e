"""Stock Yjs clients (npm's yjs and y-websocket) in Node, and the service as a process that is killed under them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gatehouse_local.apps import node

from ..conftest import AVA, NOAH, as_person_answers
from .stock import ROOT, Running, clients, running, two_people_write

pytestmark = [pytest.mark.deep, pytest.mark.timeout(240)]


@pytest.fixture
async def service(postgres: Any, database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    try:
        node.ready(ROOT)
    except node.NoNode as error:
        pytest.skip(str(error))
    url = postgres.role_url(database_url, "curriculum_service")
    async with running(url, as_person_answers, tmp_path / "curriculum.log") as started:
        yield started


def two(service: Running, member: int = 2) -> list[str]:
    """Tokens of a member of the test data and of Mara, who mentors 2 Noah and 3 Ava."""
    return [service.token(member, "member"), service.token(1, "mentor")]


async def test_two_replay_a_session_and_end_equal_with_the_server_that_is_killed_twice(service: Running) -> None:
    session = two_people_write(3_000, seed=7)
    said = await clients(
        service, {"do": "replay", "person": NOAH, "tokens": two(service), "session": session, "kill": [800, 2_000]}
    )
    end = said[-1]
    assert sum("kill" in one for one in said) == 2
    assert end["typed"] == len(session)
    assert all(len(codes) >= 2 for codes in end["codes"])
    assert await service.texts(NOAH, two(service)[0]) == {"notes": end["end"]}
    await service.kill()
    await service.start()
    assert await service.texts(NOAH, two(service)[0]) == {"notes": end["end"]}


async def test_ten_minutes_of_typing_offline_on_both_sides_are_merged(service: Running) -> None:
    """1,200 keys each, as in ten minutes at two a second, with nothing in between."""
    said = await clients(service, {"do": "offline", "person": AVA, "tokens": two(service, 3), "keys": 1_200})
    end = said[-1]
    assert sorted(end["end"]) == sorted("".join(end["offline"]))
    assert await service.texts(AVA, two(service, 3)[0]) == {"notes": end["end"]}
