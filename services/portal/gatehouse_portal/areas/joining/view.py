"""The board of those who come: in stages, each with how long they wait and the one thing to do next. Pure functions."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec

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


FILTERS: dict[str, Callable[..., Any]] = {"reason": reason_of, "waiting": waiting}
