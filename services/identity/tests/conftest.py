"""The service identity on a database of each test module's own, and who asks it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from gatehouse_chassis.testing import InProcessClient, TestTokens, serving
from gatehouse_identity.app import create

SECRET = "for-tests-only-0123456789-0123456789"

Headers = dict[str, str]


class BothKeys(TestTokens):
    """Trusts tokens of the test's key, and those that the service under test has issued itself."""

    app: Any = None

    async def jwks(self) -> dict[str, Any]:
        found = await super().jwks()
        ring = self.app.state.get("key_ring") if self.app else None
        issued = await ring.verification_keys() if ring else {"keys": []}
        return {**issued, "keys": [*found["keys"], *issued["keys"]]}


def identity_serving(database_url: str, **environ: str) -> Any:
    """As `serving`, with the secret set, and with tokens of both kinds accepted."""
    tokens = BothKeys()

    def made(service: Any) -> Any:
        tokens.app = create(service)
        return tokens.app

    given = {
        "GATEHOUSE_SECRET_KEY_ENCRYPTION_SECRET": SECRET,
        "GATEHOUSE_PEER_KEY": SECRET,
        # Outside of the local environment it must be there; nobody listens.
        **({"GATEHOUSE_URL_PERSON": "http://127.0.0.1:9"} if "GATEHOUSE_ENVIRONMENT" in environ else {}),
        **environ,
    }
    return serving("identity", made, database_url=database_url, environ=given, tokens=tokens)


@pytest.fixture(scope="module")
def service_url(postgres: Any, database_url: str) -> str:
    return postgres.role_url(database_url, "identity_service")


@pytest.fixture(scope="session")
def serve() -> Callable[..., Any]:
    """`async with serve(service_url, GATEHOUSE_ENVIRONMENT="dev") as identity`."""
    return identity_serving


@pytest.fixture(scope="module")
async def identity(service_url: str) -> AsyncIterator[InProcessClient]:
    async with identity_serving(service_url) as service:
        yield service


@pytest.fixture(scope="module")
def by(identity: InProcessClient) -> Callable[..., Headers]:
    """The headers of a caller of the test data: `by("admin", if_match='"1"')`."""
    return identity.by
