"""What happens to certificates that other services may follow."""

from uuid import UUID

import msgspec

from gatehouse_chassis.events.outbox import Outbox
from gatehouse_credential.tables import DB


class AwardIds(msgspec.Struct, frozen=True):
    """Of an award, the event's subject: whose it is, and what they achieved."""

    person_id: UUID
    achievement_id: UUID


OUTBOX = Outbox(DB, {"credential.proposed": AwardIds, "credential.issued": AwardIds, "credential.revoked": AwardIds})
