"""Private keys of people in an S3 bucket without versions: what is deleted there is gone.

Three requests, signed with the task's own credentials (base/aws_requests.py).
"""

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import msgspec

from gatehouse_chassis.base.aws_requests import TaskIdentity, signed_headers
from gatehouse_chassis.base.problems import Unavailable

TIMEOUT = 3.0  # seconds, of one request
TRIES = 3
HOST = re.compile(r"\.s3\.([a-z0-9-]+)\.amazonaws\.com$")


class KeyBucket:
    """`url`: https://BUCKET.s3.REGION.amazonaws.com/PREFIX; of a stand-in, http://ADDRESS/BUCKET/PREFIX."""

    def __init__(self, url: str, environ: Mapping[str, str] | None = None) -> None:
        self._url = url.rstrip("/")
        found = HOST.search(urlsplit(url).netloc)
        self._region = found[1] if found else "us-east-1"
        self._client = httpx.AsyncClient(timeout=TIMEOUT)
        self._task = TaskIdentity(self._client, environ)

    async def put(self, id: UUID, key: bytes) -> None:
        await self._send("PUT", id, key)

    async def get(self, id: UUID) -> bytes | None:
        answer = await self._send("GET", id)
        return None if answer.status_code == 404 else answer.content

    async def remove(self, id: UUID) -> None:
        await self._send("DELETE", id)

    async def _send(self, method: str, id: UUID, body: bytes = b"") -> httpx.Response:
        url = f"{self._url}/{id}"
        kind = ""
        for attempt in range(TRIES):
            await asyncio.sleep(0.1 * attempt)
            try:
                credentials = await self._task.credentials()
                now = datetime.now(UTC)
                headers = signed_headers(method, url, body, credentials, service="s3", region=self._region, now=now)
                answer = await self._client.request(method, url, content=body or None, headers=headers)
            except (httpx.HTTPError, msgspec.DecodeError) as error:
                kind = type(error).__name__
                continue
            if answer.is_success or answer.status_code == 404:
                return answer
            kind = f"status {answer.status_code}"
        raise Unavailable(f"The keys of the change history can't be reached now ({kind}). Try again.")
