"""Values as people read them: template filters for times, names and addresses that every area uses."""

import datetime
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode
from zoneinfo import available_timezones

from gatehouse_portal.enumerators import LABELS, VALUES

# What isn't the value with a capital letter, everywhere.
INITIALISMS = {"sre": "SRE", "ui": "UI", "ux": "UX", "api": "API", "iot": "IoT"}
ZONES = sorted(
    zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "posix", "right"))
)
"""What forms offer; the institute's people live somewhere."""
MINUTE, HOUR, DAY = 60, 3600, 86400


class Choice(NamedTuple):
    """What a form or a filter offers: an enumerator and its values."""

    enumerator: str
    values: tuple[str, ...]


def choice(service: str, enumerator: str) -> Choice:
    return Choice(enumerator, VALUES[service][enumerator])


def label(value: Any, enumerator: str = "") -> str:
    """`online-class` and `timed_out` as people write them, and what the enumerator has words for as it says.

    Raises KeyError for an enumerator that isn't there: the same value may read otherwise in another one.
    """
    text = str(value)
    words = LABELS[enumerator].get(text) if enumerator else None
    if words := words or INITIALISMS.get(text):
        return words
    text = re.sub(r"[-_]+", " ", text)
    return text[:1].upper() + text[1:]


def initials(name: str) -> str:
    """One or two letters that stand for a person."""
    words = [word for word in name.split() if word[:1].isalpha()]
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"


def first_name(name: str) -> str:
    return name.split(" ", 1)[0]


def moment(value: datetime.datetime | str | None) -> datetime.datetime | None:
    """A time from RFC 3339 text; None when it is no time."""
    if value is None or isinstance(value, datetime.datetime):
        return value
    try:
        parsed = datetime.datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=datetime.UTC)


def day(value: datetime.date | str | None) -> str:
    """`3 Nov 2026`."""
    date = value if isinstance(value, datetime.date) else moment(value)
    return f"{date.day} {date:%b %Y}" if date else ""


def exact(value: datetime.date | str | None) -> str:
    """`2026-11-03 14:05:09 UTC`; of a date, the date."""
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value.isoformat()
    time = moment(value)
    return f"{time.astimezone(datetime.UTC):%Y-%m-%d %H:%M:%S} UTC" if time else ""


def machine(value: datetime.date | str | None) -> str:
    """For <time datetime="…">."""
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value.isoformat()
    time = moment(value)
    return time.isoformat(timespec="seconds") if time else ""


def span(seconds: float) -> str:
    """A length of time, to two units at most: `3 d 4 h`, `12 min`, `8 s`."""
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < DAY:
        hours, minutes = divmod(whole // MINUTE, 60)
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(whole // HOUR, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def since(value: datetime.datetime | str | None) -> str:
    """How long ago that was."""
    time = moment(value)
    return span((datetime.datetime.now(datetime.UTC) - time).total_seconds()) if time else "unknown"


def age(value: datetime.datetime | str | None) -> str:
    """How long ago that was, as people say it: `3 days`, `5 months`, `2 years`."""
    time = moment(value)
    if time is None:
        return "an unknown time"
    days = (datetime.datetime.now(datetime.UTC) - time).days
    unit, length = ("year", 365) if days >= 730 else ("month", 30) if days >= 60 else ("day", 1)
    count = days // length
    return f"{count} {unit}{'' if count == 1 else 's'}"


def address(query: Mapping[str, Any], **changes: str | None) -> str:
    """The query string of a link: what is chosen now, with some of it changed (None: left out)."""
    chosen = {key: value for key, value in {**query, **changes}.items() if value}
    return f"?{urlencode(chosen, doseq=True)}" if chosen else ""


def without(query: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The query but for these."""
    return {key: value for key, value in query.items() if key not in names}


def thousands(value: int) -> str:
    """`1,234`."""
    return f"{value:,}"


FILTERS: dict[str, Callable[..., Any]] = {
    "label": label,
    "address": address,
    "age": age,
    "zip": zip,
    "initials": initials,
    "first_name": first_name,
    "day": day,
    "exact": exact,
    "machine": machine,
    "span": span,
    "thousands": thousands,
    "without": without,
    "since": since,
}
