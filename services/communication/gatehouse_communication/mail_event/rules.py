"""What SES's events mean for a mail. Pure: events and deliveries in, decisions out."""

import msgspec

from gatehouse_communication.delivery.structs import Delivery
from gatehouse_communication.enumerators import MailState, SuppressionReason
from gatehouse_communication.mail_event.structs import MailEvent

OPEN: frozenset[MailState] = frozenset({"sent", "unknown"})
"""Of a mail in one of these states an event is news: it isn't known yet what became of it."""
PERMANENT = "Permanent"


class Outcome(msgspec.Struct, frozen=True):
    """What becomes of a mail, and whether its address is never used again."""

    state: MailState
    suppress: SuppressionReason | None = None
    error: str | None = None


def outcome_of(event: MailEvent) -> Outcome | None:
    """None for what needs nobody: a delivery, a click, whatever SES will tell of tomorrow."""
    match event.event_type:
        case "Bounce" if event.bounce.bounce_type == PERMANENT:
            return Outcome("bounced", "bounced", "The address doesn't exist, or takes no mail.")
        case "Bounce":
            return Outcome("bounced", None, "It came back for now: the mailbox may be full.")
        case "Complaint" if event.complaint.complaint_feedback_type != "not-spam":
            return Outcome("complained", "complained")
        case "Reject":
            return Outcome("failed", None, "The mail server refused its content.")
        case _:
            return None


def is_news(delivery: Delivery, event: MailEvent) -> bool:
    """Whether an event is about this mail as it was sent last: an earlier try's, or a repeated one, changes nothing.

    Nobody knows what the mail server calls a mail whose handover was interrupted: any event is about that one.
    """
    return delivery.state in OPEN and delivery.message_id in (None, event.mail.message_id)
