"""Asks RDS and CloudWatch Logs with the task's role; `base/aws_requests.py` signs.

RDS takes forms and answers XML (its "query" protocol, version 2014-10-31); CloudWatch Logs takes and answers JSON.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import httpx
import msgspec

from gatehouse_chassis.base.aws_requests import TaskIdentity, signed_headers

RDS_VERSION, LOGS = "2014-10-31", "Logs_20140328"
TIMEOUT = 30.0  # seconds, of one request
TRIES = 4
BUSY = frozenset({"RequestLimitExceeded", "ThrottledException", "Throttling", "ThrottlingException"})


class AwsRefused(Exception):
    """AWS answered, and refused; `code` is its name of the reason."""

    def __init__(self, call: str, code: str, message: str) -> None:
        super().__init__(f"{call}: {code}: {message}")
        self.code = code


class AwsUnreachable(Exception):
    """No answer; whether the call was carried out isn't known."""


class AwsCalls:
    """`endpoint` and `environ` are for tests."""

    def __init__(self, region: str, *, endpoint: str = "", environ: Mapping[str, str] | None = None) -> None:
        self._region, self._endpoint = region, endpoint
        self._client = httpx.AsyncClient(timeout=TIMEOUT)
        self._task = TaskIdentity(self._client, environ)

    async def rds(self, action: str, **given: str) -> ElementTree.Element:
        """The answer's root. Raises AwsRefused and AwsUnreachable."""
        body = urlencode({"Action": action, "Version": RDS_VERSION, **given}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
        content = await self._post("rds", action, body, headers)
        return ElementTree.fromstring(content)  # noqa: S314 - AWS's own answer, over TLS

    async def logs(self, call: str, **given: Any) -> dict[str, Any]:
        """Raises AwsRefused and AwsUnreachable."""
        headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": f"{LOGS}.{call}"}
        return msgspec.json.decode(await self._post("logs", call, msgspec.json.encode(given), headers))

    async def close(self) -> None:
        await self._client.aclose()

    async def _post(self, service: str, call: str, body: bytes, headers: dict[str, str]) -> bytes:
        url = self._endpoint or f"https://{service}.{self._region}.amazonaws.com/"
        reason = ""
        for attempt in range(TRIES):
            await asyncio.sleep(attempt**2)
            try:
                signed = signed_headers(
                    "POST",
                    url,
                    body,
                    await self._task.credentials(),
                    service=service,
                    region=self._region,
                    now=datetime.now(UTC),
                    headers=headers,
                )
                answer = await self._client.post(url, content=body, headers=signed)
            except (httpx.HTTPError, msgspec.DecodeError) as error:
                reason = type(error).__name__
                continue
            if answer.is_success:
                return answer.content
            code, message = _refusal(answer)
            if answer.status_code < 500 and code not in BUSY:
                raise AwsRefused(call, code, message)
            reason = f"{answer.status_code} {code}"
        raise AwsUnreachable(f"{call}: {reason}, {TRIES} times")


def _refusal(answer: httpx.Response) -> tuple[str, str]:
    """AWS's name of the reason and its words, from JSON or XML."""
    try:
        if "json" in answer.headers.get("content-type", "") or answer.content.startswith(b"{"):
            said = msgspec.json.decode(answer.content)
            return str(said.get("__type", "")).rpartition("#")[2], str(said.get("message", said.get("Message", "")))
        root = ElementTree.fromstring(answer.content)  # noqa: S314 - AWS's own answer, over TLS
    except (msgspec.DecodeError, ElementTree.ParseError):
        return f"HTTP {answer.status_code}", answer.text[:200]
    return root.findtext(".//{*}Code", ""), root.findtext(".//{*}Message", "")
