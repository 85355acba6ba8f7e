"""Appointments as iCalendar (RFC 5545). Times are UTC, so no reader needs to know a zone's rules.

They say that there is an appointment, and not with whom: calendars are shared, and copied to other companies.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

MEDIA_TYPE = "text/calendar"
BEGIN, END = "BEGIN:VCALENDAR", "END:VCALENDAR"


class CalendarEntry(msgspec.Struct, frozen=True):
    """`version` grows with each change; a program shows the newest one that it has seen of a `uid`."""

    uid: str
    version: int
    begins_at: datetime
    ends_at: datetime
    changed_at: datetime
    summary: str
    is_cancelled: bool = False


def calendar_of(entries: Iterable[CalendarEntry], others: str = "") -> str:
    """`others`: a calendar of another service, whose events come along."""
    lines = [BEGIN, "VERSION:2.0", "PRODID:-//Gatehouse//Appointments//EN", "METHOD:PUBLISH"]
    for one in entries:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{one.uid}@gatehouse",
            f"SEQUENCE:{one.version}",
            f"DTSTAMP:{_utc(one.changed_at)}",
            f"DTSTART:{_utc(one.begins_at)}",
            f"DTEND:{_utc(one.ends_at)}",
            f"SUMMARY:{one.summary}",
            f"STATUS:{'CANCELLED' if one.is_cancelled else 'CONFIRMED'}",
            "CLASS:PRIVATE",
            "END:VEVENT",
        ]
    text = "".join(f"{line}\r\n" for line in lines)
    first, last = others.find("BEGIN:VEVENT"), others.rfind("END:VEVENT\r\n")
    events = others[first : last + len("END:VEVENT\r\n")] if 0 <= first < last else ""
    return f"{text}{events}{END}\r\n"


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
