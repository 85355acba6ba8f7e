"""What SNS posts, and what SES says in it. Fields that aren't named here are skipped.

https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html and
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct, field

Short = Annotated[str, Meta(max_length=2048)]


class SnsMessage(Struct, frozen=True, rename="pascal"):
    """A message as it came, not yet checked: everything in it may be forged.

    Our topic signs all that it says with version 2, SHA-256; version 1 is SHA-1, which nothing is taken with.
    """

    type: Literal["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]
    message_id: Short
    topic_arn: Short
    message: str
    timestamp: Short
    signature_version: Literal["2"]
    signature: Short
    signing_cert_url: Short = field(name="SigningCertURL")
    subject: Short | None = None
    token: Short | None = None
    subscribe_url: Short | None = field(name="SubscribeURL", default=None)


class SentMail(Struct, frozen=True, rename="camel"):
    """Which mail it was: what SES calls it, and the delivery that we named when it left."""

    message_id: str
    tags: dict[str, list[str]] = {}

    @property
    def delivery_id(self) -> UUID | None:
        try:
            (text,) = self.tags.get("delivery", [])
            return UUID(text)
        except ValueError:
            return None


class Bounce(Struct, frozen=True, rename="camel"):
    bounce_type: str = "Undetermined"


class Complaint(Struct, frozen=True, rename="camel"):
    complaint_feedback_type: str | None = None


class MailEvent(Struct, frozen=True, rename="camel"):
    """`timestamp`s of SES are left out: what is known of the mail says whether an event is news."""

    event_type: str
    mail: SentMail
    bounce: Bounce = Bounce()
    complaint: Complaint = Complaint()


class Verified(Struct, frozen=True):
    """What the topic certainly said, and when."""

    message: SnsMessage
    at: datetime
