"""What happens to mails that other services may follow."""

from uuid import UUID

import msgspec

from gatehouse_chassis.events.outbox import Outbox
from gatehouse_communication.enumerators import MailKind, SuppressionReason
from gatehouse_communication.tables import DB


class MailIds(msgspec.Struct, frozen=True):
    """Of a delivery, the event's subject: to whom, what, and what it was about. `person_id`: None outside us."""

    person_id: UUID | None
    kind: MailKind
    about_id: UUID | None


class SuppressionIds(msgspec.Struct, frozen=True):
    """Of a suppression, the event's subject: whose address it was, where that is known, and why."""

    person_id: UUID | None
    reason: SuppressionReason


OUTBOX = Outbox(
    DB,
    {
        "communication.mail.sent": MailIds,
        "communication.mail.bounced": MailIds,
        "communication.mail.complained": MailIds,
        "communication.suppressed": SuppressionIds,
    },
)
