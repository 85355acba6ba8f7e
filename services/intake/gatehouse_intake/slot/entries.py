"""Introductions as entries of a calendar."""

from gatehouse_intake.icalendar import CalendarEntry
from gatehouse_intake.slot.structs import Slot

SUMMARY = "Introduction at the Agile Learning Institute"


def entry_of(slot: Slot) -> CalendarEntry:
    return CalendarEntry(
        uid=slot.id.hex,
        version=slot.version,
        begins_at=slot.begins_at,
        ends_at=slot.ends_at,
        changed_at=slot.changed_at,
        summary=SUMMARY,
        is_cancelled=slot.state == "cancelled",
    )
