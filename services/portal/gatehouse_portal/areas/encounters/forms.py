"""What the forms of these pages hold: times on a wall, and what two people agreed on. Pure functions."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar.datastructures import FormMultiDict

from gatehouse_chassis.base.problems import Invalid

MOST_FOLLOW_UPS = 6
MOST_MINUTES = 480
LONGEST_ZONE = 64


def local_input(moment: datetime, zone: str) -> str:
    """For <input type=datetime-local>: what the clock on a wall there says."""
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M}"


def version_of(form: FormMultiDict) -> int:
    text = str(form.get("version") or "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid({"version": "open the page again"})
    return int(text)


def time_in(form: FormMultiDict, name: str) -> datetime | None:
    """A time that was chosen by the clock of the form's `zone`; None where none was."""
    text = str(form.get(name) or "").strip()
    if not text:
        return None
    try:
        wall = datetime.fromisoformat(text)
        return wall.replace(tzinfo=ZoneInfo(str(form.get("zone") or "UTC")[:LONGEST_ZONE])).astimezone(UTC)
    except (ValueError, KeyError, OSError, OverflowError):
        raise Invalid({name: "a day and a time, such as 2026-12-01 17:00"}) from None


def minutes_in(form: FormMultiDict) -> int:
    text = str(form.get("minutes") or "60").strip()
    if not (text.isascii() and text.isdigit() and 5 <= int(text[:5]) <= MOST_MINUTES):
        raise Invalid({"minutes": f"a number of minutes from 5 to {MOST_MINUTES}"})
    return int(text)


def times_in(form: FormMultiDict, name: str) -> tuple[str, str] | None:
    """When it begins and ends; None where no time was chosen."""
    begins = time_in(form, name)
    if begins is None:
        return None
    return begins.isoformat(), (begins + timedelta(minutes=minutes_in(form))).isoformat()


def required_times(form: FormMultiDict, name: str) -> tuple[str, str]:
    """As times_in. Raises Invalid where none was chosen."""
    times = times_in(form, name)
    if times is None:
        raise Invalid({name: "choose a day and a time"})
    return times


def agreed_items(form: FormMultiDict) -> list[str]:
    """Ids of the assignments that the two agreed on, in their order."""
    return [str(_id(one)) for one in form.getall("item", [])]


def agreed_time(form: FormMultiDict) -> dict[str, str] | None:
    """When the two meet next."""
    times = times_in(form, "next")
    return None if times is None else {"planned_from": times[0], "planned_to": times[1]}


def promises(form: FormMultiDict) -> list[dict[str, Any]]:
    """What was promised, and by whom."""
    found = []
    for number in range(MOST_FOLLOW_UPS):
        text = " ".join(str(form.get(f"promise-{number}") or "").split())
        if text:
            side = "mentor" if form.get(f"side-{number}") == "mentor" else "member"
            due = str(form.get(f"due-{number}") or "") or None
            found.append({"side": side, "text": text, "due_on": due})
    return found


def _id(text: object) -> UUID:
    try:
        return UUID(str(text))
    except ValueError:
        raise Invalid({"item": "open the page again"}) from None
