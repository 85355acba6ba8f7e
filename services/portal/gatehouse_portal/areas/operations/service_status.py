"""The status of every service for the Admin page: what is running, since when, its health and configuration.

Each service is asked at its own address, in parallel and with a short timeout; one that doesn't answer is shown as
down. The chassis's client isn't used: its retries and circuit breaker would hide exactly that.
"""

import asyncio
from collections.abc import Mapping
from typing import Literal, TypeVar
from urllib.parse import quote

import httpx
import msgspec
from litestar import Litestar

from gatehouse_chassis.base.context import passed_on
from gatehouse_chassis.base.tls import trusted_authorities
from gatehouse_portal.areas.operations.structs import Configuration, FollowedFeed, Job, Readiness, Refusal, Version

T = TypeVar("T")
# Seconds.
PATIENCE = 1.5
STATES = {"ready": "Healthy", "unready": "Not ready", "down": "Down"}


class ServiceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A service as it answered. `problems` says why it isn't ready."""

    name: str
    address: str
    state: Literal["ready", "unready", "down"]
    problems: list[str] = []
    version: Version | None = None

    @property
    def words(self) -> str:
        return STATES[self.state]


class StatusProbe:
    """Asks the services at `addresses`, and this application itself, without a network."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = dict(addresses)
        self._http = httpx.AsyncClient(timeout=PATIENCE, trust_env=False, verify=trusted_authorities())
        self._own: dict[str, httpx.AsyncClient] = {}

    def include(self, name: str, address: str, app: Litestar) -> None:
        """Also asks `app`, which runs in this process, as the service `name`."""
        self._addresses[name] = address
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)  # ty: ignore[invalid-argument-type]
        self._own[name] = httpx.AsyncClient(transport=transport, timeout=PATIENCE)

    async def close(self) -> None:
        for client in (self._http, *self._own.values()):
            await client.aclose()

    @property
    def names(self) -> list[str]:
        return sorted(self._addresses)

    async def all(self, token: str) -> list[ServiceStatus]:
        return list(await asyncio.gather(*(self.one(name, token) for name in self.names)))

    async def one(self, name: str, token: str) -> ServiceStatus:
        readiness, version = await asyncio.gather(
            self._get(name, "/health/ready", Readiness, token), self._get(name, "/version", Version, token)
        )
        address = self._addresses[name]
        if readiness is None:
            problem = "answers, but not whether it is ready" if version else f"doesn’t answer within {PATIENCE:g} s"
            return ServiceStatus(name=name, address=address, state="down", problems=[problem], version=version)
        problems = [f"{check}: {result}" for check, result in readiness.checks.items() if result != "ok"]
        state = "ready" if readiness.ready else "unready"
        return ServiceStatus(name=name, address=address, state=state, problems=problems, version=version)

    async def configuration(self, name: str, token: str) -> Configuration | None:
        """None when the service doesn't answer."""
        return await self._get(name, "/config", Configuration, token)

    async def jobs(self, token: str) -> list[tuple[str, list[Job]]]:
        """The jobs of each service that has some and answers."""
        found = await asyncio.gather(*(self._get(name, "/jobs", list[Job], token) for name in self.names))
        return [(name, jobs) for name, jobs in zip(self.names, found, strict=True) if jobs]

    async def run_job(self, name: str, job: str, token: str) -> str:
        """What came of it, as a sentence."""
        client = self._own.get(name, self._http)
        headers = {"Authorization": f"Bearer {token}", **passed_on()}
        try:
            async with asyncio.timeout(PATIENCE):
                response = await client.post(f"{self._addresses[name]}/jobs/{quote(job, safe='')}/run", headers=headers)
            if response.is_success:
                return f"{job} is due now; a task of {name} runs it."
            return msgspec.json.decode(response.content, type=Refusal).detail or f"{name} refused to run {job}."
        except (httpx.HTTPError, TimeoutError, msgspec.MsgspecError):
            return f"{name} doesn’t answer; {job} was not asked to run."

    async def followed(self, name: str, token: str) -> list[FollowedFeed] | None:
        """Whose events it follows; None when it follows nobody, or doesn't answer."""
        return await self._get(name, "/followed", list[FollowedFeed], token)

    async def _get(self, name: str, path: str, kind: type[T], token: str) -> T | None:
        client = self._own.get(name, self._http)
        headers = {"Authorization": f"Bearer {token}", **passed_on()}
        try:
            async with asyncio.timeout(PATIENCE):
                response = await client.get(self._addresses[name] + path, headers=headers)
            return msgspec.json.decode(response.content, type=kind)
        except (httpx.HTTPError, TimeoutError, msgspec.MsgspecError):
            return None
