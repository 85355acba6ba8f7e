"""What communication's words mean to people."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from gatehouse_portal.areas.mail.structs import Notification, Person


class News(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, as a sentence, and where it leads."""

    text: str
    path: str
    notification: Notification


MAIL_KINDS = {
    "welcome": "Welcome",
    "mentor_welcome": "Welcome as a mentor",
    "application_confirm": "Question about an application",
    "intro_reminder": "Reminder of the introduction",
    "application_closed": "Application closed",
    "mentoring_started": "New mentor or member",
    "introduction_scheduled": "Time of the introduction",
    "mentor_pulse": "Question whether a mentor is still with us",
    "meeting_reminder": "Reminder of a meeting",
    "meeting_summary": "Summary of a meeting",
    "certificate_issued": "New certificate",
    "weekly_digest": "News of the week",
    "gift_thanks": "Thanks for a gift",
    "gift_receipt": "Receipt",
    "annual_statement": "Annual statement",
}
# Mails to donors are about what they gave: the page that shows it.
LEADS = {
    "gift_thanks": "/books/gifts/{}",
    "gift_receipt": "/books/receipts/{}/file",
    "annual_statement": "/books/receipts/{}/file",
}
# How a mail that has to be looked at stands, and what to do.
UNSETTLED = {
    "unknown": "May not have left. Ask whether it arrived before you send it again.",
    "failed": "Refused by the mail server. Correct the address, then send it again.",
    "bounced": "Came back. Ask for another address, then send it again.",
}


def news_of(notification: Notification, people: Mapping[UUID, Person], reader: UUID | None) -> News:
    """`people`: whom the reader may know, by id. A plan is opened by its member and their mentor."""
    about = notification.about_id
    person = people.get(about)
    who = person.name if person else "somebody"
    plan = f"/members/{about}" if about == reader or (person and person.mentor_id == reader) else "/"
    texts = {
        "mentoring_started": (f"You and {who} learn together from now on", plan),
        "mentoring_ended": (f"You and {who} no longer are mentor and member", "/"),
        "plan_committed": ("Your plan until the next meeting was agreed", plan),
        "meeting_planned": ("A meeting with your mentor has a time", f"/encounters/{about}"),
        "meeting_summary": ("Your meeting has a summary", f"/encounters/{about}"),
        "texts_opened": ("A coordinator opened your private texts about a meeting", f"/encounters/{about}"),
        "certificate_issued": ("You have a new certificate", f"/certificates/{about}"),
        "certificate_revoked": ("A certificate of yours was taken back", f"/certificates/{about}"),
        "introduction_scheduled": ("Your introduction has a time", "/"),
        "roles_changed": ("What you may do here changed: sign in anew to see all of it", "/"),
    }
    text, path = texts.get(notification.kind, ("Something changed", "/"))
    return News(text=text, path=path, notification=notification)
