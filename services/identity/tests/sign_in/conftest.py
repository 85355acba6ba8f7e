"""A little OpenID Connect provider on loopback, and a browser that signs in with it."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import jwt
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from litestar import Litestar, Request, Response, get, post

from gatehouse_identity.digests import challenge_of, new_secret

SIGN_IN = "/api/identity/sign-in"
PUBLIC_URL = "http://localhost:8400"
BACK = f"{PUBLIC_URL}/signed-in"


class LittleProvider:
    """Authenticates whoever `person` says. `spoil` changes the id token's claims, `sign` replaces how it is signed."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.key_id = "first"
        self.url = ""
        self.codes: dict[str, dict[str, str]] = {}
        self.reset()

    def reset(self) -> None:
        self.person: dict[str, Any] = {"sub": uuid4().hex, "name": "Nia Okoro", "email_verified": True}
        self.person["email"] = f"{self.person['sub'][:8]}@example.org"
        self.spoil: dict[str, Any] = {}
        self.sign: Any = None
        self.userinfo: dict[str, Any] | None = None

    def rotate(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.key_id = "second"

    def id_token(self, client_id: str, nonce: str) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": client_id, "iat": now, "exp": now + 300, "nonce": nonce, **self.person}
        claims = {name: value for name, value in (claims | self.spoil).items() if value is not None}
        if self.sign:
            return self.sign(claims)
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": self.key_id})

    def authorize(self, address: str) -> dict[str, str]:
        """What the browser brings back from the provider's page: code and state."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        code = new_secret()
        self.codes[code] = query
        return {"code": code, "state": query["state"]}

    def app(self) -> Litestar:
        @get("/.well-known/openid-configuration")
        async def discovery() -> dict[str, Any]:
            return {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "jwks_uri": f"{self.url}/jwks",
            }

        @get("/jwks")
        async def jwks() -> dict[str, Any]:
            published = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
            return {"keys": [{**published, "kid": self.key_id, "use": "sig", "alg": "RS256"}]}

        @get("/userinfo")
        async def userinfo() -> dict[str, Any]:
            return self.userinfo or {}

        @post("/token", status_code=200)
        async def token(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
            form = await request.form()
            asked = self.codes.pop(form["code"], None)
            genuine = asked is not None and challenge_of(form["code_verifier"]) == asked["code_challenge"]
            if not genuine or not request.headers.get("authorization", "").startswith("Basic "):
                return Response({"error": "invalid_grant"}, status_code=400)
            assert asked is not None
            assert form["redirect_uri"] == asked["redirect_uri"]
            return Response({"id_token": self.id_token(asked["client_id"], asked["nonce"]), "access_token": "opaque"})

        return Litestar([discovery, jwks, userinfo, token], openapi_config=None)


@asynccontextmanager
async def running(app: Any, listener: socket.socket) -> AsyncGenerator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    task = asyncio.create_task(server._serve([listener]))
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield
    finally:
        server.should_exit = True
        await task


@pytest.fixture(scope="module")
async def running_provider() -> AsyncIterator[LittleProvider]:
    provider = LittleProvider()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    provider.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with running(provider.app(), listener):
        yield provider


@pytest.fixture
def provider(running_provider: LittleProvider) -> LittleProvider:
    running_provider.reset()
    return running_provider


@pytest.fixture(scope="module")
async def identity(service_url: str, running_provider: LittleProvider, serve: Any) -> AsyncIterator[Any]:
    settings = {"ISSUER": running_provider.url, "CLIENT_ID": "gatehouse", "NAME": "Little Provider"}
    environ = {f"GATEHOUSE_SETTING_OIDC_{key}": value for key, value in settings.items()}
    environ |= {"GATEHOUSE_SECRET_OIDC_CLIENT_SECRET": "known to both", "GATEHOUSE_PUBLIC_URL": PUBLIC_URL}
    async with serve(service_url, **environ) as service:
        yield service


class Browser:
    """Goes through a sign-in step by step."""

    def __init__(self, identity: Any, provider: Any) -> None:
        self.identity = identity
        self.provider = provider
        self.verifier = new_secret()
        self.invitation: str | None = None

    async def begin(self, return_to: str = BACK) -> str:
        params = {"return_to": return_to, "code_challenge": challenge_of(self.verifier)}
        params |= {"invitation": self.invitation} if self.invitation else {}
        answer = await self.identity.get(SIGN_IN, params=params)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def come_back(self, **params: str) -> Any:
        return await self.identity.get(f"{SIGN_IN}/callback", params=params)

    async def outcome(self, **spoilt: str) -> dict[str, str]:
        """The parameters with which the browser arrives at the portal."""
        brought = self.provider.authorize(await self.begin())
        answer = await self.come_back(**(brought | spoilt))
        assert answer.status_code == 302, answer.text
        assert answer.headers["location"].startswith(f"{BACK}?")
        return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}

    async def redeem(self, code: str, verifier: str | None = None) -> Any:
        body = {"code": code, "code_verifier": verifier or self.verifier}
        return await self.identity.post("/api/identity/sessions", json=body)

    async def sign_in(self) -> dict[str, Any]:
        """The account that is signed in then, as /me has it."""
        outcome = await self.outcome()
        answer = await self.redeem(outcome["code"])
        assert answer.status_code == 201, answer.text
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        return (await self.identity.get("/api/identity/me", headers=headers)).json()


@pytest.fixture
def browser(identity: Any, provider: LittleProvider) -> Browser:
    return Browser(identity, provider)
