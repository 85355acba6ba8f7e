"""Private keys of people in an S3 bucket without versions: what is deleted there is gone.

Three requests, signed here (AWS Signature Version 4) with the task's own credentials. boto3 would add 100 MB to each
image and 35 MB to each task for them. A test compares the signature with botocore's.
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import asyncio
import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import msgspec

from gatehouse_chassis.base.problems import Unavailable

CONTAINER = "http://169.254.170.2"  # where ECS gives a task its credentials
RENEWED_BEFORE = timedelta(minutes=5)
TIMEOUT = 3.0  # seconds, of one request
TRIES = 3
HOST = re.compile(r"\.s3\.([a-z0-9-]+)\.amazonaws\.com$")


class TaskCredentials(msgspec.Struct, frozen=True, rename="pascal"):
    """As ECS answers them."""

    access_key_id: str
    secret_access_key: str
    token: str = ""
    expiration: datetime | None = None

    def ends_soon(self, now: datetime) -> bool:
        return self.expiration is not None and self.expiration - now < RENEWED_BEFORE


class KeyBucket:
    """`url`: https://BUCKET.s3.REGION.amazonaws.com/PREFIX; of a stand-in, http://ADDRESS/BUCKET/PREFIX."""

    def __init__(self, url: str, environ: Mapping[str, str] | None = None) -> None:
        self._url = url.rstrip("/")
        found = HOST.search(urlsplit(url).netloc)
        self._region = found[1] if found else "us-east-1"
        self._environ = os.environ if environ is None else environ
        self._credentials: TaskCredentials | None = None
        self._client = httpx.AsyncClient(timeout=TIMEOUT)

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
                credentials = await self._signed_in()
                now = datetime.now(UTC)
                headers = signed_headers(method, url, body, credentials, region=self._region, now=now)
                answer = await self._client.request(method, url, content=body or None, headers=headers)
            except (httpx.HTTPError, msgspec.DecodeError) as error:
                kind = type(error).__name__
                continue
            if answer.is_success or answer.status_code == 404:
                return answer
            kind = f"status {answer.status_code}"
        raise Unavailable(f"The keys of the change history can't be reached now ({kind}). Try again.")

    async def _signed_in(self) -> TaskCredentials:
        if self._credentials is None or self._credentials.ends_soon(datetime.now(UTC)):
            self._credentials = await self._fetched()
        return self._credentials

    async def _fetched(self) -> TaskCredentials:
        path = self._environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "")
        if not path:
            names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
            key_id, key, token = (self._environ.get(name, "") for name in names)
            return TaskCredentials(key_id, key, token)
        answer = await self._client.get(CONTAINER + path)
        answer.raise_for_status()
        return msgspec.json.decode(answer.content, type=TaskCredentials)


def signed_headers(
    method: str, url: str, body: bytes, credentials: TaskCredentials, *, region: str, now: datetime
) -> dict[str, str]:
    """The headers that sign a request to S3 without a query."""
    parts = urlsplit(url)
    moment, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    digest = hashlib.sha256(body).hexdigest()
    headers = {"host": parts.netloc, "x-amz-content-sha256": digest, "x-amz-date": moment}
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(headers))
    listed = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = "\n".join([method, parts.path, "", listed, names, digest])
    scope = f"{day}/{region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    value = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return {**headers, "authorization": value}
