"""The service topics on a database of each test module's own, and who asks it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gatehouse_chassis.testing import InProcessClient, serving
from gatehouse_topics.app import create


@pytest.fixture(scope="module")
async def topics(postgres: Any, database_url: str) -> AsyncIterator[InProcessClient]:
    async with serving("topics", create, database_url=postgres.role_url(database_url, "topics_service")) as service:
        yield service


@pytest.fixture(scope="module")
def member(topics: InProcessClient) -> dict[str, str]:
    return topics.by("member")


@pytest.fixture(scope="module")
def mentor(topics: InProcessClient) -> dict[str, str]:
    return topics.by("mentor")
