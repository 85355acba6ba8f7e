"""What the words of a mail may name, asked for when it is sent, so that it is true by then. Nothing of it is kept."""

from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gatehouse_chassis.events import service_token
from gatehouse_chassis.service.client import RequestRefused
from gatehouse_chassis.service.service import ServiceContext
from gatehouse_communication.delivery import rules
from gatehouse_communication.delivery.structs import Delivery, Recipient
from gatehouse_communication.notification.queries import unread_count
from gatehouse_communication.peers import (
    ConfirmLink,
    GiftMail,
    InvitationLink,
    PersonContact,
    PlannedMeeting,
    ProposedTimes,
    PulseLink,
    ReceiptMail,
)

T = TypeVar("T")
Found = dict[str, str] | None
NO_TIMES = "Write to each other within the next days."


class TooEarly(Exception):
    """It is sent later, at this time."""

    def __init__(self, at: datetime) -> None:
        super().__init__(at.isoformat())
        self.at = at


class MailValues:
    def __init__(self, service: ServiceContext) -> None:
        self._service = service

    async def recipient(self, delivery: Delivery) -> tuple[Recipient | None, Mapping[str, str] | None]:
        """Whom it goes to; of who isn't a person of ours also what the words may name."""
        if delivery.kind in rules.OF_STRANGERS:
            link = await self._confirm_link(delivery.about_id)
            if link is None:
                return None, None
            return Recipient(link.name, link.email), {"link": link.url, "until": day(link.expires_at)}
        if delivery.kind in rules.OF_DONORS:
            return await self._donor(delivery)
        contact = await self.contact(delivery.person_id)
        return (None if contact is None else _person(contact)), None

    async def of(self, delivery: Delivery, contact: Recipient) -> Mapping[str, str] | None:
        """None: what the mail is about was done meanwhile. Raises TooEarly for a meeting that is further ahead."""
        asked = {
            "welcome": self._invited,
            "mentor_welcome": self._invited,
            "mentor_pulse": self._pulse,
            "mentoring_started": self._introduced,
            "introduction_scheduled": self._introduction,
            "meeting_reminder": self._reminder,
            "meeting_summary": self._summary,
            "certificate_issued": self._certificate,
            "weekly_digest": self._digest,
        }
        values = {"name": contact.called, "home": f"{self._service.public_url}/"}
        more = asked.get(delivery.kind)
        found = {} if more is None else await more(delivery, contact)
        return None if found is None else values | found

    async def contact(self, person_id: UUID | None) -> PersonContact | None:
        if person_id is None:
            return None
        client = self._service.call("person")
        return await client.find(f"/api/person/contacts/{person_id}", PersonContact, token=self._token("person"))

    async def _confirm_link(self, application_id: UUID | None) -> ConfirmLink | None:
        """Whom an application is of, and a new link to confirm it; None when it was confirmed or deleted."""
        path = f"/api/intake/applications/{application_id}/link"
        return await _unless_over(self._service.call("intake").post(path, ConfirmLink, token=self._token("intake")))

    async def _donor(self, delivery: Delivery) -> tuple[Recipient | None, Mapping[str, str] | None]:
        """Nobody where the ledger has no address, or nothing is due any more."""
        client, token = self._service.call("ledger"), self._token("ledger")
        if delivery.kind == "gift_thanks":
            gift = await _unless_over(client.post(f"/api/ledger/gifts/{delivery.about_id}/mail", GiftMail, token=token))
            if gift is None or gift.email is None or not gift.due:
                return None, None
            return Recipient(gift.name, gift.email, delivery.person_id), {"name": gift.name}
        path = f"/api/ledger/receipts/{delivery.about_id}/mail"  # with a new link for the donor, which is kept nowhere
        receipt = await _unless_over(client.post(path, ReceiptMail, token=token))
        if receipt is None or receipt.email is None or not receipt.valid:
            return None, None
        values = {"name": receipt.name, "number": receipt.number, "link": receipt.url, "until": day(receipt.until)}
        return Recipient(receipt.name, receipt.email, delivery.person_id), {**values, "year": str(receipt.of_year)}

    async def _invited(self, delivery: Delivery, contact: Recipient) -> Found:
        path = f"/api/identity/invitations/{delivery.about_id}/link"
        client = self._service.call("identity")
        link = await _unless_over(client.post(path, InvitationLink, token=self._token("identity")))
        return None if link is None else {"link": link.url, "until": day(link.expires_at)}

    async def _pulse(self, delivery: Delivery, contact: Recipient) -> Found:
        path = f"/api/intake/mentors/{delivery.about_id}/link"
        link = await _unless_over(self._service.call("intake").post(path, PulseLink, token=self._token("intake")))
        return None if link is None else {"link": link.url}

    async def _introduced(self, delivery: Delivery, contact: Recipient) -> Found:
        other = None if delivery.about_id is None else await self.contact(delivery.about_id)
        if other is None:
            return None
        path = f"/api/intake/matches/times/{delivery.person_id}/{other.id}"
        found = await self._service.call("intake").find(path, ProposedTimes, token=self._token("intake"))
        times = times_words(found.times if found else [], contact.time_zone)
        return {"other": other.name, "other_email": other.email, "times": times}

    async def _introduction(self, delivery: Delivery, contact: Recipient) -> Found:
        at = contact.intro_scheduled_for
        return None if at is None else {"when": clock(at, contact.time_zone)}

    async def _reminder(self, delivery: Delivery, contact: Recipient) -> Found:
        path = f"/api/encounter/appointments/{delivery.about_id}"
        client = self._service.call("encounter")
        meeting = await client.find(path, PlannedMeeting, token=self._token("encounter"))
        at = None if meeting is None else rules.reminder_at(meeting, delivery.created_at)
        now = datetime.now(UTC)
        if meeting is None or at is None or meeting.planned_from <= now:
            return None
        if at > now:
            raise TooEarly(at)
        is_member = delivery.person_id == meeting.member_id
        other = await self.contact(meeting.mentor_id if is_member else meeting.member_id)
        link = f"{self._service.public_url}/encounters/{meeting.id}"
        when = clock(meeting.planned_from, contact.time_zone)
        return None if other is None else {"other": other.name, "when": when, "link": link}

    async def _summary(self, delivery: Delivery, contact: Recipient) -> Found:
        return {"link": f"{self._service.public_url}/encounters/{delivery.about_id}"}

    async def _certificate(self, delivery: Delivery, contact: Recipient) -> Found:
        return {"link": f"{self._service.public_url}/certificates/{delivery.about_id}"}

    async def _digest(self, delivery: Delivery, contact: Recipient) -> Found:
        count = 0 if delivery.person_id is None else await unread_count(delivery.person_id)
        words = "1 thing" if count == 1 else f"{count} things"
        return {"count": words, "link": f"{self._service.public_url}/notifications"} if count else None

    def _token(self, to: str) -> str:
        return service_token.sign(self._service.peer_key, by=self._service.name, to=to)


async def _unless_over(asked: Awaitable[T]) -> T | None:
    """What another service says of what a mail is about; None where that is gone, or was settled."""
    try:
        return await asked
    except RequestRefused as refused:
        if refused.answered in (404, 409):
            return None
        raise


def _person(contact: PersonContact) -> Recipient:
    return Recipient(
        contact.name,
        contact.email,
        contact.id,
        contact.preferred_name,
        contact.archived_at is not None,
        contact.time_zone,
        contact.intro_scheduled_for,
    )


def day(moment: datetime) -> str:
    """As people say it in English: 3 December 2026."""
    return f"{moment.day} {moment:%B %Y}"


def clock(moment: datetime, zone: str | None) -> str:
    """`Tuesday 3 November, 17:00 (Europe/Oslo)`, on the wall of who reads it; in UTC where we don't know it."""
    known: Any = UTC
    try:
        known = ZoneInfo(zone) if zone else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = None
    wall = moment.astimezone(known)
    return f"{wall:%A} {wall.day} {wall:%B, %H:%M} ({zone or 'UTC'})"


def times_words(times: Sequence[datetime], zone: str | None) -> str:
    if not times:
        return NO_TIMES
    return f"Times that suit both of you: {'; '.join(clock(one, zone) for one in times)}."
