"""What happens while person or topics are away, and how often person is asked."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gatehouse_chassis.testing import InProcessClient, Peer, serving
from gatehouse_curriculum.app import create

from .conftest import AVA, BASE, MARA, NOAH, TOMAS, person_id, resource_id


@pytest.fixture
async def alone(postgres: Any, database_url: str) -> AsyncIterator[InProcessClient]:
    """The service while nobody listens where person and topics should be."""
    nowhere = {"GATEHOUSE_URL_PERSON": "http://127.0.0.1:1", "GATEHOUSE_URL_TOPICS": "http://127.0.0.1:1"}
    url = postgres.role_url(database_url, "curriculum_service")
    async with serving("curriculum", create, database_url=url, environ=nowhere) as service:
        yield service


async def test_without_person_a_mentor_gets_a_503_and_members_and_coordinators_go_on(alone: InProcessClient) -> None:
    mentor = alone.tokens.headers("mentor", person=MARA)
    member = alone.tokens.headers("member", person=NOAH)
    coordinator = alone.tokens.headers("coordinator", person=person_id(7))
    read = [(await alone.get(f"{BASE}/{NOAH}", headers=who)).status_code for who in (mentor, member, coordinator)]
    lists = [(await alone.get(BASE, headers=who)).status_code for who in (mentor, member, coordinator)]
    assert read == [503, 200, 200]
    assert lists == [503, 200, 200]


async def test_without_topics_nothing_is_assigned_and_the_rest_goes_on(alone: InProcessClient) -> None:
    coordinator = alone.tokens.headers("coordinator", person=person_id(7))
    before = (await alone.get(f"{BASE}/{AVA}", headers=coordinator)).json()
    headers = {**coordinator, "If-Match": f'"{before["version"]}"'}
    refused = await alone.post(f"{BASE}/{AVA}/assign", json={"resource_id": resource_id(700)}, headers=headers)
    started = await alone.post(f"{BASE}/{AVA}/assignments/{before['next'][0]['id']}/start", headers=headers)
    assert (refused.status_code, started.status_code) == (503, 200)


async def test_who_mentors_whom_is_remembered_for_a_while_but_not_who_doesnt(
    postgres: Any, database_url: str, person: Peer
) -> None:
    url = postgres.role_url(database_url, "curriculum_service")
    async with serving("curriculum", create, database_url=url, environ={"GATEHOUSE_URL_PERSON": person.url}) as service:
        mentor = service.tokens.headers("mentor", person=MARA)
        stranger = service.tokens.headers("mentor", person=TOMAS)
        asked = len(person.requests)
        answers = [(await service.get(f"{BASE}/{NOAH}", headers=mentor)).status_code for _ in range(5)]
        once = len(person.requests) - asked
        answers += [(await service.get(f"{BASE}/{NOAH}", headers=stranger)).status_code for _ in range(2)]
        each_time = len(person.requests) - asked - once
    assert answers == [200] * 5 + [404] * 2
    assert (once, each_time) == (1, 2)
