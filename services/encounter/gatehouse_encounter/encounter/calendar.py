"""Appointments as iCalendar (RFC 5545). Times are UTC, so no reader needs to know a zone's rules.

They say that there is a meeting, and nothing of what it is about: calendars are shared, and copied to other companies.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

import msgspec

MEDIA_TYPE = "text/calendar"


class Appointment(msgspec.Struct, frozen=True):
    """`version` grows with each change; `number` tells meetings of a series apart by their time."""

    id: UUID
    version: int
    begins_at: datetime
    ends_at: datetime
    changed_at: datetime
    number: int | None = None


def calendar(appointments: Iterable[Appointment]) -> str:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Gatehouse//Encounters//EN", "METHOD:PUBLISH"]
    for one in appointments:
        uid = one.id.hex if one.number is None else f"{one.id.hex}-{_utc(one.begins_at)}"
        lines += [
            "BEGIN:VEVENT",
            f"UID:{uid}@gatehouse",
            f"SEQUENCE:{one.version}",
            f"DTSTAMP:{_utc(one.changed_at)}",
            f"DTSTART:{_utc(one.begins_at)}",
            f"DTEND:{_utc(one.ends_at)}",
            "SUMMARY:Mentoring",
            "CLASS:PRIVATE",
            "END:VEVENT",
        ]
    return "".join(f"{line}\r\n" for line in [*lines, "END:VCALENDAR"])


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
