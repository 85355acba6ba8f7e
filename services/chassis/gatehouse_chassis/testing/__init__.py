"""For tests of services: a service in this process on a real database, tokens signed by a test key, and peers.

    async with serving("person", create, database_url=url) as person:
        answer = await person.get("/api/person/people", headers=person.tokens.headers("mentor"))

Callers are people of the test data, with the roles that identity gives them (people.py): `person.by("mentor")`.

A peer is a real HTTP server on loopback that stands in for another service, with answers that the test sets.
"""

import asyncio
import base64
import os
import socket
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx
import jwt
import msgspec
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from litestar import Litestar
from uuid_utils.compat import uuid7

from gatehouse_catalog import find_root
from gatehouse_catalog.structs import PERSON_KEYS_VARIABLE
from gatehouse_chassis.base.actor import EVERY_SERVICE
from gatehouse_chassis.http.auth import ALGORITHM, ISSUER
from gatehouse_chassis.service.service import ServiceContext
from gatehouse_chassis.testing.people import account_id, caller, person_id
from gatehouse_chassis.testing.sockets import InProcessSocket, socket_to

__all__ = [
    "InProcessClient",
    "InProcessSocket",
    "Peer",
    "TestTokens",
    "account_id",
    "peer",
    "person_id",
    "serving",
    "socket_to",
]

KEY_ID = "test-key"
# Private keys of people, out of the checkout; the system's temporary folder is swept by others.
KEYS = Path(tempfile.gettempdir()) / f"gatehouse-test-keys-{os.getuid()}"


class TestTokens:
    """Access tokens like identity's, signed by a key made here; `jwks()` publishes it."""

    __test__ = False  # its name begins with Test, so pytest would collect it

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()

    async def jwks(self) -> dict[str, Any]:
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        return {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": KEY_ID, "alg": ALGORITHM, "use": "sig", "x": x}]}

    def token(
        self, *roles: str, person: UUID | str | None = None, account: UUID | str | None = None, **claims: Any
    ) -> str:
        """An access token with these roles; `claims` add to or replace the usual ones."""
        now = int(time.time())
        payload: dict[str, Any] = {
            "iss": ISSUER,
            "aud": EVERY_SERVICE,
            "sub": str(account or uuid7()),
            "name": "Test",
            "roles": list(roles),
            "kind": "person",
            "iat": now,
            "exp": now + 600,
            "auth_time": now,
        }
        if person is not None:
            payload["person"] = str(person)
        return jwt.encode(payload | claims, self._key, algorithm=ALGORITHM, headers={"kid": KEY_ID})

    def headers(self, *roles: str, **claims: Any) -> dict[str, str]:
        """The Authorization header of such a token."""
        return {"Authorization": f"Bearer {self.token(*roles, **claims)}"}


class InProcessClient(httpx.AsyncClient):
    """An HTTP client of one service in this process; `app` is its application and `tokens` makes callers."""

    app: Litestar
    tokens: TestTokens

    def by(self, who: str | int, *, roles: Iterable[str] | None = None, **more: str) -> dict[str, str]:
        """The headers of a person of the test data, by persona or number: `by("mentor", if_match='"1"')`.

        They have the roles that identity gives them, unless a test is about others.
        """
        person = caller(who)
        added = {key.replace("_", "-"): value for key, value in more.items()}
        ids = {"person": person_id(person.number), "account": account_id(person.number)}
        return self.tokens.headers(*(person.roles if roles is None else roles), **ids) | added


@asynccontextmanager
async def serving(
    name: str,
    create: Callable[[ServiceContext], Litestar],
    *,
    database_url: str | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    tokens: TestTokens | None = None,
) -> AsyncGenerator[InProcessClient, None]:
    """The service `name` in this process, started and, at the end, stopped. `database_url` is its role's."""
    tokens = tokens or TestTokens()
    surroundings = {"GATEHOUSE_ENVIRONMENT": "local", PERSON_KEYS_VARIABLE: str(KEYS / name), **(environ or {})}
    if database_url:
        surroundings["GATEHOUSE_DATABASE_URL"] = database_url
    service = ServiceContext.load(folder or find_root(Path(__file__)) / "services" / name, surroundings)
    app = create(service)
    app.state.authenticator.trust(tokens.jwks)
    if app.state.jobs is not None:
        app.state.jobs.paused = True  # tests run them: `await client.app.state.jobs.run_due()`
    async with _started(app):
        transport = httpx.ASGITransport(app=cast(Any, app), raise_app_exceptions=False)
        async with InProcessClient(transport=transport, base_url="http://test") as client:
            client.app = app
            client.tokens = tokens
            yield client


@asynccontextmanager
async def _started(app: Litestar) -> AsyncGenerator[None, None]:
    """Runs the lifespan in a task of its own: a fixture is set up and torn down in different ones."""
    started, stop = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            started.set()
            await stop.wait()

    life = asyncio.create_task(live())
    await asyncio.wait([life, waiting := asyncio.create_task(started.wait())], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        if started.is_set():
            yield
    finally:
        stop.set()
        await life


class Peer:
    """Another service as a test needs it. `answers[(method, path)]` is (status, body) or a function of the request."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: dict[tuple[str, str], Any] = {}
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        path = scope["path"] + (f"?{scope['query_string'].decode()}" if scope["query_string"] else "")
        self.requests.append((scope["method"], path, headers, body))
        found = self.answers.get((scope["method"], path), self.answers.get((scope["method"], scope["path"])))
        status, content = (
            (404, {"status": 404}) if found is None else found(path, headers) if callable(found) else found
        )
        encoded = msgspec.json.encode(content)
        start = {"type": "http.response.start", "status": status}
        await send({**start, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": encoded})


@asynccontextmanager
async def peer() -> AsyncGenerator[Peer, None]:
    """A running Peer on a free loopback port."""
    # With its protocol named, asyncio turns off Nagle's algorithm; else each answer waits 40 ms for an acknowledgement.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    playing = Peer()
    playing.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(playing, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    # Its own signal handling would take Ctrl-C away from pytest.
    task = asyncio.create_task(server._serve([listener]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for this
        await asyncio.sleep(0.005)
    try:
        yield playing
    finally:
        server.should_exit = True
        await task
