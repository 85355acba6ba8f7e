"""What happens in the books that other services may follow."""

from uuid import UUID

import msgspec

from gatehouse_chassis.events.outbox import Outbox
from gatehouse_ledger.enumerators import GiftKind, ReceiptKind, StatementState
from gatehouse_ledger.tables import DB


class StatementIds(msgspec.Struct, frozen=True):
    """Of a statement, the event's subject."""

    account_id: UUID
    state: StatementState


class GiftIds(msgspec.Struct, frozen=True):
    """Of a gift, the event's subject. `person_id`: its donor's, where the institute knows them as a person."""

    donor_id: UUID
    person_id: UUID | None
    fund_id: UUID
    kind: GiftKind


class ReceiptIds(msgspec.Struct, frozen=True):
    """Of a receipt, the event's subject. `replaces_id`: the one that is no longer valid."""

    donor_id: UUID
    person_id: UUID | None
    kind: ReceiptKind
    replaces_id: UUID | None


OUTBOX = Outbox(
    DB,
    {
        "ledger.gift.recorded": GiftIds,
        "ledger.period.closed": None,
        "ledger.receipt.issued": ReceiptIds,
        "ledger.statement.imported": StatementIds,
    },
)
