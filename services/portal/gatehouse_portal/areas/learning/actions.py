"""What somebody can do to an item of a curriculum: the words for it, the commands behind it, and how it is undone.

An undo is a few commands of the service, one after the other: `reopen`, `move:next:3`. A form carries them as text, so
they are read as strictly as everything else that a browser sends.
"""

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from gatehouse_chassis.base.problems import Invalid
from gatehouse_portal.enumerators import VALUES

STEP = re.compile(r"(start|complete|reopen|restore)|move:(later|next|now):(\d{1,4})", re.ASCII)
MOST_STEPS = 2
CommandName = Literal["start", "complete", "reopen", "unassign", "restore", "move"]


class MoveTo(msgspec.Struct, frozen=True):
    """The body of `move`. Without a position, to the end."""

    state: str
    position: int | None = None


class Command(msgspec.Struct, frozen=True):
    """A command of curriculum about one assignment. `to` is its body."""

    name: CommandName
    to: MoveTo | None = None


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """Attributes:
    done: what the toast says afterwards; `again`: the button that offers it once more. `{name}` is the resource's.
    states: the states from which it makes sense.
    """

    done: str
    again: str
    states: tuple[str, ...]


ACTIONS: Mapping[str, Action] = {
    "start": Action(done="Started “{name}”.", again="Start “{name}”", states=("next", "later")),
    "complete": Action(done="Completed “{name}”.", again="Complete “{name}”", states=("now", "next", "later")),
    "reopen": Action(done="Reopened “{name}”.", again="Reopen “{name}”", states=("completed",)),
    "next": Action(done="Moved “{name}” to Next.", again="Move “{name}” to Next", states=("now", "later")),
    "later": Action(done="Moved “{name}” to Later.", again="Move “{name}” to Later", states=("now", "next")),
    "unassign": Action(done="Removed “{name}”.", again="Remove “{name}”", states=("now", "next", "later")),
}


class Place(msgspec.Struct, frozen=True):
    """Where an item was before an action: `position` counts from 1 among those of the same state."""

    state: str
    position: int


def place_of(text: str) -> Place | None:
    """From `next:3`; None for anything else."""
    state, _, position = text.partition(":")
    if state in VALUES["curriculum"]["assignment_state"] and position.isascii() and position.isdigit():
        return Place(state, min(int(position), 9_999))
    return None


def command_of(action: str) -> Command:
    """The command behind one of ACTIONS."""
    if action in ("next", "later"):
        return Command("move", MoveTo(action))
    return Command(msgspec.convert(action, CommandName))


def undo_of(action: str, before: Place | None) -> str:
    """The commands that take `action` back; empty when that can't be known."""
    if before is None:
        return ""
    back = f"move:{before.state}:{max(before.position, 1)}"
    if action == "complete":
        return "reopen" if before.state == "now" else f"reopen {back}"
    if action in ("next", "later"):
        return "start" if before.state == "now" else back
    return {"start": back, "reopen": "complete", "unassign": "restore"}[action]


def commands_of(steps: str) -> list[Command]:
    """Each command with its body. Raises Invalid for anything that no page of ours sends."""
    commands: list[Command] = []
    for step in steps.split()[: MOST_STEPS + 1]:
        match = STEP.fullmatch(step)
        if match is None:
            raise Invalid({"steps": "open the page again"})
        if match[1]:
            commands.append(Command(msgspec.convert(match[1], CommandName)))
        else:
            commands.append(Command("move", MoveTo(match[2], max(int(match[3]), 1))))
    if not 1 <= len(commands) <= MOST_STEPS:
        raise Invalid({"steps": "open the page again"})
    return commands
