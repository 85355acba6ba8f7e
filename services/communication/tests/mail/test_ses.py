"""SES as moto plays it, and how each way in which boto3 fails is understood."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any
from uuid import UUID, uuid4

import botocore.exceptions
import pytest

from gatehouse_communication.mail.mailer import Handover, MailNotAccepted, MailRefused, MailUnknown
from gatehouse_communication.mail.message import MailText, Sender, make_message
from gatehouse_communication.mail.ses import SesMailer, new_client

REGION = "us-east-2"
ACCOUNT = "123456789012"  # moto's
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
    moto = pytest.importorskip("moto", reason="moto isn't installed: uv sync --group platform")
    with moto.mock_aws():
        yield new_client()


async def test_a_verified_sender_sends_the_whole_message(aws):
    backends = pytest.importorskip("moto.ses").ses_backends
    aws.create_email_identity(EmailIdentity="hello@institute.example")
    mail = handover()
    assert await SesMailer(client=aws).send(mail)
    (kept,) = backends[ACCOUNT][REGION].sent_messages
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


def test_boto3_repeats_nothing_by_itself():
    client = new_client(region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
    assert client.meta.config.retries["total_max_attempts"] == 1
