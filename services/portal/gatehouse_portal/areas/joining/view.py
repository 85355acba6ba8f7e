"""The board of those who come: in stages, each with how long they wait and the one thing to do next. Pure functions."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from gatehouse_portal.areas.joining.match_structs import WeeklyWindow
from gatehouse_portal.areas.joining.structs import SignUp
from gatehouse_portal.shell.format import age

STAGES: dict[str, tuple[str, ...]] = {
    "New": ("received", "person"),
    "Invited": ("invited", "welcomed"),
    "Scheduled": ("scheduled",),
    "Waiting for a mentor": ("introduced",),
}
"""What each stage is called, and the states that it holds."""
SHOWN = tuple(state for states in STAGES.values() for state in states)
ABOUT = {
    "New": "They come in, and are invited by themselves.",
    "Invited": "They have the welcome mail. Agree on a time for the introduction.",
    "Scheduled": "Hold the introduction.",
    "Waiting for a mentor": "Find a mentor who fits.",
}
DOORS = {
    "form": "The page Join",
    "squarespace_order": "Orders on the site",
    "sheet_row": "Rows of the sheet",
    "csv": "Files",
}
RETURNING = "They were here before and left. Change their status on their page, then go on."


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    about: str
    sign_ups: list[SignUp]


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """`stuck`: those that can't go on by themselves, the one that waits longest first."""

    stuck: list[SignUp]
    stages: list[Stage]


def board_of(found: Iterable[SignUp]) -> Board:
    waiting = sorted(found, key=lambda one: one.state_changed_at)
    stuck = [one for one in waiting if is_stuck(one)]
    stages = [
        Stage(
            name=name,
            about=ABOUT[name],
            sign_ups=[one for one in waiting if one.state in states and not is_stuck(one)],
        )
        for name, states in STAGES.items()
    ]
    return Board(stuck=stuck, stages=stages)


def is_stuck(sign_up: SignUp) -> bool:
    return sign_up.problem is not None or sign_up.state == "returning"


def reason_of(sign_up: SignUp) -> str:
    return sign_up.problem or (RETURNING if sign_up.state == "returning" else "")


def waiting(since: datetime) -> str:
    """`since today`, `for 3 days`."""
    length = age(since)
    return "since today" if length.startswith("0 ") else f"for {length}"


WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MINUTES_A_DAY = 24 * 60
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_BETWEEN = re.compile(r"[\s,;]+")


class Weekday(msgspec.Struct, frozen=True, kw_only=True):
    """A day of a week with its two stretches, as the form has them: each two times, or two empty texts."""

    number: int
    name: str
    parts: dict[str, tuple[str, str]]


def windows_by_day(windows: Iterable[WeeklyWindow]) -> list[Weekday]:
    """All seven. Of more than two stretches a day the form shows the first two."""
    found: dict[int, list[tuple[str, str]]] = {number: [] for number in range(len(WEEKDAYS))}
    for one in sorted(windows, key=lambda one: (one.weekday, one.begins)):
        found[one.weekday].append((_clock_of(one.begins), _clock_of(one.ends)))
    return [
        Weekday(
            number=number,
            name=WEEKDAYS[number],
            parts=dict(zip("ab", [*parts, ("", ""), ("", "")][:2], strict=True)),
        )
        for number, parts in found.items()
    ]


def minute_of(text: str) -> int | None:
    """Minutes since midnight of `17:30`; None for what is no time."""
    found = _TIME.fullmatch(text)
    return None if found is None else int(found[1]) * 60 + int(found[2])


def languages_in(text: str) -> list[str]:
    return list(dict.fromkeys(one.lower() for one in _BETWEEN.split(text) if one))


def _clock_of(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


def wall_clock(value: datetime, zone: str) -> str:
    """`Tue 3 Nov, 17:00` on the wall of who lives there."""
    try:
        wall = value.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        wall = value.astimezone(UTC)
    return f"{wall:%a} {wall.day} {wall:%b, %H:%M}"


def as_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


FILTERS: dict[str, Callable[..., Any]] = {
    "reason": reason_of,
    "waiting": waiting,
    "wall_clock": wall_clock,
    "as_json": as_json,
}
