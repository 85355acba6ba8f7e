"""The partner service on a real, seeded database, and the people of the test data who call it."""

from collections.abc import AsyncGenerator, Callable

import pytest
import pytest_asyncio

from gatehouse_chassis.testing import InProcessClient, serving
from gatehouse_partner.app import create

# One role at a time, so that a test shows what it allows: identity gives these people more than that.
ONE_ROLE = {"coordinator": 7, "staff": 7, "finance": 8, "marketing": 9}
# People in a role that they don't have.
OTHER_ROLE = {"partner of nobody": (20, "partner"), "contact without the role": (13, "member")}

Headers = dict[str, str]


@pytest.fixture(scope="module")
def service_url(postgres, database_url: str) -> str:
    return postgres.role_url(database_url, "partner_service")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def partner(service_url: str) -> AsyncGenerator[InProcessClient]:
    async with serving("partner", create, database_url=service_url) as client:
        yield client


@pytest.fixture(scope="module")
def by(partner: InProcessClient) -> Callable[..., Headers]:
    """The headers of a caller: `by("staff")`; more headers as `if_match='"1"'`."""

    def headers(name: str, **more: str) -> Headers:
        if name in ONE_ROLE:
            return partner.by(ONE_ROLE[name], roles=[name], **more)
        if name in OTHER_ROLE:
            number, role = OTHER_ROLE[name]
            return partner.by(number, roles=[role], **more)
        return partner.by(name, **more)

    return headers
