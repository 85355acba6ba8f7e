"""What intake does with events of other services: a sign-up follows what happens to its person."""

from typing import Any

from gatehouse_chassis.events.event import PublishedEvent
from gatehouse_chassis.events.reader import EventHandler
from gatehouse_intake.match.queries import follow_match
from gatehouse_intake.sign_up.queries import follow_person, note_bounce


async def mail_sent(event: PublishedEvent, prepared: Any) -> None:
    """Of all mails, the welcome is a step of a sign-up."""
    if event.ids["kind"] == "welcome":
        await follow_person(event.read("person_id"), "welcomed")


async def mail_bounced(event: PublishedEvent, prepared: Any) -> None:
    """Who didn't get the welcome waits for another address: somebody has to ask for it."""
    if event.ids["kind"] == "welcome":
        await note_bounce(event.read("person_id"))


async def status_changed(event: PublishedEvent, prepared: Any) -> None:
    if event.ids["status"] == "timed_out":
        await follow_person(event.subject_id, "timed_out")


async def mentoring_started(event: PublishedEvent, prepared: Any) -> None:
    await follow_person(event.read("member_id"), "matched")


async def mentoring_ended(event: PublishedEvent, prepared: Any) -> None:
    """Before the two were in touch: it came to nothing."""
    await follow_match(event.read("mentor_id"), event.read("member_id"), "declined")


async def met(event: PublishedEvent, prepared: Any) -> None:
    """They agreed on a meeting, or meet: that is the first contact that was awaited."""
    await follow_match(event.read("mentor_id"), event.read("member_id"), "started")


HANDLERS = {
    "mail_sent": EventHandler(mail_sent),
    "mail_bounced": EventHandler(mail_bounced),
    "status_changed": EventHandler(status_changed),
    "mentoring_ended": EventHandler(mentoring_ended),
    "met": EventHandler(met),
    "mentoring_started": EventHandler(mentoring_started),
}
