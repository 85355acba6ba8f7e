"""Whether a mail is sent, and what people may decide about one. Pure functions: no database, no HTTP."""

from collections.abc import Collection
from datetime import datetime, timedelta

from gatehouse_chassis.base.problems import Conflict
from gatehouse_communication.delivery.structs import Delivery, Recipient
from gatehouse_communication.enumerators import MailKind, MailState, SkipReason
from gatehouse_communication.peers import PlannedMeeting
from gatehouse_communication.template.rules import OPTIONAL

MOST_TRIES = 8
"""So often the mail server may put a mail off, with pauses that double up to an hour."""
REMINDED_BEFORE = timedelta(hours=24)
"""So long before a meeting both are reminded; of one that is closer when it is agreed on, nobody is."""
OF_STRANGERS: frozenset[MailKind] = frozenset({"application_confirm"})
"""Kinds that go to somebody whom person doesn't know; what the mail is about says who that is."""
OF_DONORS: frozenset[MailKind] = frozenset({"gift_thanks", "gift_receipt", "annual_statement"})
"""Kinds that go to a donor, whose address the ledger keeps."""
REPEATABLE: frozenset[MailState] = frozenset({"unknown", "failed", "bounced"})
"""From these a person may have it sent again."""


def reason_to_skip(
    kind: MailKind, contact: Recipient | None, declined: Collection[MailKind], *, suppressed: bool
) -> SkipReason | None:
    if contact is None and kind in OF_STRANGERS | OF_DONORS:
        return "settled"
    if contact is None or contact.archived:
        return "archived"
    if suppressed:
        return "suppressed"
    if kind in OPTIONAL and kind in declined:
        return "declined"
    return None


def reminder_at(meeting: PlannedMeeting, ordered_at: datetime) -> datetime | None:
    """When somebody is reminded. None: never, as it was agreed on too shortly before, or takes place no more."""
    if meeting.state != "planned" or meeting.planned_from - ordered_at < REMINDED_BEFORE:
        return None
    return meeting.planned_from - REMINDED_BEFORE


def refuse_repeat(delivery: Delivery) -> None:
    """Raises Conflict where the mail arrived, or is under way."""
    if delivery.state not in REPEATABLE:
        raise Conflict(f"This mail is {delivery.state}. It can be sent again while it is unknown, failed or bounced.")


def refuse_settling(delivery: Delivery) -> None:
    """Raises Conflict where it is known what became of the mail."""
    if delivery.state != "unknown":
        raise Conflict(f"This mail is {delivery.state}: only of one that is unknown people say that it arrived.")
