"""SES as moto plays it, and how each way in which boto3 fails is understood."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any
from uuid import UUID, uuid4

import botocore.exceptions
import pytest
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses import ses_backends

from gatehouse_communication.mail.mailer import Handover, MailNotAccepted, MailRefused, MailUnknown
from gatehouse_communication.mail.message import MailText, Sender, make_message
from gatehouse_communication.mail.ses import SesMailer, new_client

REGION = "us-east-2"
TEXT = MailText(subject="Zoë, welcome 🌱", text="Hello Zoë", html="<p>Hello Zoë</p>", locale="en")


def handover() -> Handover:
    sender = Sender("Agile Learning Institute", "hello@institute.example")
    id = uuid4()
    message = make_message(sender, "Zoë", "zoe+x@example.org", TEXT, id, datetime.now(UTC))
    return Handover(delivery_id=id, person_id=UUID(int=1), address="zoe+x@example.org", message=message)


@pytest.fixture
def aws(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield new_client()


async def test_a_verified_sender_sends_the_whole_message(aws):
    aws.create_email_identity(EmailIdentity="hello@institute.example")
    mail = handover()
    assert await SesMailer(client=aws).send(mail)
    (kept,) = ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages
    message = message_from_bytes(kept.raw_data.encode(), policy=policy.default)
    assert message["Subject"] == TEXT.subject
    assert message["To"].addresses[0].addr_spec == "zoe+x@example.org"


async def test_a_sender_that_is_not_verified_is_refused_for_good(aws):
    with pytest.raises(MailRefused, match=r"MessageRejected|NotVerified"):
        await SesMailer(client=aws).send(handover())


def answered(code: str, status: int) -> Exception:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return botocore.exceptions.ClientError(answer, "SendEmail")


@pytest.mark.parametrize(
    ("failure", "understood"),
    [
        (answered("MessageRejected", 400), MailRefused),
        (answered("TooManyRequestsException", 429), MailNotAccepted),
        (answered("LimitExceededException", 400), MailNotAccepted),
        (answered("InternalServiceErrorException", 500), MailUnknown),
        (botocore.exceptions.EndpointConnectionError(endpoint_url="https://x"), MailNotAccepted),
        (botocore.exceptions.ConnectTimeoutError(endpoint_url="https://x"), MailNotAccepted),
        (botocore.exceptions.NoCredentialsError(), MailNotAccepted),
        (botocore.exceptions.ReadTimeoutError(endpoint_url="https://x"), MailUnknown),
        (botocore.exceptions.ConnectionClosedError(endpoint_url="https://x"), MailUnknown),
    ],
)
async def test_how_each_failure_is_understood(failure, understood):
    class Client:
        def send_email(self, **_: Any) -> Any:
            raise failure

    with pytest.raises(understood):
        await SesMailer(client=Client()).send(handover())


def test_boto3_repeats_nothing_by_itself(aws):
    assert aws.meta.config.retries["total_max_attempts"] == 1
