"""What communication does with events of other services: who gets which mail, and who is told in the portal.

Handlers only write. Names and addresses are asked for when a mail is sent, so it goes where the person is by then.
"""

from typing import Any
from uuid import UUID

from gatehouse_chassis.events.event import PublishedEvent
from gatehouse_chassis.events.reader import EventHandler
from gatehouse_communication.delivery.queries import order, remind
from gatehouse_communication.enumerators import MailKind
from gatehouse_communication.notification.queries import notify


async def invited(event: PublishedEvent, prepared: Any) -> None:
    """The welcome mail; the link in it is asked for when it is sent, so no link is ever in an event or a row."""
    kind: MailKind = "mentor_welcome" if event.ids["welcome"] == "mentor" else "welcome"
    await order(kind, event.read("person_id"), event_id=event.id, about_id=event.subject_id)


async def application_received(event: PublishedEvent, prepared: Any) -> None:
    """Whoever applied is nobody's person: their application stands for one."""
    await order("application_confirm", event.subject_id, event_id=event.id, about_id=event.subject_id)


async def introduction_awaited(event: PublishedEvent, prepared: Any) -> None:
    await order("intro_reminder", event.subject_id, event_id=event.id)


async def status_changed(event: PublishedEvent, prepared: Any) -> None:
    """Of all statuses, one is worth a mail: nobody should wait for an answer that doesn't come any more."""
    if event.ids["status"] == "timed_out":
        await order("application_closed", event.subject_id, event_id=event.id)


async def mentoring_started(event: PublishedEvent, prepared: Any) -> None:
    member, mentor = event.read("member_id"), event.read("mentor_id")
    for person, other in ((member, mentor), (mentor, member)):
        await order("mentoring_started", person, event_id=event.id, about_id=other)
        await notify("mentoring_started", person, event_id=event.id, about_id=other)


async def mentoring_ended(event: PublishedEvent, prepared: Any) -> None:
    member, mentor = event.read("member_id"), event.read("mentor_id")
    for person, other in ((member, mentor), (mentor, member)):
        await notify("mentoring_ended", person, event_id=event.id, about_id=other)


async def mentor_asked(event: PublishedEvent, prepared: Any) -> None:
    """The link in it is asked for when it is sent, so no link is ever in an event or a row."""
    await order("mentor_pulse", event.read("person_id"), event_id=event.id, about_id=event.subject_id)


async def introduction_scheduled(event: PublishedEvent, prepared: Any) -> None:
    person = event.read("person_id")
    await order("introduction_scheduled", person, event_id=event.id, about_id=event.subject_id)
    await notify("introduction_scheduled", person, event_id=event.id, about_id=person)


async def meeting_planned(event: PublishedEvent, prepared: Any) -> None:
    """Also when its time changes. Both are reminded, once for each meeting, at the time that it has by then."""
    member, mentor = event.read("member_id"), event.read("mentor_id")
    await notify("meeting_planned", member, event_id=event.id, about_id=event.subject_id)
    for person in (member, mentor):
        await remind(person, event.subject_id)


async def meeting_finished(event: PublishedEvent, prepared: Any) -> None:
    member = event.read("member_id")
    await order("meeting_summary", member, event_id=event.id, about_id=event.subject_id)
    await notify("meeting_summary", member, event_id=event.id, about_id=event.subject_id)


async def texts_opened(event: PublishedEvent, prepared: Any) -> None:
    """In an emergency; the mentor wrote them for themself alone."""
    await notify("texts_opened", event.read("mentor_id"), event_id=event.id, about_id=event.subject_id)


async def certificate_issued(event: PublishedEvent, prepared: Any) -> None:
    person = event.read("person_id")
    await order("certificate_issued", person, event_id=event.id, about_id=event.subject_id)
    await notify("certificate_issued", person, event_id=event.id, about_id=event.subject_id)


async def certificate_revoked(event: PublishedEvent, prepared: Any) -> None:
    await notify("certificate_revoked", event.read("person_id"), event_id=event.id, about_id=event.subject_id)


async def plan_committed(event: PublishedEvent, prepared: Any) -> None:
    person = event.read("person_id")
    await notify("plan_committed", person, event_id=event.id, about_id=person)


async def roles_changed(event: PublishedEvent, prepared: Any) -> None:
    """Of an account without a person nobody is told."""
    if event.ids["person_id"] is not None:
        person = event.read("person_id")
        await notify("roles_changed", person, event_id=event.id, about_id=event.subject_id)


async def receipt_issued(event: PublishedEvent, prepared: Any) -> None:
    """A donor is somebody outside, unless the institute knows them as a person."""
    kind: MailKind = "annual_statement" if event.ids["kind"] == "annual" else "gift_receipt"
    await order(kind, _donor(event), event_id=event.id, about_id=event.subject_id)


async def gift_recorded(event: PublishedEvent, prepared: Any) -> None:
    """Whether it is thanked for is asked when the mail is sent: a receipt may thank for it first."""
    await order("gift_thanks", _donor(event), event_id=event.id, about_id=event.subject_id)


def _donor(event: PublishedEvent) -> UUID | None:
    return None if event.ids.get("person_id") is None else event.read("person_id")


HANDLERS = {
    "application_received": EventHandler(application_received),
    "invited": EventHandler(invited),
    "certificate_issued": EventHandler(certificate_issued),
    "certificate_revoked": EventHandler(certificate_revoked),
    "introduction_awaited": EventHandler(introduction_awaited),
    "status_changed": EventHandler(status_changed),
    "mentoring_started": EventHandler(mentoring_started),
    "mentoring_ended": EventHandler(mentoring_ended),
    "introduction_scheduled": EventHandler(introduction_scheduled),
    "meeting_finished": EventHandler(meeting_finished),
    "meeting_planned": EventHandler(meeting_planned),
    "mentor_asked": EventHandler(mentor_asked),
    "plan_committed": EventHandler(plan_committed),
    "roles_changed": EventHandler(roles_changed),
    "texts_opened": EventHandler(texts_opened),
    "receipt_issued": EventHandler(receipt_issued),
    "gift_recorded": EventHandler(gift_recorded),
}
