"""What happens in the books that other services may follow."""

from gatehouse_chassis.events.outbox import Outbox
from gatehouse_ledger.tables import DB

OUTBOX = Outbox(DB, {"ledger.period.closed": None})
