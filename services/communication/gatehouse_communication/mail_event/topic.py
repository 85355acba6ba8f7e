"""Our topic: checks what is posted in its name, and confirms its subscription. The only calls go to SNS itself."""

import time
from collections.abc import Callable
from datetime import datetime

import httpx
import structlog
from cryptography.x509 import Certificate

from gatehouse_chassis.base.problems import Unavailable
from gatehouse_chassis.base.tls import trusted_authorities
from gatehouse_communication.mail_event import signature
from gatehouse_communication.mail_event.signature import ForgedMessage
from gatehouse_communication.mail_event.structs import SnsMessage, Verified

TIMEOUT = 5.0
LARGEST_ANSWER = 20_000  # bytes; a certificate has 2,000
KEPT_CERTIFICATES = 4
LEAST_BETWEEN_FETCHES = 1.0  # seconds: strangers can't make us ask more often

log = structlog.get_logger()


class MailTopic:
    """`arn`: empty where there is none, so that nothing is ever taken. `transport` and `now` are for tests."""

    def __init__(
        self,
        arn: str,
        transport: httpx.AsyncBaseTransport | None = None,
        now: Callable[[], datetime] = signature.utc_now,
    ) -> None:
        self.arn = arn
        self._transport, self._now = transport, now
        self._certificates: dict[str, Certificate] = {}
        self._fetched_at = float("-inf")

    async def verify(self, message: SnsMessage) -> Verified:
        """Raises ForgedMessage; Unavailable where SNS's certificate can't be had now: SNS tries again."""
        now = self._now()
        address = signature.certificate_address(message, self.arn, now)
        certificate = self._certificates.get(address)
        if certificate is None or now > certificate.not_valid_after_utc:
            certificate = signature.read_certificate(await self._fetch_certificate(address), self.arn, now)
            found = signature.verified(message, certificate)
            # Kept only when it was good for something, so nobody can push a good one out.
            self._certificates = dict([*self._certificates.items()][1 - KEPT_CERTIFICATES :])
            self._certificates[address] = certificate
            return found
        return signature.verified(message, certificate)

    async def confirm(self, found: Verified) -> None:
        """Raises ForgedMessage, Unavailable."""
        await self._get(signature.confirmation_address(found.message))
        log.info("the topic tells us what becomes of mails", topic=self.arn)

    async def _fetch_certificate(self, address: str) -> bytes:
        since, self._fetched_at = time.monotonic() - self._fetched_at, time.monotonic()
        if since < LEAST_BETWEEN_FETCHES:
            raise Unavailable("SNS's certificate was asked for a moment ago.")
        return await self._get(address)

    async def _get(self, address: str) -> bytes:
        """The answer of SNS, without following it anywhere."""
        try:
            async with (
                httpx.AsyncClient(
                    transport=self._transport,
                    verify=trusted_authorities(),
                    timeout=TIMEOUT,
                    follow_redirects=False,
                    trust_env=False,
                ) as client,
                client.stream("GET", address) as answer,
            ):
                content = b""
                async for part in answer.aiter_bytes():
                    content += part
                    if len(content) > LARGEST_ANSWER:
                        raise ForgedMessage("an answer that is too long")
        except httpx.HTTPError as error:
            log.warning("SNS doesn't answer", error=type(error).__name__)
            raise Unavailable("SNS doesn't answer.") from None
        if answer.status_code >= 500 or answer.status_code == 429:
            raise Unavailable("SNS doesn't answer.")
        if answer.status_code != 200:
            raise ForgedMessage(f"SNS answers {answer.status_code}")
        return content
