"""The ledger service on a real, seeded database, and the people of the test data who call it."""

from collections.abc import AsyncGenerator, Callable

import asyncpg
import pytest
import pytest_asyncio

from gatehouse_chassis.testing import InProcessClient, serving
from gatehouse_ledger.app import create

API = "/api/ledger"
PEER_KEY = "for-tests-only-0123456789-0123456789"
# Another person in the role: the test data has one of finance.
OTHERS = {"second of finance": (24, "finance"), "nobody": (13, "partner")}

Headers = dict[str, str]


def account(code: int) -> str:
    return f"019a0000-0040-7000-8000-{code:012d}"


def fund(number: int) -> str:
    return f"019a0000-0041-7000-8000-{number:012d}"


def entry(day: str, amount: int, *, debit: int = 1010, credit: int = 4010, memo: str = "A gift", **more) -> dict:
    """An entry that balances, within the general fund."""
    postings = [
        {"account_id": account(debit), "fund_id": fund(1), "amount": amount},
        {"account_id": account(credit), "fund_id": fund(1), "amount": -amount},
    ]
    for posting, code in zip(postings, (debit, credit), strict=True):
        if code >= 5000:
            posting["function"] = "management"
    return {"booked_on": day, "memo": memo, "postings": postings, **more}


@pytest.fixture(scope="module")
def service_url(postgres, database_url: str) -> str:
    return postgres.role_url(database_url, "ledger_service")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ledger(service_url: str) -> AsyncGenerator[InProcessClient]:
    environ = {"GATEHOUSE_PEER_KEY": PEER_KEY, "GATEHOUSE_PUBLIC_URL": "https://gate.example.org"}
    async with serving("ledger", create, database_url=service_url, environ=environ) as client:
        yield client


@pytest.fixture(scope="module")
def by(ledger: InProcessClient) -> Callable[..., Headers]:
    """The headers of a caller: `by("finance")`; more headers as `if_match='"1"'`."""

    def headers(name: str, **more: str) -> Headers:
        if name in OTHERS:
            number, role = OTHERS[name]
            return ledger.by(number, roles=[role], **more)
        return ledger.by(name, **more)

    return headers


@pytest_asyncio.fixture(loop_scope="module")
async def sql(service_url: str) -> AsyncGenerator[asyncpg.Connection]:
    """A connection of the service's own role: what a mistake in its code could do."""
    connection = await asyncpg.connect(service_url)
    yield connection
    await connection.close()
