"""Amazon SES (version 2 of its API), by boto3. It has no idempotency key: a mail that is sent again arrives twice.

So boto3 must not repeat a request by itself, and what ends without an answer is unknown. boto3 is loaded at the first
mail, and only where mails leave: it takes 25 MB.
"""

import asyncio
from typing import Any

from gatehouse_communication.mail.mailer import Handover, MailNotAccepted, MailRefused, MailUnknown

# Not accepted, and worth another try: the account's rate or its daily quota.
LATER = frozenset({"TooManyRequestsException", "LimitExceededException", "ThrottlingException", "Throttling"})
CONNECT_SECONDS, READ_SECONDS = 5, 15


class SesMailer:
    """`configuration_set`: empty for none. `client` is for tests: boto3's `sesv2`."""

    def __init__(self, configuration_set: str = "", client: Any = None) -> None:
        self._options = {"ConfigurationSetName": configuration_set} if configuration_set else {}
        self._client = client

    async def send(self, handover: Handover) -> str:
        """Raises MailRefused, MailNotAccepted, MailUnknown."""
        return await asyncio.to_thread(self._send, handover)

    def _send(self, handover: Handover) -> str:
        from botocore import exceptions  # noqa: PLC0415 - see above

        client = self._client = self._client or new_client()
        try:
            answer = client.send_email(
                FromEmailAddress=str(handover.message["From"]),
                Destination={"ToAddresses": [handover.address]},
                Content={"Raw": {"Data": handover.message.as_bytes()}},
                EmailTags=[{"Name": "delivery", "Value": str(handover.delivery_id)}],
                **self._options,
            )
        except exceptions.ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if code in LATER or status == 429:
                raise MailNotAccepted(code) from None
            if 400 <= status < 500:
                raise MailRefused(code) from None
            raise MailUnknown(code) from None
        except (
            exceptions.EndpointConnectionError,
            exceptions.ConnectTimeoutError,
            exceptions.NoCredentialsError,
            exceptions.NoRegionError,
            exceptions.ParamValidationError,
        ) as error:
            raise MailNotAccepted(type(error).__name__) from None
        except exceptions.BotoCoreError as error:  # among them a read that timed out, and a connection that was closed
            raise MailUnknown(type(error).__name__) from None
        return str(answer["MessageId"])


def new_client(**options: Any) -> Any:
    """boto3's client with the task's own credentials and region, which sends each request once."""
    import boto3  # noqa: PLC0415 - see above
    from botocore.config import Config  # noqa: PLC0415

    config = Config(retries={"total_max_attempts": 1}, connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS)
    return boto3.client("sesv2", config=config, **options)
