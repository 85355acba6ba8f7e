"""Certificates: whose they are, and that nobody makes us ask for many."""

from datetime import timedelta

import msgspec
import pytest

from gatehouse_chassis.base.problems import Unavailable
from gatehouse_communication.mail_event.signature import ForgedMessage
from gatehouse_communication.mail_event.structs import SnsMessage
from gatehouse_communication.mail_event.topic import MailTopic

from .played_sns import HOST, PlayedSns, Signer


def message(sns: PlayedSns, **changed: str) -> SnsMessage:
    return msgspec.convert(sns.signed(**changed), SnsMessage)


@pytest.mark.parametrize(
    "signer",
    [
        Signer("evil.example"),
        Signer("sns.us-east-1.amazonaws.com"),
        Signer("xsns.amazonaws.com"),
        Signer(bits=1024),
        Signer(days=(-30, -1)),
        Signer(days=(1, 30)),
    ],
    ids=["another's", "another region's", "nearly", "weak", "expired", "not valid yet"],
)
async def test_a_certificate_that_isnt_sns_own_now_is_refused(signer):
    sns = PlayedSns()
    sns.signer, sns.certificates[sns.address] = signer, signer.certificate
    with pytest.raises(ForgedMessage, match=r"certificate|weak"):
        await MailTopic(sns.arn, sns.transport).verify(message(sns))


@pytest.mark.parametrize("content", [b"", b"no certificate", b"x" * 50_000], ids=["empty", "text", "long"])
async def test_an_answer_that_is_no_certificate_is_refused(content):
    sns = PlayedSns()
    sns.certificates[sns.address] = content
    with pytest.raises(ForgedMessage):
        await MailTopic(sns.arn, sns.transport).verify(message(sns))


async def test_a_redirect_is_never_followed():
    sns = PlayedSns()
    with pytest.raises(ForgedMessage, match="302"):
        await MailTopic(sns.arn, sns.transport).verify(
            message(sns, SigningCertURL=f"{HOST}/SimpleNotificationService-0123456789abcdef.pem")
        )
    assert sns.asked == [f"{HOST}/SimpleNotificationService-0123456789abcdef.pem"]


async def test_a_certificate_is_asked_for_once_and_another_not_at_once():
    sns = PlayedSns()
    topic = MailTopic(sns.arn, sns.transport, sns.now)
    for _ in range(3):
        await topic.verify(message(sns))
    assert sns.asked == [sns.address]
    with pytest.raises(Unavailable):
        await topic.verify(message(sns, SigningCertURL=f"{HOST}/SimpleNotificationService-0123456789abcdef.pem"))
    await topic.verify(message(sns))
    assert sns.asked == [sns.address]


async def test_a_certificate_that_ran_out_meanwhile_is_asked_for_again():
    sns = PlayedSns()
    topic = MailTopic(sns.arn, sns.transport, sns.now)
    await topic.verify(message(sns))
    sns.ahead = timedelta(days=31)
    fresh = {"Timestamp": sns.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")}
    topic._fetched_at = float("-inf")
    with pytest.raises(ForgedMessage, match="isn't valid now"):
        await topic.verify(message(sns, **fresh))
    assert sns.asked == [sns.address] * 2


async def test_without_a_topic_nothing_is_taken():
    sns = PlayedSns()
    with pytest.raises(ForgedMessage, match="another topic"):
        await MailTopic("", sns.transport).verify(message(sns))
