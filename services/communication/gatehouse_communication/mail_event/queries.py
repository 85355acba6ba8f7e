"""What an event changes, in one transaction."""

import structlog

from gatehouse_chassis.base.problems import Unavailable
from gatehouse_communication.delivery.queries import DELIVERY, move
from gatehouse_communication.delivery.structs import Delivery
from gatehouse_communication.events import OUTBOX, MailIds
from gatehouse_communication.mail_event import rules
from gatehouse_communication.mail_event.structs import MailEvent
from gatehouse_communication.suppression.queries import is_suppressed, suppress
from gatehouse_communication.suppression.structs import NewSuppression
from gatehouse_communication.tables import DB

EVENTS = {"bounced": "communication.mail.bounced", "complained": "communication.mail.complained"}

log = structlog.get_logger()


async def take(event: MailEvent) -> None:
    """Does what the event asks for, once however often it comes. Raises Unavailable while the mail is handed over."""
    outcome, id = rules.outcome_of(event), event.mail.delivery_id
    if outcome is None:
        return
    if id is None:
        log.warning("an event of no mail of ours", kind=event.event_type)
        return
    async with DB.transaction():
        delivery = await DELIVERY.find(id, lock=True)
        if delivery is not None and delivery.state == "sending":
            raise Unavailable("This mail is still being handed over.", retry_after=20)
        if delivery is not None and rules.is_news(delivery, event):
            await _settle(delivery, outcome)


async def _settle(delivery: Delivery, outcome: rules.Outcome) -> None:
    moved = await move(delivery, outcome.state, error=outcome.error)
    if moved.state in EVENTS:
        ids = MailIds(moved.person_id, moved.kind, moved.about_id)
        await OUTBOX.publish(EVENTS[moved.state], moved, by=None, ids=ids)
    # The address that we sent to; what the event says of addresses isn't needed.
    if outcome.suppress and moved.address and not await is_suppressed(moved.address):
        new = NewSuppression(address=moved.address, reason=outcome.suppress, person_id=moved.person_id)
        await suppress(new, None)
