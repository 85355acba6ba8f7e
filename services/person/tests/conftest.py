"""The person service on a real, seeded database, and the people of the test data who call it."""

from collections.abc import AsyncGenerator, Callable

import pytest
import pytest_asyncio

from gatehouse_chassis.events import service_token
from gatehouse_chassis.testing import InProcessClient, serving
from gatehouse_person.app import create

# What tests call people that have no persona of that name.
NAMED = {"staff": "finance", "other mentor": 15, "unmatched member": 18}

KEY = "for-tests-only-0123456789-0123456789"

Headers = dict[str, str]


@pytest.fixture(scope="module")
def service_url(postgres, database_url: str) -> str:
    return postgres.role_url(database_url, "person_service")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def person(service_url: str) -> AsyncGenerator[InProcessClient]:
    async with serving("person", create, database_url=service_url, environ={"GATEHOUSE_PEER_KEY": KEY}) as client:
        yield client


@pytest.fixture(scope="module")
def by(person: InProcessClient) -> Callable[..., Headers]:
    """The headers of a caller: `by("mentor")`; more headers as `if_match='"1"'`."""
    return lambda name, **more: person.by(NAMED.get(name, name), **more)


@pytest.fixture
def by_service() -> Headers:
    """The headers of another service, which acts for nobody."""
    return {"Authorization": f"Bearer {service_token.sign(KEY, by='intake', to='person')}"}
