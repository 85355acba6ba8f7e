"""The steps of the probe: read the sign-in page, sign in, read a list; the first that fails ends the visit.

It changes nothing but the session that it makes where the environment has personas.
"""

import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import msgspec

PERSONA = "member"
CLIENT_ID, CLIENT_SECRET = "GATEHOUSE_PROBE_CLIENT_ID", "GATEHOUSE_PROBE_CLIENT_SECRET"
LIST = "/api/topics/paths?limit=1"


class ProbeStep(msgspec.Struct, frozen=True):
    name: str
    milliseconds: float


class ProbeOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """`failed`: the step that failed and how, empty if all is well. `note`: what couldn't be tried here."""

    url: str
    steps: list[ProbeStep]
    failed: str = ""
    note: str = ""

    @property
    def milliseconds(self) -> float:
        return round(sum(step.milliseconds for step in self.steps), 1)


class StepFailed(Exception):
    """What the platform answered instead."""


async def visit(url: str, *, seconds: float) -> ProbeOutcome:
    """One visit to `url`, each step of at most `seconds`. Raises nothing: what goes wrong is in the outcome."""
    timeout = aiohttp.ClientTimeout(total=seconds)
    failed = ""
    async with aiohttp.ClientSession(timeout=timeout, headers={"User-Agent": "gatehouse-probe"}) as http:
        visitor = _Visitor(http, url.rstrip("/"))
        for name, step in (
            ("read the sign-in page", visitor.sign_in_page),
            ("sign in", visitor.sign_in),
            ("read a list", visitor.read),
        ):
            failed = await _timed(name, step, visitor.steps, seconds)
            if failed:
                break
    return ProbeOutcome(url=visitor.url, steps=visitor.steps, failed=failed, note=visitor.note)


async def _timed(name: str, step: Callable[[], Awaitable[None]], steps: list[ProbeStep], seconds: float) -> str:
    began = time.monotonic()
    why = ""
    try:
        await step()
    except StepFailed as error:
        why = str(error)
    except TimeoutError:
        why = f"no answer within {seconds:g} s"
    except aiohttp.ClientConnectorDNSError as error:
        why = f"{error.host} can't be resolved"
    except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
        why = f"the certificate isn't accepted: {error}"
    except (aiohttp.ClientError, OSError) as error:
        why = str(error) or type(error).__name__
    steps.append(ProbeStep(name, round((time.monotonic() - began) * 1000, 1)))
    return f"{name}: {why}" if why else ""


class _Visitor:
    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http, self.url = http, url
        self.steps: list[ProbeStep] = []
        self.note = ""
        self._token = ""

    async def sign_in_page(self) -> None:
        status, body = await self._ask("GET", "/sign-in")
        if status != 200 or b"<html" not in body.lower():
            raise StepFailed(_said("GET /sign-in", status, body))

    async def sign_in(self) -> None:
        """As the service client in the environment; else as a persona, where there are any; else not at all."""
        if os.environ.get(CLIENT_ID):
            named = {"client_id": os.environ[CLIENT_ID], "client_secret": os.environ.get(CLIENT_SECRET, "")}
            await self._get_token("/api/identity/token", 200, {"grant_type": "client_credentials", **named})
            return
        status, body = await self._ask("GET", "/api/identity/sign-in/options")
        if status != 200:
            raise StepFailed(_said("GET /api/identity/sign-in/options", status, body))
        if _content(body).get("personas"):
            await self._get_token(f"/api/identity/personas/{PERSONA}/sessions", 201, None)
        else:
            self.note = f"not signed in: there are no personas here, and {CLIENT_ID} isn't set"

    async def _get_token(self, path: str, wanted: int, body: dict[str, str] | None) -> None:
        status, answer = await self._ask("POST", path, json=body)
        self._token = str(_content(answer).get("access_token", ""))
        if status != wanted or not self._token:
            raise StepFailed(_said(f"POST {path}", status, answer))

    async def read(self) -> None:
        """As a stranger it has to be refused: that too shows that the service answers."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        status, body = await self._ask("GET", LIST, headers=headers)
        wanted = (200, "items") if self._token else (401, "type")
        if status != wanted[0] or wanted[1] not in _content(body):
            raise StepFailed(_said(f"GET {LIST}", status, body))

    async def _ask(self, method: str, path: str, **options: Any) -> tuple[int, bytes]:
        async with self.http.request(method, self.url + path, allow_redirects=False, **options) as answer:
            return answer.status, await answer.read()


def _content(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _said(request: str, status: int, body: bytes) -> str:
    """With the detail of problem details, if it has any."""
    detail = str(_content(body).get("detail") or "")
    return f"{request} answered {status}{f': {detail}' if detail else ''}"
