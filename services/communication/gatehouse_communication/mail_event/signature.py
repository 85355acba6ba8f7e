"""Whether a message is our topic's: AWS's rules for SNS, as pure functions.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html. Where the certificate comes from is
decided by the topic's own region, never by the message.
"""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from gatehouse_communication.mail_event.structs import SnsMessage, Verified

TOPIC = re.compile(r"arn:(aws|aws-cn):sns:([a-z]{2}(?:-[a-z]+)+-\d):(\d{12}):([A-Za-z0-9_-]{1,256})")
TOKEN = re.compile(r"[0-9A-Za-z]{16,1024}")
# SNS repeats a delivery for an hour at most; the rest is for clocks and for a message that waited before it was sent.
OLDEST, NEWEST = timedelta(hours=2), timedelta(minutes=5)
LEAST_KEY_BITS = 2048
NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


class ForgedMessage(Exception):
    """It isn't what our topic said. The text is for the log."""


def endpoint(topic: str) -> str:
    """The address of SNS in the topic's region. Raises ForgedMessage for what is no topic."""
    found = TOPIC.fullmatch(topic)
    if found is None:
        raise ForgedMessage("no topic's ARN")
    return f"https://sns.{found[2]}.amazonaws.com{'.cn' if found[1] == 'aws-cn' else ''}"


def certificate_address(message: SnsMessage, topic: str, now: datetime) -> str:
    """Where the certificate of a message is, once all is well that needs none. Raises ForgedMessage."""
    if message.topic_arn != topic:
        raise ForgedMessage("another topic")
    at = sent_at(message)
    if at < now - OLDEST or at > now + NEWEST:
        raise ForgedMessage("too old, or of tomorrow")
    address = message.signing_cert_url
    if not re.fullmatch(re.escape(endpoint(topic)) + r"/SimpleNotificationService-[0-9a-f]{8,64}\.pem", address):
        raise ForgedMessage("a certificate from elsewhere")
    return address


def sent_at(message: SnsMessage) -> datetime:
    """When SNS took it. Raises ForgedMessage."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", message.timestamp):
        raise ForgedMessage("no time")
    try:
        return datetime.fromisoformat(message.timestamp.replace("Z", "+00:00"))
    except ValueError:
        raise ForgedMessage("no time") from None


def read_certificate(pem: bytes, topic: str, now: datetime) -> x509.Certificate:
    """A certificate of SNS that is valid now. Raises ForgedMessage."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        names = {str(one.value) for one in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)}
        key = certificate.public_key()
    except ValueError:
        raise ForgedMessage("no certificate") from None
    host = endpoint(topic).removeprefix("https://")
    # One for most regions, one of its own for the newer ones.
    if not names & {host, "sns.amazonaws.com", host.replace("sns.", "sns-signing.", 1)}:
        raise ForgedMessage("a certificate of somebody else")
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise ForgedMessage("a certificate that isn't valid now")
    if not isinstance(key, RSAPublicKey) or key.key_size < LEAST_KEY_BITS:
        raise ForgedMessage("a weak key")
    return certificate


def text_to_sign(message: SnsMessage) -> bytes:
    """What SNS signs: names and values in this order, a line each; a name without a value is left out."""
    values = {
        "Message": message.message,
        "MessageId": message.message_id,
        "Subject": message.subject,
        "SubscribeURL": message.subscribe_url,
        "Timestamp": message.timestamp,
        "Token": message.token,
        "TopicArn": message.topic_arn,
        "Type": message.type,
    }
    names = NOTIFICATION if message.type == "Notification" else CONFIRMATION
    return "".join(f"{name}\n{values[name]}\n" for name in names if values[name] is not None).encode()


def verified(message: SnsMessage, certificate: x509.Certificate) -> Verified:
    """Raises ForgedMessage unless the certificate's owner signed exactly this."""
    key = certificate.public_key()
    assert isinstance(key, RSAPublicKey)
    try:
        key.verify(base64.b64decode(message.signature, validate=True), text_to_sign(message), PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        raise ForgedMessage("another signature") from None
    return Verified(message, sent_at(message))


def confirmation_address(message: SnsMessage) -> str:
    """Where a subscription is confirmed: made of its token, never what the message names. Raises ForgedMessage."""
    if message.token is None or not TOKEN.fullmatch(message.token):
        raise ForgedMessage("no token")
    return (
        f"{endpoint(message.topic_arn)}/?Action=ConfirmSubscription&TopicArn={message.topic_arn}&Token={message.token}"
    )


def utc_now() -> datetime:
    return datetime.now(UTC)
