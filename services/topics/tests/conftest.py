"""The service topics on a database of each test module's own, and who asks it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gatehouse_chassis.testing import ServiceClient, serving
from gatehouse_topics.app import create

NOAH = "019a0000-0001-7000-8000-000000000002"


@pytest.fixture(scope="module")
async def topics(postgres: Any, database_url: str) -> AsyncIterator[ServiceClient]:
    async with serving("topics", create, database_url=postgres.role_url(database_url, "topics_service")) as service:
        yield service


@pytest.fixture(scope="module")
def member(topics: ServiceClient) -> dict[str, str]:
    return topics.tokens.headers("member", person=NOAH)


@pytest.fixture(scope="module")
def mentor(topics: ServiceClient) -> dict[str, str]:
    return topics.tokens.headers("mentor", person="019a0000-0001-7000-8000-000000000001")
