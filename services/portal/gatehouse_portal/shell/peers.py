"""Calls to the other services, as the person who is signed in. What they answer is in structs.py of each area.

Every refusal becomes the same kind of problem here, so that a page of ours says 404, 403, 409 or 412 where the service
did, and `Away` names the service that doesn't answer.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

import httpx
import msgspec

from gatehouse_chassis.base.problems import (
    BY_STATUS,
    ApiProblem,
    Invalid,
    NotFound,
    SignInTooOld,
    Unauthenticated,
    Unavailable,
)
from gatehouse_chassis.http.guards import RECENT
from gatehouse_chassis.service.client import Misunderstood, PeerClient, RequestRefused, TooLate
from gatehouse_portal.shell.structs import Page


class HasId(Protocol):
    @property
    def id(self) -> UUID: ...


T = TypeVar("T")
Identified = TypeVar("Identified", bound=HasId)
# As many ids as topics takes in one request (gatehouse_chassis.lists.filters.MOST_VALUES).
BATCH = 50
# Seconds that a page waits for the slowest of its parts.
PATIENCE = 4.0


class Away(Unavailable):
    """503: one service doesn't answer; the rest of the institute does."""

    slug = "service-away"

    def __init__(self, service: str) -> None:
        super().__init__(f"The service “{service}” doesn't answer right now. Trying again in a moment may work.")
        self.service = service


class Peers:
    """The other services. `clients` are the chassis's, by name."""

    def __init__(self, clients: Mapping[str, PeerClient]) -> None:
        self._clients = clients

    async def ask(
        self,
        service: str,
        method: str,
        path: str,
        kind: type[T],
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        version: int | None = None,
        token: str | None = None,
    ) -> T:
        """The service's answer as `kind`. Raises Away, or the problem that it answered with."""
        content = await self.content(service, method, path, params=params, json=json, version=version, token=token)
        if kind is type(None) or not content:
            return cast(T, None)
        try:
            return msgspec.json.decode(content, type=kind)
        except msgspec.MsgspecError as error:
            raise Misunderstood(f"{service} answered something else than expected.") from error

    async def content(
        self,
        service: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        version: int | None = None,
        token: str | None = None,
    ) -> bytes:
        """The bytes of the service's answer. Raises Away, or the problem that it answered with."""
        client = self._clients.get(service)
        if client is None:
            raise Away(service)
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        try:
            response = await client.request(method, path, params=params, json=json, headers=headers, token=token)
        except RequestRefused as refused:
            raise as_said(refused) from refused
        except (Unavailable, TooLate) as error:
            raise Away(service) from error
        return response.content

    async def pass_on(
        self, service: str, method: str, address: str, body: msgspec.Raw | None, headers: Mapping[str, str]
    ) -> httpx.Response:
        """The service's answer, not read. Raises Away where it isn't known, else what PeerClient.request raises."""
        client = self._clients.get(service)
        if client is None:
            raise Away(service)
        return await client.request(method, address, json=body, headers=headers)

    async def get(self, service: str, path: str, kind: type[T], /, **params: Any) -> T:
        """A read; parameters that are None or empty aren't sent."""
        sent = {key: value for key, value in params.items() if value not in (None, "", [])}
        return await self.ask(service, "GET", path, kind, params=sent)


def as_said(refused: RequestRefused) -> ApiProblem:
    """The refusal as our own problem."""
    detail = refused.problem.detail if refused.problem else ""
    if refused.problem and refused.problem.type.endswith(f":{SignInTooOld.slug}"):
        return SignInTooOld(RECENT)
    if refused.answered == 401:
        return Unauthenticated("Your session has ended.")
    if refused.answered == 400:
        errors = {error.field: error.message for error in refused.problem.errors} if refused.problem else {}
        return Invalid(errors or {"request": "isn't understood"}, detail)
    kind = BY_STATUS.get(refused.answered)
    return refused if kind is None else kind(detail)


async def or_away(answer: Awaitable[T]) -> T | Away:
    """A part of a page that may be missing while the rest is shown."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await answer
    except Away as away:
        return away
    except TimeoutError:
        return Away("a service")


async def or_none(answer: Awaitable[T]) -> T | None:
    """None for what isn't there."""
    try:
        return await answer
    except NotFound:
        return None


async def by_id(peers: Peers, what: str, ids: Iterable[UUID], kind: type[Identified]) -> dict[UUID, Identified]:
    """Resources, topics or paths of topics, however many."""
    wanted = sorted(map(str, ids))
    batches = [wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH)]
    page_of_kind: Any = Page[kind]  # ty: ignore[invalid-type-form] - a type made while running
    pages = await asyncio.gather(
        *(peers.get("topics", f"/api/topics/{what}", page_of_kind, id=batch, limit=BATCH) for batch in batches)
    )
    return {item.id: item for page in pages for item in page.items}
