"""Keys that a service makes, sealed by a key of AWS KMS: whoever has the database, its backups or a secret of the
service has none of them.

The encryption context names environment, row and key id. KMS authenticates it: a sealed key that was moved to another
row, or comes from another environment, doesn't open. The key's policy lets only that service's task role use it, with
this environment's context only (platform/gatehouse_platform/components/keys/sealing_key.py).
https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
"""

import asyncio
import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import msgspec
import structlog

from gatehouse_catalog.structs import SEALED_ENVIRONMENT
from gatehouse_chassis.base.aws_requests import TaskIdentity, signed_headers
from gatehouse_chassis.base.problems import Unavailable
from gatehouse_chassis.service.key_sealing import Unsealable

PREFIX = "kms:"
TIMEOUT = 2.0  # seconds, of one request: tasks wait for each other meanwhile
TRIES = 2
# What says that the ciphertext is none of ours, rather than that KMS can't be used now.
NOT_OURS = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})

log = structlog.get_logger()


class KmsSealer:
    """`key`: the ARN of a symmetric key. `endpoint` and `environ` are for tests."""

    def __init__(
        self, key: str, environment: str, *, endpoint: str = "", environ: Mapping[str, str] | None = None
    ) -> None:
        self._key, self._environment = key, environment
        self._region = key.split(":")[3]
        self._url = endpoint or f"https://kms.{self._region}.amazonaws.com/"
        self._client = httpx.AsyncClient(timeout=TIMEOUT)
        self._task = TaskIdentity(self._client, environ)

    async def seal(self, id: UUID, kid: str, pem: str) -> str:
        answer = await self._ask("Encrypt", id, kid, Plaintext=base64.b64encode(pem.encode()).decode())
        return PREFIX + answer["CiphertextBlob"]

    async def open(self, id: UUID, kid: str, sealed: str) -> str:
        if not sealed.startswith(PREFIX):
            raise Unsealable("It wasn't sealed with the key of KMS.")
        answer = await self._ask("Decrypt", id, kid, CiphertextBlob=sealed.removeprefix(PREFIX))
        return base64.b64decode(answer["Plaintext"]).decode()

    async def _ask(self, call: str, id: UUID, kid: str, **given: str) -> dict[str, Any]:
        context = {SEALED_ENVIRONMENT: self._environment, "gatehouse:row": str(id), "gatehouse:kid": kid}
        body = msgspec.json.encode({"KeyId": self._key, "EncryptionContext": context, **given})
        headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": f"TrentService.{call}"}
        reason = ""
        for attempt in range(TRIES):
            await asyncio.sleep(0.2 * attempt)
            try:
                signed = signed_headers(
                    "POST",
                    self._url,
                    body,
                    await self._task.credentials(),
                    service="kms",
                    region=self._region,
                    now=datetime.now(UTC),
                    headers=headers,
                )
                answer = await self._client.post(self._url, content=body, headers=signed)
                said = msgspec.json.decode(answer.content)
            except (httpx.HTTPError, msgspec.DecodeError) as error:
                reason = type(error).__name__
                continue
            if answer.is_success:
                return said
            reason = str(said.get("__type", answer.status_code)).rpartition("#")[2]
            if reason in NOT_OURS or (reason == "ValidationException" and call == "Decrypt"):
                raise Unsealable("KMS doesn't open it for this row.")
        log.error("KMS can't be used", call=call, reason=reason, kid=kid)
        raise Unavailable(f"The signing keys can't be used now: KMS answers {reason}. Try again.")
