"""Signs requests to AWS (Signature Version 4) with the task's own credentials.

boto3 would add 100 MB to each image and 35 MB to each task for a handful of requests. Tests compare the signatures with
botocore's. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
import msgspec

CONTAINER = "http://169.254.170.2"  # where ECS gives a task its credentials
RENEWED_BEFORE = timedelta(minutes=5)


class TaskCredentials(msgspec.Struct, frozen=True, rename="pascal"):
    """As ECS answers them."""

    access_key_id: str
    secret_access_key: str
    token: str = ""
    expiration: datetime | None = None

    def ends_soon(self, now: datetime) -> bool:
        return self.expiration is not None and self.expiration - now < RENEWED_BEFORE


class TaskIdentity:
    """The credentials of the task that this runs in, fetched again before they end; elsewhere, AWS's variables."""

    def __init__(self, client: httpx.AsyncClient, environ: Mapping[str, str] | None = None) -> None:
        self._client = client
        self._environ = os.environ if environ is None else environ
        self._credentials: TaskCredentials | None = None

    async def credentials(self) -> TaskCredentials:
        """Raises httpx.HTTPError or msgspec.DecodeError where ECS doesn't give any."""
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
    method: str,
    url: str,
    body: bytes,
    credentials: TaskCredentials,
    *,
    service: str,
    region: str,
    now: datetime,
    headers: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """`headers` (lower case; all are signed) and those that sign a request without a query."""
    parts = urlsplit(url)
    moment, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    digest = hashlib.sha256(body).hexdigest()
    signed = {**(headers or {}), "host": parts.netloc, "x-amz-date": moment}
    if service == "s3":
        signed["x-amz-content-sha256"] = digest  # S3 alone wants to see it
    if credentials.token:
        signed["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(signed))
    listed = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    canonical = "\n".join([method, parts.path or "/", "", listed, names, digest])
    scope = f"{day}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    value = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return {**signed, "authorization": value}
