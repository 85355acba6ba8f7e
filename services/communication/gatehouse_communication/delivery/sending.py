"""Sends one mail: a job, so that nothing leaves the platform from a request or an event's handler.

The delivery says `sending`, committed, before the mail is handed over, and `sent` after. Whoever finds `sending` finds
a handover that was interrupted: the mail may have left, so it becomes `unknown`, and a person decides.
"""

from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

import structlog

from gatehouse_chassis.base.problems import StaleVersion
from gatehouse_chassis.events import service_token
from gatehouse_chassis.jobs.structs import JobRun
from gatehouse_chassis.service.client import RequestRefused
from gatehouse_chassis.service.service import ServiceContext
from gatehouse_communication.delivery import rules
from gatehouse_communication.delivery.queries import DELIVERY, mark_sent, move
from gatehouse_communication.delivery.structs import Delivery, Recipient
from gatehouse_communication.mail.mailer import Handover, Mailer, MailNotAccepted, MailRefused, MailUnknown
from gatehouse_communication.mail.message import MailText, Sender, make_message
from gatehouse_communication.mail_choice.queries import choice_of
from gatehouse_communication.mail_choice.structs import MailChoice
from gatehouse_communication.peers import ConfirmLink, GiftMail, InvitationLink, PersonContact, ReceiptMail
from gatehouse_communication.suppression.queries import is_suppressed
from gatehouse_communication.template.queries import words_for
from gatehouse_communication.template.rules import rendered

T = TypeVar("T")
INTERRUPTED = "The service stopped while it handed this mail over."

log = structlog.get_logger()


class PutOff(Exception):
    """The mail server takes it later: the job is tried again."""


class Sending:
    """`mailer`: how mails leave."""

    def __init__(self, service: ServiceContext, mailer: Mailer) -> None:
        self._service = service
        self._mailer = mailer
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
        except StaleVersion:
            log.info("somebody else decided about this mail", delivery_id=str(delivery.id))

    async def _send(self, delivery: Delivery) -> None:
        contact, values = await self._recipient(delivery)
        choice = MailChoice() if delivery.person_id is None else await choice_of(delivery.person_id)
        suppressed = contact is not None and await is_suppressed(contact.email)
        reason = rules.reason_to_skip(delivery.kind, contact, choice.declined, suppressed=suppressed)
        if values is None and not reason and contact is not None:
            values = await self._values(delivery, contact)
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

    async def _values(self, delivery: Delivery, contact: Recipient) -> Mapping[str, str] | None:
        """What the words to a person may name. None: what the mail is about was done meanwhile."""
        values = {"name": contact.called, "home": f"{self._service.public_url}/"}
        match delivery.kind:
            case "welcome" | "mentor_welcome":
                link = await self._invitation_link(delivery)
                return None if link is None else {**values, "link": link.url, "until": day(link.expires_at)}
            case "mentoring_started":
                other = None if delivery.about_id is None else await self._contact(delivery.about_id)
                return None if other is None else {**values, "other": other.name, "other_email": other.email}
            case _:
                return values

    async def _recipient(self, delivery: Delivery) -> tuple[Recipient | None, Mapping[str, str] | None]:
        """Whom it goes to; of who isn't a person of ours also what the words may name."""
        if delivery.kind in rules.OF_STRANGERS:
            link = await self._confirm_link(delivery)
            if link is None:
                return None, None
            return Recipient(link.name, link.email), {"link": link.url, "until": day(link.expires_at)}
        if delivery.kind in rules.OF_DONORS:
            return await self._donor(delivery)
        contact = await self._contact(delivery.person_id)
        return (None if contact is None else _person(contact)), None

    async def _donor(self, delivery: Delivery) -> tuple[Recipient | None, Mapping[str, str] | None]:
        """Nobody where the ledger has no address, or nothing is due any more."""
        if delivery.kind == "gift_thanks":
            gift = await self._gift(delivery)
            if gift is None or gift.email is None or not gift.due:
                return None, None
            return Recipient(gift.name, gift.email, delivery.person_id), {"name": gift.name}
        receipt = await self._receipt(delivery)
        if receipt is None or receipt.email is None or not receipt.valid:
            return None, None
        values = {"name": receipt.name, "number": receipt.number, "link": receipt.url, "until": day(receipt.until)}
        return Recipient(receipt.name, receipt.email, delivery.person_id), {**values, "year": str(receipt.of_year)}

    async def _contact(self, person_id: UUID | None) -> PersonContact | None:
        if person_id is None:
            return None
        token, client = self._token("person"), self._service.call("person")
        return await client.find(f"/api/person/contacts/{person_id}", PersonContact, token=token)

    async def _confirm_link(self, delivery: Delivery) -> ConfirmLink | None:
        """Whom an application is of, and a new link to confirm it; None when it was confirmed or deleted."""
        token, client = self._token("intake"), self._service.call("intake")
        path = f"/api/intake/applications/{delivery.about_id}/link"
        return await _unless_settled(client.post(path, ConfirmLink, token=token))

    async def _invitation_link(self, delivery: Delivery) -> InvitationLink | None:
        """A new link of the invitation; None when it was used or withdrawn."""
        token, client = self._token("identity"), self._service.call("identity")
        path = f"/api/identity/invitations/{delivery.about_id}/link"
        return await _unless_settled(client.post(path, InvitationLink, token=token))

    async def _gift(self, delivery: Delivery) -> GiftMail | None:
        token, client = self._token("ledger"), self._service.call("ledger")
        path = f"/api/ledger/gifts/{delivery.about_id}/mail"
        return await _unless_settled(client.post(path, GiftMail, token=token))

    async def _receipt(self, delivery: Delivery) -> ReceiptMail | None:
        """With a new link for the donor, which is kept nowhere."""
        token, client = self._token("ledger"), self._service.call("ledger")
        path = f"/api/ledger/receipts/{delivery.about_id}/mail"
        return await _unless_settled(client.post(path, ReceiptMail, token=token))

    def _token(self, service: str) -> str:
        return service_token.sign(self._service.peer_key, by=self._service.name, to=service)


async def _unless_settled(asked: Awaitable[T]) -> T | None:
    """What another service says of what a mail is about; None where that is gone, or was settled."""
    try:
        return await asked
    except RequestRefused as refused:
        if refused.answered in (404, 409):
            return None
        raise


def _person(contact: PersonContact) -> Recipient:
    return Recipient(contact.name, contact.email, contact.id, contact.preferred_name, contact.archived_at is not None)


def day(moment: datetime) -> str:
    """As people say it in English: 3 December 2026."""
    return f"{moment.day} {moment:%B %Y}"
