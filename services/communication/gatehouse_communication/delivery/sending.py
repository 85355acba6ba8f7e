"""Sends one mail: a job, so that nothing leaves the platform from a request or an event's handler.

The delivery says `sending`, committed, before the mail is handed over, and `sent` after. Whoever finds `sending` finds
a handover that was interrupted: the mail may have left, so it becomes `unknown`, and a person decides.
"""

from datetime import UTC, datetime
from uuid import UUID

import structlog

from gatehouse_chassis.base.problems import StaleVersion
from gatehouse_chassis.jobs.structs import JobRun
from gatehouse_chassis.service.service import ServiceContext
from gatehouse_communication.delivery import rules
from gatehouse_communication.delivery.queries import DELIVERY, mark_sent, move, wait_until
from gatehouse_communication.delivery.structs import Delivery, Recipient
from gatehouse_communication.delivery.values import MailValues, TooEarly
from gatehouse_communication.mail.mailer import Handover, Mailer, MailNotAccepted, MailRefused, MailUnknown
from gatehouse_communication.mail.message import MailText, Sender, make_message
from gatehouse_communication.mail_choice.queries import choice_of
from gatehouse_communication.mail_choice.structs import MailChoice
from gatehouse_communication.suppression.queries import is_suppressed
from gatehouse_communication.template.queries import words_for
from gatehouse_communication.template.rules import rendered

INTERRUPTED = "The service stopped while it handed this mail over."

log = structlog.get_logger()


class PutOff(Exception):
    """The mail server takes it later: the job is tried again."""


class Sending:
    """`mailer`: how mails leave. `values`: who gets them, and what they say; a test may know people itself."""

    def __init__(self, service: ServiceContext, mailer: Mailer, values: MailValues | None = None) -> None:
        self._mailer = mailer
        self._asked = values or MailValues(service)
        self._sender = Sender(service.settings.text("mail_name"), service.settings.text("mail_from"))

    async def deliver(self, run: JobRun) -> None:
        """The job. Raises PutOff, and what a service that doesn't answer raises: then it is tried again."""
        delivery = await DELIVERY.find(UUID(run.key))
        if delivery is None:
            return
        try:
            if delivery.state == "sending":
                await move(delivery, "unknown", error=INTERRUPTED)
            elif delivery.state == "queued":
                await self._send(delivery)
        except TooEarly as early:
            await wait_until(delivery, early.at)
        except StaleVersion:
            log.info("somebody else decided about this mail", delivery_id=str(delivery.id))

    async def _send(self, delivery: Delivery) -> None:
        contact, values = await self._asked.recipient(delivery)
        choice = MailChoice() if delivery.person_id is None else await choice_of(delivery.person_id)
        suppressed = contact is not None and await is_suppressed(contact.email)
        reason = rules.reason_to_skip(delivery.kind, contact, choice.declined, suppressed=suppressed)
        if values is None and not reason and contact is not None:
            values = await self._asked.of(delivery, contact)
        if reason or contact is None or values is None:
            await move(delivery, "skipped", skip_reason=reason or "settled")
            return
        words = await words_for(delivery.kind, choice.locale)
        started = await move(
            delivery,
            "sending",
            # Of who isn't a person of ours the address stays where it is kept: with intake, or with the ledger.
            address=contact.email if contact.id is not None else None,
            locale=words.locale,
            template_number=words.number,
            tries=delivery.tries + 1,
        )
        await self._hand_over(started, contact, rendered(words, values))

    async def _hand_over(self, delivery: Delivery, contact: Recipient, text: MailText) -> None:
        message = make_message(self._sender, contact.name, contact.email, text, delivery.id, datetime.now(UTC))
        handover = Handover(delivery_id=delivery.id, person_id=contact.id, address=contact.email, message=message)
        try:
            message_id = await self._mailer.send(handover)
        except MailRefused as refused:
            await move(delivery, "failed", error=f"The mail server refused it: {refused}")
        except MailUnknown as unknown:
            await move(delivery, "unknown", error=f"The mail server didn't say whether it took it: {unknown}")
        except MailNotAccepted as put_off:
            if delivery.tries >= rules.MOST_TRIES:
                await move(delivery, "failed", error=f"Put off {delivery.tries} times: {put_off}")
                return
            await move(delivery, "queued", error=f"The mail server takes it later: {put_off}")
            raise PutOff(str(put_off)) from None
        else:
            await mark_sent(delivery, message_id)
