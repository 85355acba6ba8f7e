"""SNS, played: signs messages with a certificate made here, and answers who asks for it.

Nothing else can be had: AWS has no SNS that signs for a laptop, and moto's signs nothing.
"""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

HOST = "https://sns.eu-central-1.amazonaws.com"
NAMES = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


class Signer:
    """A key and a certificate for it."""

    def __init__(self, name: str = "sns.amazonaws.com", *, bits: int = 2048, days: tuple[int, int] = (-1, 30)) -> None:
        self.key = rsa.generate_private_key(65537, bits)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=days[0]))
            .not_valid_after(now + timedelta(days=days[1]))
            .sign(self.key, hashes.SHA256())
            .public_bytes(Encoding.PEM)
        )

    def sign(self, message: dict[str, Any]) -> dict[str, Any]:
        names = NAMES.get(message["Type"], NAMES["SubscriptionConfirmation"])
        text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
        algorithm = hashes.SHA256() if message["SignatureVersion"] == "2" else hashes.SHA1()
        signed = self.key.sign(text.encode(), padding.PKCS1v15(), algorithm)
        return message | {"Signature": base64.b64encode(signed).decode()}


class PlayedSns:
    """`asked`: the addresses that were asked for. `certificates`: what it answers, by address."""

    arn = "arn:aws:sns:eu-central-1:111122223333:gatehouse-dev-mail-events"

    def __init__(self) -> None:
        self.signer = Signer()
        self.address = f"{HOST}/SimpleNotificationService-{uuid4().hex}.pem"
        self.certificates = {self.address: self.signer.certificate}
        self.asked: list[str] = []
        self.transport = httpx.MockTransport(self._answer)
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        if str(request.url) in self.certificates:
            return httpx.Response(200, content=self.certificates[str(request.url)])
        if request.url.params.get("Action") == "ConfirmSubscription":
            return httpx.Response(200, text="<ConfirmSubscriptionResponse/>")
        return httpx.Response(302, headers={"Location": "http://169.254.169.254/"})

    def message(self, content: Any = "hello", **changed: Any) -> dict[str, Any]:
        """A message of the topic, not signed."""
        return {
            "Type": "Notification",
            "MessageId": str(uuid4()),
            "TopicArn": self.arn,
            "Message": content if isinstance(content, str) else json.dumps(content),
            "Timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "SignatureVersion": "2",
            "SigningCertURL": self.address,
            "UnsubscribeURL": f"{HOST}/?Action=Unsubscribe",
            **changed,
        }

    def signed(self, content: Any = "hello", **changed: Any) -> dict[str, Any]:
        return self.signer.sign(self.message(content, **changed))
