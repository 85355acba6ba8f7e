"""What happens in the books that other services may follow."""

from uuid import UUID

import msgspec

from gatehouse_chassis.events.outbox import Outbox
from gatehouse_ledger.enumerators import StatementState
from gatehouse_ledger.tables import DB


class StatementIds(msgspec.Struct, frozen=True):
    """Of a statement, the event's subject."""

    account_id: UUID
    state: StatementState


OUTBOX = Outbox(DB, {"ledger.period.closed": None, "ledger.statement.imported": StatementIds})
