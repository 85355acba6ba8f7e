"""What happens to partners that other services may follow."""

from uuid import UUID

import msgspec

from gatehouse_chassis.events.outbox import Outbox
from gatehouse_partner.enumerators import AgreementStatus, PartnerKind, PartnerStatus
from gatehouse_partner.tables import DB


class PartnerIds(msgspec.Struct, frozen=True):
    """A partner's kind and status, as they became."""

    kind: PartnerKind
    status: PartnerStatus


class AgreementIds(msgspec.Struct, frozen=True):
    """Of an agreement, the event's subject. Archiving it is a change, too."""

    partner_id: UUID
    status: AgreementStatus


OUTBOX = Outbox(
    DB,
    {
        "partner.created": PartnerIds,
        "partner.changed": PartnerIds,
        "partner.archived": None,
        "partner.agreement.changed": AgreementIds,
    },
)
